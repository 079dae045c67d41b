# cython: language_level=3
"""Digests and trees of batches that are signed, as `runut.signing` makes them.

All nodes of a batch's tree lie side by side, a level behind the other, and the headers are written
from there: nothing is joined twice. None stands for what the plain functions take, or refuse, and
this one does not.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcpy

from runut.native.digests cimport put_digest
from runut.native.sha256 cimport Hash, add, begin, end
from runut.native.text cimport PyUnicode_AsUTF8AndSize

cdef enum:
    HASH = 32
    NONCE = 16
    HEAD = 21  # version, size, index and nonce
    MOST = 1024
    LEVELS = 10


cdef void put_big_endian(unsigned char* to, Py_ssize_t number, int size) noexcept:
    cdef int n
    for n in range(size):
        to[n] = <unsigned char>(number >> 8 * (size - 1 - n))


def digests(bytes start not None, bytes nonces not None, items):
    """The digest of each item's event, which begins with `start`; `nonces` has 16 bytes for each."""
    cdef Py_ssize_t n, size
    cdef const char* subject
    cdef unsigned char[HASH] digest
    cdef bytes schema, body
    cdef list some = list(items)
    if len(nonces) != NONCE * len(some):
        return None
    found = []
    for n in range(len(some)):
        item = some[n]
        about, schema, body = item.subject, item.schema_sha256, item.body
        if schema is None or body is None:
            return None
        subject = PyUnicode_AsUTF8AndSize(about, &size)
        put_digest(digest, start, PyBytes_AS_STRING(nonces) + NONCE * n, schema, subject, size, body)
        found.append(PyBytes_FromStringAndSize(<char*>digest, HASH))
    return found


def signature_values(bytes nonces not None, leaves, sign):
    """The header `runut-signature` of each leaf of a batch; `sign` gives the signature of its root.

    None but for 1 to 1,024 leaves of 32 bytes, with 16 bytes of `nonces` for each.
    """
    cdef list some = list(leaves)
    cdef Py_ssize_t size = len(some), n
    cdef unsigned char* nodes
    cdef bytes leaf, signed_root
    if not 0 < size <= MOST or len(nonces) != NONCE * size:
        return None
    # Each level has half as many nodes as the one below, rounded up.
    nodes = <unsigned char*>PyMem_Malloc(HASH * (2 * size + LEVELS))
    if nodes is NULL:
        raise MemoryError
    try:
        for n in range(size):
            leaf = some[n]
            if leaf is None or len(leaf) != HASH:
                return None
            memcpy(nodes + HASH * n, PyBytes_AS_STRING(leaf), HASH)
        signed_root = sign(PyBytes_FromStringAndSize(<char*>grown(nodes, size), HASH))
        if signed_root is None:
            return None
        return [value(nodes, size, n, PyBytes_AS_STRING(nonces), signed_root) for n in range(size)]
    finally:
        PyMem_Free(nodes)


cdef unsigned char* grown(unsigned char* level, Py_ssize_t size) noexcept:
    """Where the root is, when the levels above this one have been filled in."""
    cdef Hash hash
    cdef unsigned char one = 1
    cdef unsigned char* above
    cdef Py_ssize_t n
    while size > 1:
        above = level + HASH * size
        for n in range(size // 2):
            begin(&hash)
            add(&hash, &one, 1)
            add(&hash, level + 2 * HASH * n, 2 * HASH)
            end(&hash, above + HASH * n)
        if size & 1:  # a last one without a sibling stands for its own parent
            memcpy(above + HASH * (size // 2), level + HASH * (size - 1), HASH)
        level, size = above, (size + 1) // 2
    return level


cdef bytes value(
    unsigned char* level, Py_ssize_t size, Py_ssize_t index, const char* nonces, bytes signed_root
):
    """Version 1, u16 size, u16 index, nonce, the siblings on the way up, the root's signature."""
    cdef unsigned char[HEAD + HASH * LEVELS] head
    cdef Py_ssize_t filled = HEAD, wide = size, at = index
    cdef bytes found
    head[0] = 1
    put_big_endian(head + 1, size, 2)
    put_big_endian(head + 3, index, 2)
    memcpy(head + 5, nonces + NONCE * index, NONCE)
    while wide > 1:
        if at ^ 1 < wide:
            memcpy(head + filled, level + HASH * (at ^ 1), HASH)
            filled += HASH
        level += HASH * wide
        wide, at = (wide + 1) // 2, at // 2
    found = PyBytes_FromStringAndSize(NULL, filled + len(signed_root))
    memcpy(PyBytes_AS_STRING(found), head, filled)
    memcpy(PyBytes_AS_STRING(found) + filled, PyBytes_AS_STRING(signed_root), len(signed_root))
    return found
