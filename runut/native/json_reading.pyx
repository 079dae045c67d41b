# cython: language_level=3
"""Turn JSON values into an event's as `runut.json_values` does, where they are as they mostly are.

A record's schema becomes a tree of readers, once. Each gives its value, or `UNUSUAL` for whatever
is wrong or merely rare: then all of the record goes to the plain converters, which know, and name
the field.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.datetime cimport date_new, datetime_new, import_datetime
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject
from cpython.unicode cimport (
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.string cimport memchr

from datetime import UTC

from runut.avro_values import MAX_ARRAY, UNSPECIFIED
from runut.errors import FieldError
from runut.json_values import ABSENT, CONVERTERS
from runut.rfc3339 import FIRST_YEAR

from runut.native.text cimport UUID_SIZE, is_uuid

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1

import_datetime()

cdef object UNUSUAL = object()
cdef object utc = UTC
cdef int first_year = FIRST_YEAR
cdef Py_ssize_t max_array = MAX_ARRAY

cdef enum:
    DEEPEST = 64
    TOO_MANY = 1 << 30  # and 2,000 times as much is still a number


cdef class Reader:
    """Reads values of one type."""

    cdef object read(self, object value):
        raise NotImplementedError


cdef class Nullable(Reader):
    cdef Reader inner

    def __init__(self, Reader inner not None):
        self.inner = inner

    cdef object read(self, object value):
        return None if value is None else self.inner.read(value)


cdef class Record(Reader):
    """An object with no unknown member; `read_or_none` is for the outermost one."""

    cdef tuple names
    cdef tuple readers
    cdef tuple defaults
    cdef dict empty  # has all names: a copy of it need not grow

    def __init__(self, names, readers, defaults):
        self.names, self.readers, self.defaults = names, readers, defaults
        self.empty = dict.fromkeys(names)

    def read_or_none(self, value):
        """The record in an object; None where a closer look is due."""
        found = self.read(value)
        return None if found is UNUSUAL else found

    cdef object read(self, object value):
        cdef Py_ssize_t n, known = 0
        cdef PyObject* given
        cdef dict found
        if type(value) is not dict:
            return UNUSUAL
        found = self.empty.copy()
        for n in range(len(self.names)):
            name = self.names[n]
            given = PyDict_GetItemWithError(value, name)
            if given is NULL:
                one = self.defaults[n]
            else:
                one = <object>given
                known += 1
            one = (<Reader>self.readers[n]).read(one)
            if one is UNUSUAL:
                return UNUSUAL
            found[name] = one
        return found if known == len(<dict>value) else UNUSUAL


cdef class Array(Reader):
    cdef Reader item

    def __init__(self, Reader item not None):
        self.item = item

    cdef object read(self, object value):
        cdef list found = []
        if type(value) is not list or len(<list>value) > max_array:
            return UNUSUAL
        for one in <list>value:
            one = self.item.read(one)
            if one is UNUSUAL:
                return UNUSUAL
            found.append(one)
        return found


cdef class Enum(Reader):
    cdef frozenset symbols

    def __init__(self, symbols):
        self.symbols = frozenset(symbols) - {UNSPECIFIED}

    cdef object read(self, object value):
        return value if type(value) is str and value in self.symbols else UNUSUAL


cdef class Text(Reader):
    cdef object read(self, object value):
        cdef Py_ssize_t n
        cdef Py_UCS4 c
        cdef int kind
        cdef void* data
        if type(value) is not str:
            return UNUSUAL
        kind, data = PyUnicode_KIND(value), PyUnicode_DATA(value)
        for n in range(PyUnicode_GET_LENGTH(value)):
            c = PyUnicode_READ(kind, data, n)
            if (
                c < 0x20 and c != c'\t' and c != c'\n' and c != c'\r'
                or 0xD800 <= c <= 0xDFFF
            ):
                return UNUSUAL
        return value


cdef class Uuid(Reader):
    cdef object read(self, object value):
        if type(value) is not str or not PyUnicode_IS_ASCII(value):
            return UNUSUAL
        if PyUnicode_GET_LENGTH(value) != UUID_SIZE:
            return UNUSUAL
        return value if is_uuid(<const char*>PyUnicode_DATA(value)) else UNUSUAL


cdef class Boolean(Reader):
    cdef object read(self, object value):
        return value if value is True or value is False else UNUSUAL


cdef class Integer(Reader):
    cdef bint is_long

    def __init__(self, is_long):
        self.is_long = is_long

    cdef object read(self, object value):
        cdef int overflow = 0
        cdef long long number
        if type(value) is not int:
            return UNUSUAL
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow or not (self.is_long or -(1 << 31) <= number < 1 << 31):
            return UNUSUAL
        return value


cdef class Other(Reader):
    """What its plain converter reads: amounts, bytes."""

    cdef object convert

    def __init__(self, convert):
        self.convert = convert

    cdef object read(self, object value):
        try:
            return self.convert(value, "")
        except FieldError:
            return UNUSUAL


cdef int digits(const char* text, int count) noexcept:
    """The number in so many digits; -1 where one is none."""
    cdef int n, number = 0
    for n in range(count):
        if not c'0' <= text[n] <= c'9':
            return -1
        number = 10 * number + text[n] - c'0'
    return number


cdef int days_in(int year, int month) noexcept:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef bint read_day(const char* text, int* year, int* month, int* day) noexcept:
    """Whether ten characters are a day, and which."""
    if text[4] != c'-' or text[7] != c'-':
        return False
    year[0], month[0], day[0] = digits(text, 4), digits(text + 5, 2), digits(text + 8, 2)
    return (
        first_year < year[0] < 9999  # at the ends a zone may lead to another year
        and 1 <= month[0] <= 12
        and 1 <= day[0] <= days_in(year[0], month[0])
    )


cdef class Date(Reader):
    cdef object read(self, object value):
        cdef int year, month, day
        if type(value) is not str or not PyUnicode_IS_ASCII(value):
            return UNUSUAL
        if PyUnicode_GET_LENGTH(value) != 10:
            return UNUSUAL
        if not read_day(<const char*>PyUnicode_DATA(value), &year, &month, &day):
            return UNUSUAL
        return date_new(year, month, day)


cdef class Timestamp(Reader):
    cdef object read(self, object value):
        cdef int year, month, day, minutes, seconds, micros = 0, zone, n
        cdef const char* text
        cdef Py_ssize_t size
        if type(value) is not str or not PyUnicode_IS_ASCII(value):
            return UNUSUAL
        text, size = <const char*>PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value)
        if not 20 <= size <= 32 or not read_day(text, &year, &month, &day):
            return UNUSUAL
        minutes, seconds = minutes_of(text + 11), digits(text + 17, 2)
        if text[10] != c'T' or text[16] != c':' or minutes < 0 or not 0 <= seconds < 60:
            return UNUSUAL
        text, size = text + 19, size - 19
        if text[0] == c'.':
            n = 1
            while n < size and n < 7 and c'0' <= text[n] <= c'9':
                n += 1
            micros = digits(text + 1, n - 1)
            text, size = text + n, size - n
            if n == 1:
                return UNUSUAL
            for n in range(n, 7):
                micros *= 10
        if size == 1 and text[0] == c'Z':
            zone = 0
        elif size == 6 and (text[0] == c'+' or text[0] == c'-'):
            zone = minutes_of(text + 1)
            if zone < 0:
                return UNUSUAL
            minutes += zone if text[0] == c'-' else -zone
        else:
            return UNUSUAL
        if minutes < 0:
            minutes, day = minutes + 1440, day - 1
            if day == 0:
                month = month - 1 if month > 1 else 12
                year = year if month < 12 else year - 1
                day = days_in(year, month)
        elif minutes >= 1440:
            minutes, day = minutes - 1440, day + 1
            if day > days_in(year, month):
                day, month = 1, month + 1 if month < 12 else 1
                year = year if month > 1 else year + 1
        return datetime_new(
            year, month, day, minutes // 60, minutes % 60, seconds, micros, utc
        )


cdef int minutes_of(const char* text) noexcept:
    """Of `HH:MM`, five characters; -1 where they are none."""
    cdef int hours = digits(text, 2), minutes = digits(text + 3, 2)
    if text[2] != c':' or not 0 <= hours < 24 or not 0 <= minutes < 60:
        return -1
    return 60 * hours + minutes


def names_once(bytes text not None, dict found not None):
    """Whether no name was lost when this object was read: as many stand in the text as were kept.

    Each name ends in a quote and a colon, with nothing but spaces between. What is nested deeper
    than `DEEPEST` is not looked at: then it is False.
    """
    cdef const char* at = PyBytes_AS_STRING(text)
    cdef const char* end = at + PyBytes_GET_SIZE(text)
    cdef Py_ssize_t count = 0
    while at < end:
        at = <const char*>memchr(at, c'"', end - at)
        if at is NULL:
            break
        at += 1
        while at < end and (at[0] == c' ' or at[0] == c'\t' or at[0] == c'\r' or at[0] == c'\n'):
            at += 1
        if at < end and at[0] == c':':
            count += 1
    return count == names(found, DEEPEST)


cdef Py_ssize_t names(object value, int depth) noexcept:
    """How many names stand in a JSON value; a number that no text has where it is too deep."""
    cdef Py_ssize_t count = 0
    if depth == 0:
        return TOO_MANY
    if type(value) is dict:
        count = len(<dict>value)
        for one in (<dict>value).values():
            if type(one) is dict or type(one) is list:
                count += names(one, depth - 1)
    else:
        for one in <list>value:
            if type(one) is dict or type(one) is list:
                count += names(one, depth - 1)
    return count


def compiled(schema, defined):
    """What reads objects into records of a schema, or gives None where a closer look is due.

    `defined` has the types that the schema gives by name.
    """
    return _record(schema, defined).read_or_none


def _record(schema, defined):
    fields = schema["fields"]
    return Record(
        tuple(one["name"] for one in fields),
        tuple(_reader(one["type"], defined) for one in fields),
        tuple(one.get("default", ABSENT) for one in fields),
    )


def _reader(schema, defined):
    if isinstance(schema, list):
        return Nullable(_reader(schema[1], defined))
    if isinstance(schema, str):
        schema = defined.get(schema, {"type": schema})
    kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
    if kind == "record":
        return _record(schema, defined)
    if kind == "array":
        return Array(_reader(schema["items"], defined))
    if kind == "enum":
        return Enum(schema["symbols"])
    return _LEAVES[kind]() if kind in _LEAVES else Other(CONVERTERS[kind])


_LEAVES = {
    "string": Text,
    "string.uuid": Uuid,
    "boolean": Boolean,
    "int": lambda: Integer(False),
    "int.date": Date,
    "long": lambda: Integer(True),
    "long.timestamp-micros": Timestamp,
}
