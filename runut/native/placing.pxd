# cython: language_level=3

cdef bint is_subject(tuple starts, const char* subject, Py_ssize_t size) noexcept
cdef bint is_code(text) except -1
cdef bint is_new_id(text) except -1
cdef long partition_of(const char* key, Py_ssize_t size, unsigned int partitions) noexcept
