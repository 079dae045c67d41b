# cython: language_level=3
"""Rows as PostgreSQL's binary COPY takes them: the bytes that psycopg's `Copy.write_row` sends.

What is of a column's usual type is written here, anything else by psycopg's own dumper.
"""

from cython cimport final
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.datetime cimport (
    PyDateTime_CheckExact, datetime_day, datetime_hour, datetime_microsecond, datetime_minute,
    datetime_month, datetime_second, datetime_tzinfo, datetime_year, import_datetime,
)
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint64_t
from libc.string cimport memcpy

from datetime import UTC

from runut.native.calendar cimport days_since_1970
from runut.native.text cimport PyUnicode_AsUTF8AndSize

import_datetime()

cdef enum:  # pg_type.oid
    BOOL = 16
    BYTEA = 17
    INT8 = 20
    INT4 = 23
    TEXT = 25
    TEXT_ARRAY = 1009
    TIMESTAMPTZ = 1184
    UUID = 2950
    JSONB = 3802

cdef enum:
    DAYS_TO_2000 = 10957  # from 1970

cdef object utc = UTC


@final
cdef class BinaryRows:
    """Writes rows of one table, block by block."""

    cdef list oids
    cdef list dumpers
    cdef char* bytes
    cdef Py_ssize_t size
    cdef Py_ssize_t room

    def __init__(self, oids, dumpers):
        self.oids = list(oids)
        self.dumpers = list(dumpers)
        if len(self.oids) != len(self.dumpers):
            raise ValueError("as many dumpers as columns")

    def __dealloc__(self):
        PyMem_Free(self.bytes)

    def block(self, rows):
        """Some rows, without what stands before the first and after the last of all."""
        self.size = 0
        for row in rows:
            self.add(row)
        return PyBytes_FromStringAndSize(self.bytes, self.size)

    cdef int add(self, row) except -1:
        cdef tuple values = tuple(row)
        cdef Py_ssize_t at, columns = len(self.oids)
        if len(values) != columns:
            raise ValueError(f"{columns} values to a row")
        self.put(columns, 2)
        for at in range(columns):
            value = values[at]
            if value is None:
                self.put(-1, 4)
            elif not self.usual(self.oids[at], value):
                dumped = self.dumpers[at].dump(value)
                if dumped is None:
                    self.put(-1, 4)
                else:
                    content = bytes(dumped)
                    self.sized(PyBytes_AS_STRING(content), PyBytes_GET_SIZE(content))
        return 0

    cdef int usual(self, int oid, value) except -1:
        """Write a value that is what columns of the type mostly hold; else 0, nothing written."""
        cdef Py_ssize_t before = self.size
        if oid == TEXT or oid == JSONB or oid == UUID:
            if type(value) is not str:
                return 0
            return self.uuid(value) if oid == UUID else self.text(value, oid == JSONB)
        if oid == TIMESTAMPTZ:
            return self.time(value)
        if oid == INT4 or oid == INT8:
            return self.integer(value, oid)
        if oid == BYTEA and type(value) is bytes:
            self.sized(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
            return 1
        if oid == BOOL and type(value) is bool:
            self.put(1, 4)
            self.put(value is True, 1)
            return 1
        if oid == TEXT_ARRAY and type(value) is tuple and self.texts(value):
            return 1
        self.size = before
        return 0

    cdef int text(self, str value, bint is_json) except -1:
        cdef Py_ssize_t size
        cdef const char* content = PyUnicode_AsUTF8AndSize(value, &size)
        self.put(fitting(size) + is_json, 4)
        if is_json:
            self.put(1, 1)  # the version of jsonb's binary form
        return self.raw(content, size)

    cdef int texts(self, tuple value) except -1:
        for one in value:
            if type(one) is not str:
                return 0
        cdef Py_ssize_t begin = self.size
        self.put(0, 4)  # the size, when it is known
        self.put(1 if value else 0, 4)  # dimensions
        self.put(0, 4)  # no nulls
        self.put(TEXT, 4)
        if value:
            self.put(len(value), 4)
            self.put(1, 4)  # the first one's number
            for one in value:
                self.text(one, False)
        cdef Py_ssize_t end = self.size
        self.size = begin
        self.put(fitting(end - begin - 4), 4)
        self.size = end
        return 1

    cdef int uuid(self, str value) except -1:
        """Of 32 digits with hyphens in their places."""
        cdef Py_ssize_t size, at
        cdef const char* text = PyUnicode_AsUTF8AndSize(value, &size)
        cdef unsigned char[16] found
        cdef int digits = 0, digit
        if size != 36:
            return 0
        for at in range(36):
            if at == 8 or at == 13 or at == 18 or at == 23:
                if text[at] != c'-':
                    return 0
                continue
            digit = hexadecimal(text[at])
            if digit < 0:
                return 0
            if digits & 1:
                found[digits >> 1] |= digit
            else:
                found[digits >> 1] = digit << 4
            digits += 1
        return self.sized(<char*>found, 16)

    cdef int time(self, value) except -1:
        """Microseconds since 2000, of a moment in UTC."""
        if not PyDateTime_CheckExact(value) or datetime_tzinfo(value) is not utc:
            return 0
        cdef int64_t days = -DAYS_TO_2000 + days_since_1970(
            datetime_year(value), datetime_month(value), datetime_day(value)
        )
        cdef int64_t seconds = (
            days * 86400
            + datetime_hour(value) * 3600
            + datetime_minute(value) * 60
            + datetime_second(value)
        )
        self.put(8, 4)
        self.put(seconds * 1000000 + datetime_microsecond(value), 8)
        return 1

    cdef int integer(self, value, int oid) except -1:
        cdef int64_t number
        if type(value) is not int:
            return 0
        try:
            number = value
        except OverflowError:
            return 0
        if oid == INT8:
            self.put(8, 4)
            self.put(number, 8)
            return 1
        if number < INT32_MIN or number > INT32_MAX:
            return 0
        self.put(4, 4)
        self.put(number, 4)
        return 1

    cdef int sized(self, const char* content, Py_ssize_t size) except -1:
        self.put(fitting(size), 4)
        return self.raw(content, size)

    cdef inline int put(self, int64_t number, int width) except -1:
        """An integer, its highest byte first."""
        cdef int at
        self.reserve(width)
        for at in range(width):
            self.bytes[self.size + at] = <char>((<uint64_t>number >> (8 * (width - 1 - at))) & 255)
        self.size += width
        return 1

    cdef int raw(self, const char* content, Py_ssize_t size) except -1:
        self.reserve(size)
        memcpy(self.bytes + self.size, content, size)
        self.size += size
        return 1

    cdef inline int reserve(self, Py_ssize_t size) except -1:
        cdef Py_ssize_t room
        cdef void* grown
        if size > self.room - self.size:
            room = 2 * (self.size + size)
            grown = PyMem_Realloc(self.bytes, room)
            if grown is NULL:
                raise MemoryError
            self.bytes, self.room = <char*>grown, room
        return 0


cdef int32_t fitting(Py_ssize_t size) except -1:
    """A size that COPY can tell."""
    if size >= INT32_MAX:
        raise OverflowError("a value of 2 GiB")
    return <int32_t>size


cdef int hexadecimal(char digit) noexcept:
    if c'0' <= digit <= c'9':
        return digit - c'0'
    if c'a' <= digit <= c'f':
        return digit - c'a' + 10
    return -1
