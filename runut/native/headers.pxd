# cython: language_level=3

from cython cimport final

from runut.native.packed cimport Bytes


@final
cdef class PackedHeaders:
    cdef bytes packed
    cdef tuple unpacked
    cdef Bytes bytes(self) noexcept
    cdef tuple all(self)


cdef PackedHeaders headers_in(Bytes* some)
cdef tuple signature_beside(
    PackedHeaders headers, bytes full_name, str event_id, str agency, bytes subject, occurred_at
)
