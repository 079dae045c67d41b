# cython: language_level=3

cdef Py_ssize_t path_length(long long index, long long size) noexcept
cdef bint has_joined(
    dict ways, bytes batch, const char* leaf, long long index, const char* path, Py_ssize_t length
) except -1
