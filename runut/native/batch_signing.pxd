# cython: language_level=3

cdef enum:
    LONGEST_VALUE = 405  # of a header `runut-signature`: of a batch of 1,024

cdef class Batch:
    cdef unsigned char* nodes
    cdef Py_ssize_t size
    cdef bytes nonces
    cdef bytes signed_root

    cdef bint is_signed(self, bytes nonces, sign) except -1
    cdef Py_ssize_t put_value(self, Py_ssize_t index, char* to) noexcept
    cdef bytes value(self, Py_ssize_t index)

cdef class SignedEvent:
    cdef readonly tuple key_header
    cdef Batch batch
    cdef Py_ssize_t index
