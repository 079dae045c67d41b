# cython: language_level=3
"""Bytes in the encoding of Kafka's records, read from the first on; ValueError where they end."""

from cpython.bytes cimport PyBytes_FromStringAndSize


cdef struct Bytes:
    const char* at
    const char* end


cdef inline long long number(Bytes* some) except? -7:
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
    raise ValueError("no number")


cdef inline Bytes taken(Bytes* some, Py_ssize_t size) except *:
    """The next so many bytes."""
    cdef Bytes found
    if size < 0 or size > some.end - some.at:
        raise ValueError("the bytes end before")
    found.at = some.at
    some.at = found.end = some.at + size
    return found


cdef inline Bytes sized(Bytes* some) except *:
    """Bytes behind their number, at NULL where it is less than nothing."""
    cdef Bytes nothing
    cdef Py_ssize_t size = number(some)
    if size < 0:
        nothing.at = nothing.end = NULL
        return nothing
    return taken(some, size)


cdef inline bytes content(Bytes some):
    """An object of these bytes; None where they are at NULL."""
    return None if some.at is NULL else PyBytes_FromStringAndSize(some.at, some.end - some.at)
