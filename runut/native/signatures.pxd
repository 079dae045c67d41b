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
cdef void put_digest(
    unsigned char* digest, bytes ledger_id, const char* nonce, bytes schema_sha256,
    const char* subject, Py_ssize_t size, const char* body, Py_ssize_t body_size,
) noexcept
