# cython: language_level=3
"""What an event is about, looked at as bytes: the same as rules of `runut.admission` on subjects
of agencies' events, codes and ids, and `runut.partitioner.partition_of`.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint32_t
from libc.string cimport memcmp

from runut.native.text cimport PyUnicode_AsUTF8AndSize

cdef enum:
    LONGEST_ID = 80

cdef uint32_t SEED = 0x9747B28C, MIX = 0x5BD1E995


cdef bint is_subject(tuple starts, const char* subject, Py_ssize_t size) noexcept:
    """Whether it is one of these, such as `case/`, and an id."""
    cdef bytes start
    for start in starts:
        if len(start) < size and not memcmp(subject, PyBytes_AS_STRING(start), len(start)):
            return is_id(subject + len(start), size - len(start))
    return False


cdef bint is_code(text) except -1:
    """Whether it is an agency's: an id without capitals that begins with a letter or digit."""
    cdef Py_ssize_t size = 0, place
    if type(text) is not str:
        return False
    cdef const char* at = PyUnicode_AsUTF8AndSize(text, &size)
    if not is_id(at, size) or at[0] == c"." or at[0] == c"_" or at[0] == c"-":
        return False
    for place in range(size):
        if c"A" <= at[place] <= c"Z":
            return False
    return True


cdef bint is_new_id(text) except -1:
    """Whether it may be the id of a new thing."""
    cdef Py_ssize_t size = 0
    if type(text) is not str:
        return False
    cdef const char* at = PyUnicode_AsUTF8AndSize(text, &size)
    return is_id(at, size)


cdef bint is_id(const char* at, Py_ssize_t size) noexcept:
    """Whether it is 1 to 80 letters, digits, dots, underscores and hyphens."""
    cdef Py_ssize_t place
    cdef char one
    if not 1 <= size <= LONGEST_ID:
        return False
    for place in range(size):
        one = at[place]
        if not (
            c"a" <= one <= c"z"
            or c"0" <= one <= c"9"
            or c"A" <= one <= c"Z"
            or one == c"-"
            or one == c"."
            or one == c"_"
        ):
            return False
    return True


cdef long partition_of(const char* key, Py_ssize_t size, unsigned int partitions) noexcept:
    """Where a key belongs among some partitions, one at least."""
    return (murmur2(<const unsigned char*>key, size) & 0x7FFFFFFF) % (partitions or 1)


cdef uint32_t murmur2(const unsigned char* key, Py_ssize_t size) noexcept:
    """As `runut.partitioner.murmur2`: C's numbers of 32 bits overflow by themselves."""
    cdef uint32_t mixed = SEED ^ <uint32_t>size, word
    cdef Py_ssize_t at = 0
    while size - at >= 4:
        word = key[at] | key[at + 1] << 8 | key[at + 2] << 16 | <uint32_t>key[at + 3] << 24
        word *= MIX
        mixed = mixed * MIX ^ (word ^ word >> 24) * MIX
        at += 4
    if at < size:
        word = 0
        while size > at:
            size -= 1
            word = word << 8 | key[size]
        mixed = (mixed ^ word) * MIX
    mixed = (mixed ^ mixed >> 13) * MIX
    return mixed ^ mixed >> 15
