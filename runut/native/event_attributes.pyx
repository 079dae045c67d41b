# cython: language_level=3
"""What an event repeats of its meta: the same as `take_from_meta` of `runut.event`."""


cdef extern from "Python.h":
    # As `object` sets attributes: an event itself lets nobody, being frozen.
    int PyObject_GenericSetAttr(object of, object name, object value) except -1


def take_from_meta(event):
    """Set the attributes of a new event that are its meta's own values."""
    meta = event.meta
    PyObject_GenericSetAttr(event, "event_id", meta["event_id"])
    PyObject_GenericSetAttr(event, "subject", meta["subject"])
    PyObject_GenericSetAttr(event, "agency", meta["agency"])
    PyObject_GenericSetAttr(event, "occurred_at", meta["occurred_at"])
