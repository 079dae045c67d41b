# cython: language_level=3
"""A record's headers where they lie in its batch, compared with the event without being made objects.

`signature_beside` is the same as that of `runut.usual_headers`, for a time in UTC, as decoded events
have it.
"""

from cython cimport auto_pickle, collection_type, final, no_gc
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcmp, strlen

from runut.native.heading cimport PRECISE_TIME, put_time
from runut.native.packed cimport Bytes, content, number, sized, taken
from runut.native.text cimport PyUnicode_AsUTF8AndSize

cdef enum:
    HEADERS = 10


@final
@no_gc
@auto_pickle(False)
@collection_type("sequence")
cdef class PackedHeaders:
    """What stands for the tuple of names and values, which is made when somebody asks for one."""

    def __len__(self):
        return len(self.all())

    def __iter__(self):
        return iter(self.all())

    def __getitem__(self, at):
        return self.all()[at]

    def __eq__(self, other):
        return self.all() == ((<PackedHeaders>other).all() if type(other) is PackedHeaders else other)

    def __hash__(self):
        return hash(self.all())

    def __repr__(self):
        return repr(self.all())

    def __reduce__(self):
        return tuple, (self.all(),)

    cdef Bytes bytes(self) noexcept:
        cdef Bytes found
        found.at = PyBytes_AS_STRING(self.packed)
        found.end = found.at + len(self.packed)
        return found

    cdef tuple all(self):
        cdef Bytes some
        if self.unpacked is None:
            some = self.bytes()
            self.unpacked = tuple([header(&some) for _ in range(number(&some))])
        return self.unpacked


cdef tuple header(Bytes* some):
    cdef Bytes name = taken(some, number(some)), value = sized(some)
    text = PyUnicode_DecodeUTF8(name.at, name.end - name.at, "surrogateescape")
    return text, content(value)


cdef PackedHeaders headers_in(Bytes* some):
    """Those that begin there. Raises ValueError where there are none."""
    cdef Bytes all = some[0]
    cdef long long left = number(some)
    if left < 0:
        raise ValueError("less than nothing")
    while left:
        taken(some, number(some))
        sized(some)
        left -= 1
    all.end = some.at
    cdef PackedHeaders found = PackedHeaders.__new__(PackedHeaders)
    found.packed = content(all)
    return found


cdef tuple signature_beside(
    PackedHeaders headers, bytes full_name, str event_id, str agency, bytes subject, occurred_at
):
    """Values of the two signature headers, where the other headers are those of the event."""
    cdef Bytes some = headers.bytes(), key_id, signature, value
    cdef char[PRECISE_TIME] time
    if (
        number(&some) == HEADERS
        and is_next(&some, b"ce_specversion", &value) and is_same(value, b"1.0", 3)
        and is_next(&some, b"ce_id", &value) and is_text(value, b"", event_id)
        and is_next(&some, b"ce_type", &value) and is_content(value, full_name)
        and is_next(&some, b"ce_source", &value) and is_text(value, b"/agencies/", agency)
        and is_next(&some, b"ce_subject", &value) and is_content(value, subject)
        and is_next(&some, b"ce_time", &value) and is_same(value, time, put_time(time, occurred_at))
        and is_next(&some, b"content-type", &value) and is_same(value, b"application/avro", 16)
        and is_next(&some, b"traceparent", &value)
        and is_next(&some, b"runut-key-id", &key_id) and key_id.at is not NULL
        and is_next(&some, b"runut-signature", &signature) and signature.at is not NULL
    ):
        return content(key_id), content(signature)
    return None


cdef bint is_next(Bytes* some, const char* name, Bytes* value) except -1:
    """Whether the next header has this name; its value, which is at NULL where it has none."""
    cdef Bytes found = taken(some, number(some))
    value[0] = sized(some)
    return is_same(found, name, strlen(name))


cdef bint is_same(Bytes found, const char* expected, Py_ssize_t size) noexcept:
    return (
        found.at is not NULL
        and size > 0
        and found.end - found.at == size
        and not memcmp(found.at, expected, size)
    )


cdef bint is_content(Bytes found, bytes expected) noexcept:
    return is_same(found, PyBytes_AS_STRING(expected), len(expected))


cdef bint is_text(Bytes found, const char* prefix, str text) except -1:
    """Whether the value is the prefix and the text as UTF-8."""
    cdef Py_ssize_t size = 0, before = strlen(prefix)
    cdef const char* expected = PyUnicode_AsUTF8AndSize(text, &size)
    if found.at is NULL or found.end - found.at < before or memcmp(found.at, prefix, before):
        return False
    found.at += before
    return is_same(found, expected, size)
