# cython: language_level=3
"""Slots of classes that have no `__dict__`, structs of msgspec among them, read at their place.

Looking an attribute up by its name costs ten times as much. A place holds for objects whose type is
the very class that was asked, so each reader looks at the type first.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF

cdef extern from "structmember.h":
    ctypedef struct PyMemberDef:
        int type
        Py_ssize_t offset

    ctypedef struct PyMemberDescrObject:
        PyMemberDef* d_member

    ctypedef struct PyTypeObject:
        pass

    PyTypeObject PyMemberDescr_Type
    PyTypeObject* Py_TYPE(object of)
    int T_OBJECT_EX


cdef inline Py_ssize_t place(of, str name) except -1:
    """Where objects of a class hold an attribute."""
    slot = getattr(of, name)
    if Py_TYPE(slot) is not &PyMemberDescr_Type:
        raise TypeError(f"{of.__name__}.{name} is no slot")
    cdef PyMemberDef* member = (<PyMemberDescrObject*>slot).d_member
    if member.type != T_OBJECT_EX:
        raise TypeError(f"{of.__name__}.{name} holds no object")
    return member.offset


cdef inline object held(object of, Py_ssize_t at):
    """What an object has in a slot."""
    cdef PyObject* found = (<PyObject**>(<char*><PyObject*>of + at))[0]
    if found is NULL:
        raise AttributeError(f"a slot of {type(of).__name__} is empty")
    return <object>found


cdef inline void hold(object of, Py_ssize_t at, object value) noexcept:
    """Put something into a slot."""
    cdef PyObject** slot = <PyObject**>(<char*><PyObject*>of + at)
    cdef PyObject* before = slot[0]
    Py_INCREF(value)
    slot[0] = <PyObject*>value
    Py_XDECREF(before)
