# cython: language_level=3
"""Records out of the bytes of a Kafka batch, and the CRC of these.

The same as `runut.adapters.record_batches.plain_records_of`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.limits cimport LLONG_MAX, LLONG_MIN
from libc.string cimport memcmp

from runut.records import CREATE_TIME, LOG_APPEND_TIME, RawRecord

from runut.native.crc32c cimport crc32c, has_crc32c

cdef object make_record = RawRecord
cdef object create_time = CREATE_TIME
cdef object broker_time = LOG_APPEND_TIME


cdef extern from "Python.h":
    const char* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bint PyUnicode_IS_COMPACT_ASCII(object text)


class Broken(Exception):
    """These bytes are no records."""


cdef struct Bytes:
    const char* at
    const char* end


def checksum(bytes data not None, Py_ssize_t at, Py_ssize_t end):
    """CRC-32C of some of the bytes; None where the processor has no instruction for it."""
    if not has_crc32c() or not 0 <= at <= end <= PyBytes_GET_SIZE(data):
        return None
    return crc32c(PyBytes_AS_STRING(data) + at, end - at)


def records_of(str topic not None, partition, batch not None):
    """The records of a batch; None where its bytes are none."""
    cdef Bytes some
    cdef const unsigned char[::1] data = batch.records
    cdef Py_ssize_t at = batch.at, end = batch.end
    if not 0 <= at <= end <= data.shape[0]:
        return None
    if at == end:  # there may be no first byte
        return None if batch.size > 0 else []
    some.at = <const char*>&data[at]
    some.end = some.at + (end - at)
    try:
        found = all_of(topic, partition, batch, &some)
    except Broken:
        return None
    return found if some.at == some.end else None


cdef list all_of(str topic, partition, batch, Bytes* some):
    cdef long long first_offset = batch.first_offset, first_ms = batch.first_ms, ms, offset
    cdef int left
    cdef Py_ssize_t size
    cdef const char* end
    cdef tuple headers = ()
    cdef list found = []
    given_ms = batch.given_ms
    kind = create_time if given_ms is None else broker_time
    for left in range(batch.size):
        size = number(some)
        if size < 1 or size > some.end - some.at:
            raise Broken
        end = some.at + size
        some.at += 1  # attributes, of which there are none
        ms = sum_of(first_ms, number(some))
        offset = sum_of(first_offset, number(some))
        key, value = sized(some), sized(some)
        headers = headers_like(headers, some)
        if some.at != end:
            raise Broken
        found.append(
            make_record(
                topic, partition, offset, ms if given_ms is None else given_ms, kind, key, value,
                headers,
            )
        )
    return found


cdef long long sum_of(long long one, long long other) except? -7:
    """Of numbers that have one in as many bits."""
    if one > LLONG_MAX - other if other > 0 else one < LLONG_MIN - other:
        raise Broken
    return one + other


cdef tuple headers_like(tuple before, Bytes* some):
    """A record's headers; one that is as the record before had it at its place is that one."""
    cdef long long count = number(some)
    cdef Py_ssize_t n, known = len(before)
    if count < 0 or count > some.end - some.at:
        raise Broken
    cdef list found = []
    for n in range(count):
        found.append(header_like(<tuple>before[n] if n < known else None, some))
    return tuple(found)


cdef tuple header_like(tuple before, Bytes* some):
    cdef Py_ssize_t size = number(some)
    cdef const char* at = taken(some, size)
    if before is None or not is_text(before[0], at, size):
        return PyUnicode_DecodeUTF8(at, size, "surrogateescape"), sized(some)
    size = number(some)
    if size < 0:
        return before[0], None
    at = taken(some, size)
    if is_content(before[1], at, size):
        return before
    return before[0], PyBytes_FromStringAndSize(at, size)


cdef bytes sized(Bytes* some):
    """Bytes behind their number; None where it is less than nothing."""
    cdef Py_ssize_t size = number(some)
    return None if size < 0 else PyBytes_FromStringAndSize(taken(some, size), size)


cdef const char* taken(Bytes* some, Py_ssize_t size) except NULL:
    if size < 0 or size > some.end - some.at:
        raise Broken
    some.at += size
    return some.at - size


cdef long long number(Bytes* some) except? -7:
    """In as few bytes as it takes, seven bits each; its sign came last."""
    cdef unsigned long long found = 0
    cdef unsigned char byte
    cdef int shift = 0
    while some.at < some.end and shift < 64:
        byte = <unsigned char>some.at[0]
        some.at += 1
        found |= <unsigned long long>(byte & 127) << shift
        if byte < 128:
            return <long long>(found >> 1) ^ -<long long>(found & 1)
        shift += 7
    raise Broken


cdef bint is_text(text, const char* at, Py_ssize_t size) noexcept:
    """Whether it is this, and all of it ASCII, as names are."""
    return (
        PyUnicode_IS_COMPACT_ASCII(text)
        and PyUnicode_GET_LENGTH(text) == size
        and not memcmp(PyUnicode_DATA(text), at, size)
    )


cdef bint is_content(content, const char* at, Py_ssize_t size) noexcept:
    return (
        content is not None
        and PyBytes_GET_SIZE(content) == size
        and not memcmp(PyBytes_AS_STRING(content), at, size)
    )
