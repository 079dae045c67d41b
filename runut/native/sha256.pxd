# cython: language_level=3

cdef struct Hash:
    # OpenSSL's SHA256_CTX has 112 bytes, and its numbers stand at multiples of eight.
    long long[32] state

cdef void begin(Hash* hash) noexcept
cdef void add(Hash* hash, const void* data, size_t size) noexcept
cdef void end(Hash* hash, unsigned char* digest) noexcept
cdef bytes ended(Hash* hash)
