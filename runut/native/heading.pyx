# cython: language_level=3
"""Times and traces as a record's headers have them (`runut.rfc3339`, `runut.tracing`)."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.datetime cimport (
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

from datetime import UTC

from runut.native.text cimport UUID_SIZE, PyUnicode_AsUTF8AndSize

import_datetime()

cdef object utc = UTC
cdef char* HEX = b"0123456789abcdef"


cdef bint has_trace(char* trace, object about, unsigned long long span) except -1:
    """Write `00-`, the digits of a UUID, `-`, the span, `-00`, unless it is no UUID by its hyphens."""
    cdef Py_ssize_t size, n, filled = 3
    cdef const char* uuid = PyUnicode_AsUTF8AndSize(about, &size)
    if size != UUID_SIZE:
        return False
    trace[0], trace[1], trace[2] = c'0', c'0', c'-'
    for n in range(UUID_SIZE):
        if n == 8 or n == 13 or n == 18 or n == 23:
            if uuid[n] != c'-':
                return False
        elif uuid[n] == c'-':
            return False
        else:
            trace[filled] = uuid[n]
            filled += 1
    trace[35] = c'-'
    for n in range(16):
        trace[36 + n] = HEX[span >> 4 * (15 - n) & 15]
    trace[52], trace[53], trace[54] = c'-', c'0', c'0'
    return True


cdef void put_digits(char* to, int number, int count) noexcept:
    cdef int n
    for n in range(count):
        to[count - 1 - n] = c'0' + number % 10
        number //= 10


cdef bytes time_of(object time):
    """As `runut.rfc3339.time_bytes`; None of what is no time in UTC."""
    cdef char[PRECISE_TIME] text
    cdef int size = put_time(text, time)
    return PyBytes_FromStringAndSize(text, size) if size else None


cdef int put_time(char* text, object time) except -1:
    """The same, giving its size: with six digits of a second's part, or none; 0 where None is."""
    cdef int micros
    if not PyDateTime_CheckExact(time) or datetime_tzinfo(time) is not utc:
        return 0
    put_digits(text, PyDateTime_GET_YEAR(time), 4)
    put_digits(text + 5, PyDateTime_GET_MONTH(time), 2)
    put_digits(text + 8, PyDateTime_GET_DAY(time), 2)
    put_digits(text + 11, PyDateTime_DATE_GET_HOUR(time), 2)
    put_digits(text + 14, PyDateTime_DATE_GET_MINUTE(time), 2)
    put_digits(text + 17, PyDateTime_DATE_GET_SECOND(time), 2)
    text[4] = text[7] = c'-'
    text[10], text[13], text[16] = c'T', c':', c':'
    micros = PyDateTime_DATE_GET_MICROSECOND(time)
    if micros == 0:
        text[TIME - 1] = c'Z'
        return TIME
    text[19] = c'.'
    put_digits(text + 20, micros, 6)
    text[PRECISE_TIME - 1] = c'Z'
    return PRECISE_TIME
