# cython: language_level=3
"""A record's headers as `runut.outgoing.headers_of` has them: CloudEvents', trace and signature.

None where a part is not as a decoded event has it: text, and times in UTC.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
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
from libc.string cimport memcpy

from datetime import UTC

from runut.catalogue import NAMESPACE

from runut.native.text cimport PyUnicode_AsUTF8AndSize

import_datetime()

cdef object utc = UTC
cdef tuple SPECVERSION = ("ce_specversion", b"1.0")
cdef tuple CONTENT_TYPE = ("content-type", b"application/avro")
cdef dict types = {}
"""The header of each type by its name: there are only those of the catalogue."""
cdef char* HEX = b"0123456789abcdef"
cdef char* SOURCE = b"/agencies/"

cdef enum:
    UUID = 36
    TRACE = 55
    TIME = 20
    PRECISE_TIME = 27


def headers(event, signature not None, bytes traceparent, unsigned long long span):
    """The list of them."""
    cdef bytes time = time_of(event.occurred_at)
    name = event.type
    if traceparent is None:
        about = event.meta["correlation_id"]
        traceparent = trace_of(event.event_id if about is None else about, span)
    if time is None or traceparent is None:
        return None
    kind = types.get(name)
    if kind is None:
        kind = types[name] = ("ce_type", f"{NAMESPACE}.{name}".encode())
    return [
        SPECVERSION,
        ("ce_id", behind(SOURCE, 0, event.event_id)),
        kind,
        ("ce_source", behind(SOURCE, 10, event.agency)),
        ("ce_subject", behind(SOURCE, 0, event.subject)),
        ("ce_time", time),
        CONTENT_TYPE,
        ("traceparent", traceparent),
        *signature,
    ]


cdef bytes behind(const char* start, Py_ssize_t size, object text):
    """A text as UTF-8, behind so many bytes."""
    cdef Py_ssize_t more
    cdef const char* utf8 = PyUnicode_AsUTF8AndSize(text, &more)
    cdef bytes found = PyBytes_FromStringAndSize(NULL, size + more)
    memcpy(PyBytes_AS_STRING(found), start, size)
    memcpy(PyBytes_AS_STRING(found) + size, utf8, more)
    return found


cdef bytes trace_of(object about, unsigned long long span):
    """`00-`, the digits of a UUID, `-`, the span, `-00`; None where it is no UUID by its hyphens."""
    cdef Py_ssize_t size, n, filled = 3
    cdef const char* uuid = PyUnicode_AsUTF8AndSize(about, &size)
    cdef char[TRACE] trace
    if size != UUID:
        return None
    trace[0], trace[1], trace[2] = c'0', c'0', c'-'
    for n in range(UUID):
        if n == 8 or n == 13 or n == 18 or n == 23:
            if uuid[n] != c'-':
                return None
        elif uuid[n] == c'-':
            return None
        else:
            trace[filled] = uuid[n]
            filled += 1
    trace[35] = c'-'
    for n in range(16):
        trace[36 + n] = HEX[span >> 4 * (15 - n) & 15]
    trace[52], trace[53], trace[54] = c'-', c'0', c'0'
    return PyBytes_FromStringAndSize(trace, TRACE)


cdef void put_digits(char* to, int number, int count) noexcept:
    cdef int n
    for n in range(count):
        to[count - 1 - n] = c'0' + number % 10
        number //= 10


cdef bytes time_of(object time):
    """As `runut.rfc3339.time_bytes`: with six digits of a second's part, or none.

    None of what is no time in UTC.
    """
    cdef char[PRECISE_TIME] text
    cdef int micros
    if not PyDateTime_CheckExact(time) or datetime_tzinfo(time) is not utc:
        return None
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
        return PyBytes_FromStringAndSize(text, TIME)
    text[19] = c'.'
    put_digits(text + 20, micros, 6)
    text[PRECISE_TIME - 1] = c'Z'
    return PyBytes_FromStringAndSize(text, PRECISE_TIME)
