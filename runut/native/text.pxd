# cython: language_level=3
"""Text as the UTF-8 that Python keeps of it: a string lends it for as long as it lives."""

cdef enum:
    UUID_SIZE = 36

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL


cdef inline bint is_uuid(const char* text) noexcept:
    """Whether 36 characters are a UUID in lower case."""
    cdef int at
    cdef char one
    for at in range(UUID_SIZE):
        one = text[at]
        if at == 8 or at == 13 or at == 18 or at == 23:
            if one != c"-":
                return False
        elif not (c"0" <= one <= c"9" or c"a" <= one <= c"f"):
            return False
    return True
