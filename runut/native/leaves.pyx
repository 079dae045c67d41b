# cython: language_level=3
"""Hashes of a record, made without its encoding: the same as `runut.records.RawRecord.hashes`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from runut.native.headers cimport PackedHeaders
from runut.native.packed cimport Bytes, number, sized, taken
from runut.native.sha256 cimport Hash, add, begin, ended
from runut.native.text cimport PyUnicode_AsUTF8AndSize

cdef enum:
    HASH_SIZE = 32

cdef Py_ssize_t MAX_SIZE = 0xFFFFFFFF
cdef bytes leaf_start = b"\x00runut/leaf/v1\n"


def hashes_of(record):
    """Hashes of the record's key and of itself, and its leaf hash.

    None where a part of it is not of its type, or a number does not fit its field.
    """
    try:
        of_key, of_record = hash_of_key(record.key), hash_of(record)
    except (OverflowError, TypeError, UnicodeEncodeError):
        return None
    return of_key, of_record, leaf_of(of_key, of_record)


cdef bytes hash_of_key(bytes key):
    cdef Hash hash
    begin(&hash)
    if key is not None:
        add(&hash, PyBytes_AS_STRING(key), len(key))
    return ended(&hash)


cdef bytes hash_of(record):
    """SHA-256 of the encoding that `runut.records` describes."""
    cdef Hash hash
    cdef str name
    cdef bytes value
    cdef uint32_t partition = record.partition
    cdef uint64_t offset = record.offset
    cdef int64_t timestamp_ms = record.timestamp_ms
    cdef uint8_t timestamp_type = record.timestamp_type
    headers = record.headers
    begin(&hash)
    add_text(&hash, record.topic)
    add_number(&hash, partition, 4)
    add_number(&hash, offset, 8)
    add_number(&hash, <uint64_t>timestamp_ms, 8)
    add_number(&hash, timestamp_type, 1)
    add_content(&hash, record.key)
    add_content(&hash, record.value)
    if type(headers) is PackedHeaders:
        add_packed(&hash, headers)
        return ended(&hash)
    add_number(&hash, len(headers), 4)
    for name, value in headers:
        add_text(&hash, name)
        add_content(&hash, value)
    return ended(&hash)


cdef int add_packed(Hash* hash, PackedHeaders headers) except -1:
    cdef Bytes some = headers.bytes(), name, value
    cdef long long left = number(&some)
    add_number(hash, left, 4)
    while left:
        name, value = taken(&some, number(&some)), sized(&some)
        add_sized(hash, name.at, name.end - name.at)
        if value.at is NULL:
            add_content(hash, None)
        else:
            add_sized(hash, value.at, value.end - value.at)
        left -= 1
    return 0


cdef bytes leaf_of(bytes of_key, bytes of_record):
    cdef Hash hash
    begin(&hash)
    add(&hash, PyBytes_AS_STRING(leaf_start), len(leaf_start))
    add(&hash, PyBytes_AS_STRING(of_key), HASH_SIZE)
    add(&hash, PyBytes_AS_STRING(of_record), HASH_SIZE)
    return ended(&hash)


cdef int add_text(Hash* hash, str text) except -1:
    cdef Py_ssize_t size = 0
    if text is None:
        raise TypeError("a text")
    cdef const char* at = PyUnicode_AsUTF8AndSize(text, &size)
    return add_sized(hash, at, size)


cdef int add_content(Hash* hash, bytes content) except -1:
    if content is None:
        return add_number(hash, 0xFFFFFFFF, 4)
    return add_sized(hash, PyBytes_AS_STRING(content), len(content))


cdef int add_sized(Hash* hash, const char* at, Py_ssize_t size) except -1:
    if size >= MAX_SIZE:
        raise OverflowError("a size")
    add_number(hash, size, 4)
    add(hash, at, size)
    return 0


cdef int add_number(Hash* hash, uint64_t number, int size) noexcept:
    """Big-endian, in so many bytes."""
    cdef unsigned char[8] written
    cdef int at = size
    while at:
        at -= 1
        written[at] = number & 0xFF
        number >>= 8
    add(hash, written, size)
    return 0
