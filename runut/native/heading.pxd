# cython: language_level=3

cdef bytes time_of(object time)
