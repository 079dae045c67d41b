# cython: language_level=3
"""Records out of the bytes of a Kafka batch, and the CRC of these.

The same as `runut.adapters.record_batches.plain_records_of`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.limits cimport LLONG_MAX, LLONG_MIN

from runut.records import CREATE_TIME, LOG_APPEND_TIME, RawRecord

from runut.native.crc32c cimport crc32c, has_crc32c
from runut.native.headers cimport headers_in
from runut.native.packed cimport Bytes, content, number, sized

cdef object make_record = RawRecord
cdef object create_time = CREATE_TIME
cdef object broker_time = LOG_APPEND_TIME


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
    except ValueError:
        return None
    return found if some.at == some.end else None


cdef list all_of(str topic, partition, batch, Bytes* some):
    cdef long long first_offset = batch.first_offset, first_ms = batch.first_ms, ms, offset
    cdef int left
    cdef Py_ssize_t size
    cdef const char* end
    cdef list found = []
    given_ms = batch.given_ms
    kind = create_time if given_ms is None else broker_time
    for left in range(batch.size):
        size = number(some)
        if size < 1 or size > some.end - some.at:
            raise ValueError("no record")
        end = some.at + size
        some.at += 1  # attributes, of which there are none
        ms = sum_of(first_ms, number(some))
        offset = sum_of(first_offset, number(some))
        key, value = content(sized(some)), content(sized(some))
        headers = headers_in(some)
        if some.at != end:
            raise ValueError("no record")
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
        raise ValueError("no record")
    return one + other
