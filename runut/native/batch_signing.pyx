# cython: language_level=3
"""Digests and trees of batches that are signed, as `runut.signing` makes them.

All nodes of a batch's tree lie side by side, a level behind the other, and the headers are written
from there: nothing is joined twice. They are written when a record is put into a batch of Kafka's
(`runut.native.record_batch`): kept until then, they would be most of its memory. None stands for
what the plain functions take, or refuse, and this one does not.
"""

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcpy

from runut.native.digests cimport put_digest
from runut.native.sha256 cimport Hash, add, begin, end
from runut.native.text cimport PyUnicode_AsUTF8AndSize

cdef enum:
    HASH = 32
    NONCE = 16
    START = 32  # the leaf's context and the ledger's id
    HEAD = 21  # version, size, index and nonce
    SIGNATURE = 64
    MOST = 1024
    LEVELS = 10


cdef void put_big_endian(unsigned char* to, Py_ssize_t number, int size) noexcept:
    cdef int n
    for n in range(size):
        to[n] = <unsigned char>(number >> 8 * (size - 1 - n))


@cython.no_gc
cdef class Batch:
    """Nodes of a batch's tree, and what else its headers say."""

    def __cinit__(self, Py_ssize_t size):
        # Each level has half as many nodes as the one below, rounded up.
        self.nodes = <unsigned char*>PyMem_Malloc(HASH * (2 * size + LEVELS))
        self.size = size
        if self.nodes is NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.nodes)

    cdef bint is_signed(self, bytes nonces, sign) except -1:
        """Grow the tree over its leaves, whose root `sign` gives the signature of; False without."""
        cdef unsigned char* root = grown(self.nodes, self.size)
        self.nonces = nonces
        self.signed_root = sign(PyBytes_FromStringAndSize(<char*>root, HASH))
        return self.signed_root is not None and len(self.signed_root) == SIGNATURE

    cdef Py_ssize_t put_value(self, Py_ssize_t index, char* to) noexcept:
        """Version 1, u16 size, u16 index, nonce, the siblings on the way up, the root's signature."""
        cdef unsigned char* level = self.nodes
        cdef Py_ssize_t filled = HEAD, wide = self.size, at = index
        to[0] = 1
        put_big_endian(<unsigned char*>to + 1, self.size, 2)
        put_big_endian(<unsigned char*>to + 3, index, 2)
        memcpy(to + 5, PyBytes_AS_STRING(self.nonces) + NONCE * index, NONCE)
        while wide > 1:
            if at ^ 1 < wide:
                memcpy(to + filled, level + HASH * (at ^ 1), HASH)
                filled += HASH
            level += HASH * wide
            wide, at = (wide + 1) // 2, at // 2
        memcpy(to + filled, PyBytes_AS_STRING(self.signed_root), SIGNATURE)
        return filled + SIGNATURE

    cdef bytes value(self, Py_ssize_t index):
        cdef char[LONGEST_VALUE] text
        return PyBytes_FromStringAndSize(text, self.put_value(index, text))


@cython.no_gc
cdef class SignedEvent:
    """An event's place in its batch, where its header lies until it is written into Kafka's."""

    @property
    def signature(self):
        """The value of the header `runut-signature`."""
        return self.batch.value(self.index)

    @property
    def digest(self):
        """What its receipt names."""
        return PyBytes_FromStringAndSize(<char*>self.batch.nodes + HASH * self.index, HASH)

    @property
    def headers(self):
        """The two headers that sign it."""
        return self.key_header, ("runut-signature", self.signature)


def signed_events(
    tuple key_header not None, bytes start not None, bytes nonces not None, items, sign
):
    """Each item as signed; its digest begins with `start`, `sign` gives the root's signature.

    None but for 1 to 1,024 items whose parts have the sizes that they have to have.
    """
    cdef list some = list(items), found = []
    cdef Py_ssize_t n, size, count = len(some)
    cdef const char* subject
    cdef bytes schema, body
    cdef SignedEvent event
    if not 0 < count <= MOST or len(start) != START or len(nonces) != NONCE * count:
        return None
    cdef Batch batch = Batch(count)
    for n in range(count):
        item = some[n]
        about, schema, body = item.subject, item.schema_sha256, item.body
        if schema is None or len(schema) != HASH or body is None:
            return None
        subject = PyUnicode_AsUTF8AndSize(about, &size)
        put_digest(
            batch.nodes + HASH * n, start, PyBytes_AS_STRING(nonces) + NONCE * n, schema,
            subject, size, body,
        )
    if not batch.is_signed(nonces, sign):
        return None
    for n in range(count):
        event = SignedEvent.__new__(SignedEvent)
        event.key_header, event.batch, event.index = key_header, batch, n
        found.append(event)
    return found


def signature_values(bytes nonces not None, leaves, sign):
    """The header `runut-signature` of each leaf of a batch; `sign` gives the signature of its root.

    None but for 1 to 1,024 leaves of 32 bytes, with 16 bytes of `nonces` for each.
    """
    cdef list some = list(leaves)
    cdef Py_ssize_t size = len(some), n
    cdef bytes leaf
    if not 0 < size <= MOST or len(nonces) != NONCE * size:
        return None
    cdef Batch batch = Batch(size)
    for n in range(size):
        leaf = some[n]
        if leaf is None or len(leaf) != HASH:
            return None
        memcpy(batch.nodes + HASH * n, PyBytes_AS_STRING(leaf), HASH)
    return [batch.value(n) for n in range(size)] if batch.is_signed(nonces, sign) else None


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
