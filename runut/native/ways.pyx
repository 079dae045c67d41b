# cython: language_level=3
"""Ways up a Merkle tree: the same as `runut.merkle.Way` and `way_up`, for less than 2^63 leaves.

Leaves are hashes of 32 bytes here.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcmp, memcpy

from runut.native.sha256 cimport Hash, add, begin, end

cdef enum:
    SIZE = 32  # of a hash


cdef class Way:
    """A leaf's way up to a root, with what other leaves of the tree need to join it."""

    cdef readonly long long index
    cdef readonly long long size
    cdef readonly bytes path
    cdef readonly bytes nodes

    @property
    def root(self):
        """Where it leads."""
        return self.nodes[-SIZE:]

    def is_beside(self, bytes leaf not None, long long index, bytes path not None):
        """Whether the leaf is this one's sibling: then its way is this one but for the first step."""
        return len(leaf) == SIZE and self.has_beside(
            PyBytes_AS_STRING(leaf), index, PyBytes_AS_STRING(path), len(path)
        )

    def joined_by(self, bytes leaf not None, long long index, bytes path not None):
        """The way of a leaf of the same tree where it meets this one, else None."""
        if len(leaf) != SIZE:
            return None
        return self.joined(PyBytes_AS_STRING(leaf), index, PyBytes_AS_STRING(path), len(path))

    cdef bint has_beside(
        self, const char* leaf, long long index, const char* path, Py_ssize_t length
    ) noexcept:
        cdef const char* known = PyBytes_AS_STRING(self.path)
        return (
            index ^ 1 == self.index
            and index < self.size
            and length == len(self.path)
            and is_same(leaf, known)
            and is_same(path, PyBytes_AS_STRING(self.nodes))
            and not memcmp(path + SIZE, known + SIZE, length - SIZE)
        )

    cdef Way joined(self, const char* leaf, long long index, const char* path, Py_ssize_t length):
        cdef const char* known = PyBytes_AS_STRING(self.path)
        cdef const char* known_nodes = PyBytes_AS_STRING(self.nodes)
        cdef long long last = self.size - 1
        cdef Py_ssize_t above, here, there
        cdef int apart = 0
        if not is_of_its_length(index, self.size, length):
            return None
        while index >> apart != self.index >> apart:
            apart += 1
        if not apart:
            is_this = not memcmp(path, known, length) and is_same(leaf, known_nodes)
            return self if is_this else None
        # Where they meet each leads over the other's sibling: both paths have a hash there.
        above = SIZE * path_length(index >> apart, (last >> apart) + 1)
        here, there = len(self.path) - above, length - above
        if memcmp(path + there, known + here, above) or not is_same(
            path + there - SIZE, known_nodes + here - SIZE
        ):
            return None
        cdef bytes nodes = PyBytes_FromStringAndSize(NULL, length + SIZE)
        cdef char* node = PyBytes_AS_STRING(nodes)
        go_up(node, leaf, index, last, path, there - SIZE)
        if not is_same(node + there - SIZE, known + here - SIZE):
            return None
        memcpy(node + there, known_nodes + here, above + SIZE)
        return made(index, self.size, path, length, nodes)


def way_up(bytes leaf not None, long long index, long long size, bytes path not None):
    """The way on which the joined hashes of a path lead."""
    cdef Py_ssize_t length = len(path)
    if len(leaf) != SIZE or not is_of_its_length(index, size, length):
        return None
    cdef const char* at = PyBytes_AS_STRING(path)
    cdef bytes nodes = PyBytes_FromStringAndSize(NULL, length + SIZE)
    go_up(PyBytes_AS_STRING(nodes), PyBytes_AS_STRING(leaf), index, size - 1, at, length)
    return made(index, size, at, length, nodes)


cdef bint has_joined(
    dict ways, bytes batch, const char* leaf, long long index, const char* path, Py_ssize_t length
) except -1:
    """Whether a leaf joins the way known of its batch, as in `runut.signing.VerifiedBatches`.

    What joins is the way known from then on, the most recent one.
    """
    found = ways.get(batch)
    if type(found) is not Way:
        return False  # none, or a plain one
    known = <Way>found
    if known.has_beside(leaf, index, path, length):
        return True
    way = known.joined(leaf, index, path, length)
    if way is None:
        return False
    del ways[batch]
    ways[batch] = way
    return True


cdef bint is_of_its_length(long long index, long long size, Py_ssize_t length) noexcept:
    """Whether there is such a leaf, its path having so many bytes."""
    return 0 <= index < size and length == SIZE * path_length(index, size)


cdef Way made(long long index, long long size, const char* path, Py_ssize_t length, bytes nodes):
    cdef Way way = Way.__new__(Way)
    way.index, way.size = index, size
    way.path, way.nodes = PyBytes_FromStringAndSize(path, length), nodes
    return way


cdef Py_ssize_t path_length(long long index, long long size) noexcept:
    """As `runut.merkle.path_length`, of a leaf that there is."""
    cdef long long last = size - 1
    cdef Py_ssize_t length = 0
    while index != last:
        index, last, length = index >> 1, last >> 1, length + 1
    while index:
        index, length = index >> 1, length + (index & 1)
    return length


cdef void go_up(
    char* node, const char* leaf, long long index, long long last, const char* path, Py_ssize_t length
) noexcept:
    """Write a leaf's node and those above it, one after another: `length` bytes and a hash."""
    cdef const char* path_end = path + length
    memcpy(node, leaf, SIZE)
    while path < path_end:
        if index & 1 or index == last:
            add_node(path, node, node + SIZE)
            while index and not index & 1:  # the levels where the last node had no sibling
                index, last = index >> 1, last >> 1
        else:
            add_node(node, path, node + SIZE)
        index, last = index >> 1, last >> 1
        node, path = node + SIZE, path + SIZE


cdef void add_node(const char* left, const char* right, char* parent) noexcept:
    cdef char[2 * SIZE + 1] entry
    cdef Hash hash
    entry[0] = 1
    memcpy(entry + 1, left, SIZE)
    memcpy(entry + 1 + SIZE, right, SIZE)
    begin(&hash)
    add(&hash, entry, sizeof(entry))
    end(&hash, <unsigned char*>parent)


cdef bint is_same(const char* one, const char* other) noexcept:
    return not memcmp(one, other, SIZE)
