# cython: language_level=3
"""Write events' bodies as `runut.avro_writer` does: the same bytes, or none.

A schema becomes a tree of writers, once, and each of them appends to one buffer. What the plain
writer would not write raises here too (`Unusual` mostly), and so does a little that it would: any
mapping but a dict. Whoever asked takes the long way round then (`runut.codec`).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.datetime cimport (
    PyDate_CheckExact,
    PyDateTime_CheckExact,
    PyDateTime_DATE_GET_HOUR,
    PyDateTime_DATE_GET_MICROSECOND,
    PyDateTime_DATE_GET_MINUTE,
    PyDateTime_DATE_GET_SECOND,
    PyDateTime_GET_DAY,
    PyDateTime_GET_MONTH,
    PyDateTime_GET_YEAR,
    datetime_tzinfo,
    import_datetime,
)
from cpython.dict cimport PyDict_GetItemWithError
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.string cimport memchr

from datetime import UTC

from runut.avro_values import FIRST_YEAR, UNSPECIFIED
from runut.avro_writer import LONGEST, Unusual, amount_bytes
from runut.errors import BadFile

from runut.native.calendar cimport days_since_1970
from runut.native.out cimport Out, put_byte, put_number, put_sized
from runut.native.text cimport UUID_SIZE, PyUnicode_AsUTF8AndSize, is_uuid

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1

import_datetime()

cdef object utc = UTC
cdef int first_year = FIRST_YEAR
cdef Py_ssize_t longest = LONGEST


cdef int put_limited(Out* out, const char* bytes, Py_ssize_t size) except -1:
    """Bytes behind their number, unless they are too many."""
    if size > longest:
        raise Unusual
    return put_sized(out, bytes, size)


cdef class Writer:
    """Writes values of one type."""

    cdef int write(self, object value, Out* out) except -1:
        raise NotImplementedError


cdef class Nullable(Writer):
    cdef Writer inner

    def __init__(self, Writer inner not None):
        self.inner = inner

    cdef int write(self, object value, Out* out) except -1:
        if value is None:
            return put_byte(out, 0)
        put_byte(out, 2)
        return self.inner.write(value, out)


cdef class Record(Writer):
    cdef tuple names
    cdef tuple writers

    def __init__(self, fields):
        self.names = tuple(name for name, _ in fields)
        self.writers = tuple(writer for _, writer in fields)

    cdef int write(self, object value, Out* out) except -1:
        cdef Py_ssize_t n
        cdef PyObject* found
        if type(value) is not dict or len(<dict>value) != len(self.names):
            raise Unusual
        for n in range(len(self.names)):
            found = PyDict_GetItemWithError(value, self.names[n])
            if found is NULL:
                raise Unusual
            one = <object>found  # its own reference: what is written may be looked at by others
            (<Writer>self.writers[n]).write(one, out)
        return 0


cdef class Array(Writer):
    cdef Writer item

    def __init__(self, Writer item not None):
        self.item = item

    cdef int write(self, object value, Out* out) except -1:
        if type(value) is not list or len(<list>value) > longest:
            raise Unusual
        if <list>value:
            put_number(out, len(<list>value))
            for one in <list>value:
                self.item.write(one, out)
        return put_byte(out, 0)


cdef class Enum(Writer):
    cdef dict indexes

    def __init__(self, symbols):
        self.indexes = {one: at for at, one in enumerate(symbols) if one != UNSPECIFIED}

    cdef int write(self, object value, Out* out) except -1:
        cdef PyObject* found = PyDict_GetItemWithError(self.indexes, value)
        if found is NULL:
            raise Unusual
        return put_number(out, <object>found)


cdef class Text(Writer):
    cdef int write(self, object value, Out* out) except -1:
        cdef Py_ssize_t size
        cdef const char* utf8
        if type(value) is not str:
            raise Unusual
        utf8 = PyUnicode_AsUTF8AndSize(value, &size)
        if memchr(utf8, 0, size) is not NULL:
            raise Unusual
        return put_limited(out, utf8, size)


cdef class Uuid(Writer):
    cdef int write(self, object value, Out* out) except -1:
        cdef Py_ssize_t size
        cdef const char* utf8
        if type(value) is not str:
            raise Unusual
        utf8 = PyUnicode_AsUTF8AndSize(value, &size)
        if size != UUID_SIZE or not is_uuid(utf8):
            raise Unusual
        return put_limited(out, utf8, size)


cdef class Raw(Writer):
    cdef int write(self, object value, Out* out) except -1:
        if type(value) is not bytes:
            raise Unusual
        return put_limited(out, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))


cdef class Boolean(Writer):
    cdef int write(self, object value, Out* out) except -1:
        if value is not True and value is not False:
            raise Unusual
        return put_byte(out, value is True)


cdef class Integer(Writer):
    cdef int is_long

    def __init__(self, is_long):
        self.is_long = is_long

    cdef int write(self, object value, Out* out) except -1:
        cdef int overflow = 0
        cdef long long number
        if type(value) is not int:
            raise Unusual
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow or not (self.is_long or -(1 << 31) <= number < 1 << 31):
            raise Unusual
        return put_number(out, number)


cdef class Timestamp(Writer):
    cdef int write(self, object value, Out* out) except -1:
        cdef int year
        cdef long long seconds
        if not PyDateTime_CheckExact(value) or datetime_tzinfo(value) is not utc:
            raise Unusual
        year = PyDateTime_GET_YEAR(value)
        if year < first_year:
            raise Unusual
        seconds = 86_400 * days_since_1970(
            year, PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value)
        )
        seconds += 3_600 * PyDateTime_DATE_GET_HOUR(value)
        seconds += 60 * PyDateTime_DATE_GET_MINUTE(value) + PyDateTime_DATE_GET_SECOND(value)
        return put_number(out, 1_000_000 * seconds + PyDateTime_DATE_GET_MICROSECOND(value))


cdef class Date(Writer):
    cdef int write(self, object value, Out* out) except -1:
        cdef int year
        if not PyDate_CheckExact(value):
            raise Unusual
        year = PyDateTime_GET_YEAR(value)
        if year < first_year:
            raise Unusual
        return put_number(
            out, days_since_1970(year, PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value))
        )


cdef class Amount(Writer):
    cdef int exponent

    def __init__(self, exponent):
        self.exponent = exponent

    cdef int write(self, object value, Out* out) except -1:
        cdef bytes raw = amount_bytes(value, self.exponent)
        return put_limited(out, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))


cdef class Body:
    """Writes the body of an event from its meta and its data."""

    cdef Writer meta
    cdef Record data

    def __init__(self, Writer meta not None, Record data not None):
        self.meta = meta
        self.data = data

    def __call__(self, meta, data):
        cdef Out out
        out.size, out.capacity = 0, 1024
        out.bytes = <char*>PyMem_Malloc(out.capacity)
        if out.bytes is NULL:
            raise MemoryError
        try:
            self.meta.write(meta, &out)
            self.data.write(data, &out)
            return PyBytes_FromStringAndSize(out.bytes, out.size)
        finally:
            PyMem_Free(out.bytes)


def compiled(schema):
    """The writer of an event's self-contained schema, as `runut.avro_writer.compiled`."""
    meta, *fields = schema["fields"]
    defined = {}
    writer = _writer(meta["type"], schema["name"], defined)
    return Body(writer, _record(fields, schema["name"], defined))


