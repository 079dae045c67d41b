# cython: language_level=3

cdef struct Parts:
    # Of a signature; they lie in the header's value, which has to live as long.
    int size
    int index
    const char* nonce
    const char* path
    Py_ssize_t path_size
    const char* signed_root

cdef bint is_parsed(bytes data, Parts* parts) noexcept
