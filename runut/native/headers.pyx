# cython: language_level=3
"""A record's headers as our producers write them, compared with the event where they lie.

The same as `runut.usual_headers.signature_beside`, for a time in UTC, as decoded events have it.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.string cimport memcmp, strlen

from runut.native.heading cimport time_of
from runut.native.text cimport PyUnicode_AsUTF8AndSize

cdef extern from "Python.h":
    int PyUnicode_CompareWithASCIIString(object text, const char* expected)

cdef enum:
    HEADERS = 10


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
        and is_of(value(headers, 5, b"ce_time"), time_of(occurred_at))
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


cdef bint is_same(text, const char* expected) noexcept:
    return type(text) is str and not PyUnicode_CompareWithASCIIString(text, expected)


cdef bint is_text(bytes found, const char* prefix, str text) except -1:
    """Whether the value is the prefix and the text as UTF-8."""
    cdef Py_ssize_t size = 0, before = strlen(prefix)
    cdef const char* expected = PyUnicode_AsUTF8AndSize(text, &size)
    if found is None or len(found) != before + size:
        return False
    cdef const char* at = PyBytes_AS_STRING(found)
    return not memcmp(at, prefix, before) and not memcmp(at + before, expected, size)


cdef bint is_of(bytes found, bytes expected) except -1:
    """Whether both are there and the same."""
    return found is not None and found == expected