def _writer(schema, place, defined):
    if isinstance(schema, list):
        if len(schema) != 2 or schema[0] != "null":
            raise BadFile(place, "a union of null and one type", schema)
        return Nullable(_writer(schema[1], place, defined))
    if isinstance(schema, str):
        schema = defined.get(schema, {"type": schema})
    if "name" in schema:
        defined[schema["name"]] = schema
    kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
    if kind not in _WRITERS:
        raise BadFile(place, f"one of {', '.join(sorted(_WRITERS))}", kind)
    return _WRITERS[kind](schema, place, defined)


def _record(fields, place, defined):
    return Record([(one["name"], _writer(one["type"], place, defined)) for one in fields])


_WRITERS = {
    "record": lambda schema, place, defined: _record(schema["fields"], place, defined),
    "enum": lambda schema, *_: Enum(schema["symbols"]),
    "array": lambda schema, place, defined: Array(_writer(schema["items"], place, defined)),
    "string": lambda *_: Text(),
    "string.uuid": lambda *_: Uuid(),
    "bytes": lambda *_: Raw(),
    "bytes.decimal": lambda schema, *_: Amount(-schema["scale"]),
    "boolean": lambda *_: Boolean(),
    "int": lambda *_: Integer(False),
    "int.date": lambda *_: Date(),
    "long": lambda *_: Integer(True),
    "long.timestamp-micros": lambda *_: Timestamp(),
}
