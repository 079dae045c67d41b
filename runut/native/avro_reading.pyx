# cython: language_level=3
"""Read bodies of one schema at a glance: what `runut.avro_reader` does, compiled.

A schema becomes a tree of nodes, each of which reads its own kind of value. What is malformed, and
what may be read but nobody writes, is left to the plain reader, which says what is wrong with it or
reads it. Whatever is read here, it would read too, as the same values.

Nothing beyond the bytes at hand is looked at, and nothing is allocated for what they claim to hold.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.datetime cimport import_datetime, timedelta_new
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8
from libc.string cimport memchr

from sys import intern

from runut.avro_values import (
    EPOCH,
    FIRST_MOMENT,
    LAST_MOMENT,
    MAX_ARRAY,
    UNSPECIFIED,
    amount,
    day,
)

from runut.native.text cimport UUID_SIZE, is_uuid

import_datetime()

cdef object epoch = EPOCH
cdef long long first_moment = FIRST_MOMENT
cdef long long last_moment = LAST_MOMENT
cdef Py_ssize_t most_items = MAX_ARRAY
cdef long long SECOND = 1_000_000
cdef long long DAY = 86_400 * SECOND

cdef struct Bytes:
    # What is left of a body.
    const unsigned char* at
    const unsigned char* end


class Unusual(ValueError):
    """Not to be read at a glance."""


cdef inline unsigned char next_byte(Bytes* left) except? 255:
    if left.at == left.end:
        raise Unusual
    left.at += 1
    return left.at[-1]


cdef inline unsigned long long varint(Bytes* left, int bits) except? -1:
    """An unsigned number in the fewest bytes."""
    cdef unsigned char byte = next_byte(left)
    cdef unsigned long long number = byte & 127
    cdef int shift = 0
    while byte > 127:
        shift += 7
        byte = next_byte(left)
        # Of the tenth byte one bit is left; a last byte of 0 says nothing.
        if byte == 0 or shift == 63 and byte > 1:
            raise Unusual
        number |= <unsigned long long>(byte & 127) << shift
    if bits < 64 and number >> bits:
        raise Unusual
    return number


cdef inline long long signed_number(Bytes* left, int bits) except? -1:
    cdef unsigned long long number = varint(left, bits)
    return <long long>(number >> 1) ^ -<long long>(number & 1)


cdef inline const unsigned char* span(Bytes* left, Py_ssize_t* size) except NULL:
    """Where bytes begin that follow their length; they are passed by."""
    cdef unsigned long long doubled = varint(left, 64)
    cdef const unsigned char* begin = left.at
    if doubled & 1 or (doubled >> 1) > <size_t>(left.end - begin):
        raise Unusual
    size[0] = <Py_ssize_t>(doubled >> 1)
    left.at += size[0]
    return begin


cdef class Node:
    """Reads the values of one type."""

    cdef object read(self, Bytes* left):
        raise NotImplementedError


cdef class Field:
    """A value of a record, and what it is called."""

    cdef str name
    cdef Node node

    def __init__(self, str name, Node node):
        self.name = name
        self.node = node


cdef class Record(Node):
    cdef tuple fields
    cdef dict blank

    def __init__(self, dict schema, dict defined):
        # Names in a program's text are the same objects: found without a look at their letters.
        nodes = {intern(one["name"]): node_of(one["type"], defined) for one in schema["fields"]}
        self.fields = tuple(Field(name, node) for name, node in nodes.items())
        # What a copy of this has no value for, stays None; it need not grow either.
        self.blank = dict.fromkeys(nodes)

    cdef object read(self, Bytes* left):
        cdef dict found = self.blank.copy()
        cdef Field field
        for field in self.fields:
            value = field.node.read(left)
            if value is not None:
                found[field.name] = value
        return found


cdef class Nullable(Node):
    cdef Node node

    def __init__(self, list schema, dict defined):
        _, other = schema
        self.node = node_of(other, defined)

    cdef object read(self, Bytes* left):
        cdef unsigned char choice = next_byte(left)
        if choice == 0:
            return None
        if choice == 2:
            return self.node.read(left)
        raise Unusual


cdef class Enum(Node):
    cdef tuple symbols

    def __init__(self, dict schema, dict defined):
        by_byte = {2 * at: one for at, one in enumerate(schema["symbols"]) if one != UNSPECIFIED}
        self.symbols = tuple(by_byte.get(byte) for byte in range(256))

    cdef object read(self, Bytes* left):
        symbol = self.symbols[next_byte(left)]
        if symbol is None:
            raise Unusual
        return symbol


cdef class Array(Node):
    cdef Node node

    def __init__(self, dict schema, dict defined):
        self.node = node_of(schema["items"], defined)

    cdef object read(self, Bytes* left):
        cdef list found = []
        cdef unsigned long long doubled, _
        while True:
            doubled = varint(left, 64)
            if doubled == 0:
                return found
            # Odd is a block that says how long it is.
            if doubled & 1 or (doubled >> 1) > <size_t>(most_items - len(found)):
                raise Unusual
            for _ in range(doubled >> 1):
                found.append(self.node.read(left))


cdef class Raw(Node):
    def __init__(self, dict schema, dict defined):
        pass

    cdef object read(self, Bytes* left):
        cdef Py_ssize_t size = 0
        cdef const unsigned char* begin = span(left, &size)
        return PyBytes_FromStringAndSize(<const char*>begin, size)


cdef class Text(Raw):
    cdef object read(self, Bytes* left):
        cdef Py_ssize_t size = 0
        cdef const unsigned char* begin = span(left, &size)
        if memchr(begin, 0, size) != NULL:
            raise Unusual
        return PyUnicode_DecodeUTF8(<const char*>begin, size, NULL)


cdef class Uuid(Raw):
    cdef object read(self, Bytes* left):
        cdef Py_ssize_t size = 0
        cdef const char* text = <const char*>span(left, &size)
        if size != UUID_SIZE or not is_uuid(text):
            raise Unusual
        return PyUnicode_DecodeASCII(text, size, NULL)


cdef class Amount(Raw):
    cdef object exponent

    def __init__(self, dict schema, dict defined):
        self.exponent = -schema["scale"]

    cdef object read(self, Bytes* left):
        return amount(Raw.read(self, left), self.exponent)


cdef class Boolean(Node):
    def __init__(self, dict schema, dict defined):
        pass

    cdef object read(self, Bytes* left):
        cdef unsigned char byte = next_byte(left)
        if byte > 1:
            raise Unusual
        return byte == 1


cdef class Number(Node):
    cdef int bits

    def __init__(self, dict schema, dict defined):
        self.bits = 32 if schema["type"] == "int" else 64

    cdef object read(self, Bytes* left):
        return signed_number(left, self.bits)


cdef class Day(Number):
    cdef object read(self, Bytes* left):
        return day(signed_number(left, 32))


cdef class Moment(Number):
    cdef object read(self, Bytes* left):
        cdef long long micros = signed_number(left, 64)
        if not first_moment <= micros <= last_moment:
            raise Unusual
        cdef long long rest = micros % DAY
        return epoch + timedelta_new(
            <int>(micros // DAY), <int>(rest // SECOND), <int>(rest % SECOND)
        )


cdef Node node_of(object schema, dict defined):
    """The node of a type that `runut.avro_reader` takes; `defined` are those with a name so far."""
    if isinstance(schema, list):
        return Nullable(schema, defined)
    if isinstance(schema, str):
        if schema in defined:
            return defined[schema]
        schema = {"type": schema}
    kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
    node = NODES[kind](schema, defined)
    if "name" in schema:
        defined[schema["name"]] = node
    return node


NODES = {
    "record": Record,
    "enum": Enum,
    "array": Array,
    "string": Text,
    "string.uuid": Uuid,
    "bytes": Raw,
    "bytes.decimal": Amount,
    "boolean": Boolean,
    "int": Number,
    "int.date": Day,
    "long": Number,
    "long.timestamp-micros": Moment,
}


cdef class AtAGlance:
    """A reader of bodies of one schema; `otherwise` reads what is not to be read at a glance."""

    cdef Node record
    cdef object otherwise

    def __cinit__(self, dict schema not None, otherwise):
        self.record = node_of(schema, {})
        self.otherwise = otherwise

    def read(self, bytes body not None):
        """The record in `body`."""
        cdef Bytes left
        left.at = <const unsigned char*>PyBytes_AS_STRING(body)
        left.end = left.at + PyBytes_GET_SIZE(body)
        try:
            found = self.record.read(&left)
            if left.at == left.end:
                return found
        except ValueError:
            pass  # what is wrong, the other one says
        return self.otherwise(body)
