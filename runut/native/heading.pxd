# cython: language_level=3

cdef enum:
    TRACE = 55
    TIME = 20
    PRECISE_TIME = 27

cdef bytes time_of(object time)
cdef int put_time(char* text, object time) except -1
cdef bint has_trace(char* trace, object about, unsigned long long span) except -1
