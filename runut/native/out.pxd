# cython: language_level=3
"""A buffer that grows while bytes are appended to it. Who has one frees `bytes`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Realloc
from libc.string cimport memcpy


cdef struct Out:
    char* bytes
    Py_ssize_t size
    Py_ssize_t capacity


cdef inline int demand_room(Out* out, Py_ssize_t more) except -1:
    """Make room for so many bytes, which an object that is there has."""
    cdef char* larger
    cdef Py_ssize_t capacity
    if more <= out.capacity - out.size:
        return 0
    capacity = 2 * (out.size + more)
    larger = <char*>PyMem_Realloc(out.bytes, capacity)
    if larger is NULL:
        raise MemoryError
    out.bytes, out.capacity = larger, capacity
    return 0


cdef inline int put_byte(Out* out, char byte) except -1:
    demand_room(out, 1)
    out.bytes[out.size] = byte
    out.size += 1
    return 0


cdef inline int put_number(Out* out, long long number) except -1:
    """A number in as few bytes as it takes, seven bits each; its sign comes last."""
    cdef unsigned long long left = (<unsigned long long>number << 1) ^ <unsigned long long>(
        number >> 63
    )
    demand_room(out, 10)
    while left > 127:
        out.bytes[out.size] = <char>(left & 127 | 128)
        out.size += 1
        left >>= 7
    out.bytes[out.size] = <char>left
    out.size += 1
    return 0


cdef inline int put_raw(Out* out, const char* bytes, Py_ssize_t size) except -1:
    demand_room(out, size)
    memcpy(out.bytes + out.size, bytes, size)
    out.size += size
    return 0


cdef inline int put_sized(Out* out, const char* bytes, Py_ssize_t size) except -1:
    """Bytes behind their number."""
    put_number(out, size)
    return put_raw(out, bytes, size)


cdef inline int put_whole(Out* out, bytes some) except -1:
    return put_raw(out, PyBytes_AS_STRING(some), PyBytes_GET_SIZE(some))
