# cython: language_level=3
"""A record's headers as our producers write them, compared with the event where they lie.

The same as `runut.usual_headers.signature_beside`, for a time in UTC, as decoded events have it.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.datetime cimport (
    PyDateTime_Check,
    datetime_day,
    datetime_hour,
    datetime_microsecond,
    datetime_minute,
    datetime_month,
    datetime_second,
    datetime_tzinfo,
    datetime_year,
    import_datetime,
)
from libc.string cimport memcmp, strlen

from datetime import UTC

from runut.native.text cimport PyUnicode_AsUTF8AndSize

import_datetime()

cdef object utc = UTC

cdef enum:
    HEADERS = 10
    SECONDS_END = 19  # 2025-05-08T03:00:00
    MICROSECONDS_END = 26  # 2025-05-08T03:00:00.000000


cdef tuple signature_beside(
    tuple headers, bytes full_name, str event_id, str agency, bytes subject, occurred_at
):
    """Values of the two signature headers, where the other headers are those of the event."""
    if len(headers) != HEADERS:
        return None
    key_id, signature = value(headers, 8, b"runut-key-id"), value(headers, 9, b"runut-signature")
    if (
        key_id is not None
        and signature is not None
        and pair(headers, 7, b"traceparent") is not None
        and value(headers, 0, b"ce_specversion") == b"1.0"
        and is_text(value(headers, 1, b"ce_id"), b"", event_id)
        and value(headers, 2, b"ce_type") == full_name
        and is_text(value(headers, 3, b"ce_source"), b"/agencies/", agency)
        and value(headers, 4, b"ce_subject") == subject
        and is_time(value(headers, 5, b"ce_time"), occurred_at)
        and value(headers, 6, b"content-type") == b"application/avro"
    ):
        return key_id, signature
    return None


cdef tuple pair(tuple headers, Py_ssize_t at, const char* name):
    """The header there, if that is its name."""
    header = headers[at]
    if type(header) is not tuple or len(<tuple>header) != 2:
        return None
    return <tuple>header if is_same((<tuple>header)[0], name) else None


cdef bytes value(tuple headers, Py_ssize_t at, const char* name):
    """The value of the header there, if that is its name and it has one."""
    header = pair(headers, at, name)
    if header is None:
        return None
    found = header[1]
    return <bytes>found if type(found) is bytes else None


cdef bint is_same(text, const char* expected) except -1:
    cdef Py_ssize_t size = 0
    if type(text) is not str:
        return False
    cdef const char* found = PyUnicode_AsUTF8AndSize(text, &size)
    return size == <Py_ssize_t>strlen(expected) and not memcmp(found, expected, size)


cdef bint is_text(bytes found, const char* prefix, str text) except -1:
    """Whether the value is the prefix and the text as UTF-8."""
    cdef Py_ssize_t size = 0, before = strlen(prefix)
    cdef const char* expected = PyUnicode_AsUTF8AndSize(text, &size)
    if found is None or len(found) != before + size:
        return False
    cdef const char* at = PyBytes_AS_STRING(found)
    return not memcmp(at, prefix, before) and not memcmp(at + before, expected, size)


cdef bint is_time(bytes found, time) except -1:
    """Whether the value is the time as `runut.rfc3339.time_bytes` writes it."""
    cdef char[MICROSECONDS_END + 1] expected
    cdef Py_ssize_t size = SECONDS_END
    if found is None or not PyDateTime_Check(time) or datetime_tzinfo(time) is not utc:
        return False
    put(expected, 4, datetime_year(time), c"-")
    put(expected + 5, 2, datetime_month(time), c"-")
    put(expected + 8, 2, datetime_day(time), c"T")
    put(expected + 11, 2, datetime_hour(time), c":")
    put(expected + 14, 2, datetime_minute(time), c":")
    put(expected + 17, 2, datetime_second(time), c".")
    if datetime_microsecond(time):
        put(expected + 20, 6, datetime_microsecond(time), c"Z")
        size = MICROSECONDS_END
    expected[size] = c"Z"
    size += 1
    return len(found) == size and not memcmp(PyBytes_AS_STRING(found), expected, size)


cdef void put(char* at, int digits, unsigned int number, char end) noexcept:
    """Write a number with so many digits, and the character after it."""
    at[digits] = end
    while digits:
        digits -= 1
        at[digits] = c"0" + number % 10
        number //= 10
