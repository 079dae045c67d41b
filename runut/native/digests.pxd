# cython: language_level=3
"""The digest of an event, as `runut.signing.event_digest` has it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from runut.native.sha256 cimport Hash, add, begin, end

cdef enum:
    NONCE_SIZE = 16


cdef inline void put_digest(
    unsigned char* digest, bytes start, const char* nonce, bytes schema_sha256,
    const char* subject, Py_ssize_t size, bytes body,
) noexcept:
    """Write that of an event whose parts have the sizes that they have to have.

    `start` is what digests of the ledger begin with: the leaf's context and the ledger's id.
    """
    cdef Hash hash
    cdef unsigned char[4] length
    length[0], length[1], length[2], length[3] = size >> 24, size >> 16, size >> 8, size
    begin(&hash)
    add(&hash, PyBytes_AS_STRING(start), PyBytes_GET_SIZE(start))
    add(&hash, nonce, NONCE_SIZE)
    add(&hash, PyBytes_AS_STRING(schema_sha256), PyBytes_GET_SIZE(schema_sha256))
    add(&hash, length, 4)
    add(&hash, subject, size)
    add(&hash, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body))
    end(&hash, digest)
