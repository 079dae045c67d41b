# cython: language_level=3
"""Text as the UTF-8 that Python keeps of it: a string lends it for as long as it lives."""

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
