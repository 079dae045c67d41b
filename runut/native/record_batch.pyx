# cython: language_level=3
"""Kafka's record batches, as aiokafka's `DefaultRecordBatchBuilder` makes them, uncompressed.

`append` takes what that one takes. `put` takes a record of ours and writes its headers where they
belong (`runut.outgoing.headers_of`), so that nothing is made of them in between; None stands for a
record whose headers have to be made by the plain functions.
"""

from aiokafka.record.util import calc_crc32c

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memmove

from runut.catalogue import NAMESPACE

from runut.native.batch_signing cimport LONGEST_VALUE, SignedEvent
from runut.native.crc32c cimport crc32c, has_crc32c
from runut.native.heading cimport PRECISE_TIME, TRACE, has_trace, put_time
from runut.native.out cimport Out, demand_room, put_byte, put_number, put_raw, put_sized, put_whole
from runut.native.text cimport PyUnicode_AsUTF8AndSize

cdef enum:
    HEAD = 61  # bytes of a batch before its records
    AFTER_LENGTH = 12  # of them before what the batch's length counts
    CRC_AT = 17
    AFTER_CRC = 21
    LENGTH = 10  # bytes at most of a record's length
    HEADERS = 8  # of a record that is not signed
    SIGNATURE_HEADERS = 2


def _sized(bytes some not None):
    """Fewer than 64 bytes behind their number."""
    return bytes([2 * len(some)]) + some


cdef bytes SPECVERSION = _sized(b"ce_specversion") + _sized(b"1.0")
cdef bytes ID = _sized(b"ce_id")
cdef bytes TYPE = _sized(b"ce_type")
cdef bytes SOURCE = _sized(b"ce_source")
cdef bytes AGENCIES = b"/agencies/"
cdef bytes SUBJECT = _sized(b"ce_subject")
cdef bytes TIME_NAME = _sized(b"ce_time")
cdef bytes CONTENT_TYPE = _sized(b"content-type") + _sized(b"application/avro")
cdef bytes TRACEPARENT = _sized(b"traceparent")
cdef bytes KEY_ID = _sized(b"runut-key-id")
cdef bytes SIGNATURE = _sized(b"runut-signature")
cdef bytes TYPES = NAMESPACE.encode() + b"."


cdef class Builder:
    """The records of one batch, at most so many bytes unless it is only one."""

    cdef Out out
    cdef Py_ssize_t limit
    cdef Py_ssize_t filled  # what lies behind is a record that was not finished
    cdef int records
    cdef long long first_ms
    cdef long long latest_ms
    cdef long long producer_id
    cdef int producer_epoch
    cdef int base_sequence

    def __cinit__(self, Py_ssize_t limit):
        self.out.capacity = 4096
        self.out.bytes = <char*>PyMem_Malloc(self.out.capacity)
        if self.out.bytes is NULL:
            raise MemoryError
        self.limit, self.filled, self.records = limit, HEAD, 0
        self.first_ms = self.latest_ms = 0
        self.producer_id, self.producer_epoch, self.base_sequence = -1, -1, 0

    def __dealloc__(self):
        PyMem_Free(self.out.bytes)

    def put(self, record, long long timestamp):
        """Whether there was room for a record; None of one that is unusual."""
        cdef char[PRECISE_TIME] time
        cdef char[TRACE] trace
        cdef char[LONGEST_VALUE] value
        cdef SignedEvent place
        cdef int time_size
        cdef bytes traceparent = record.trace
        event, signed = record.event, record.signed
        time_size = put_time(time, event.occurred_at)
        if record.given is not None or not time_size:
            return None
        if traceparent is None:
            about = event.meta["correlation_id"]
            if not has_trace(trace, event.event_id if about is None else about, record.span):
                return None
        cdef Out* out = self.begun(timestamp)
        put_bytes(out, record.key)
        put_bytes(out, record.value)
        put_number(out, HEADERS if signed is None else HEADERS + SIGNATURE_HEADERS)
        put_whole(out, SPECVERSION)
        put_text(out, ID, b"", event.event_id)
        put_text(out, TYPE, TYPES, event.type)
        put_text(out, SOURCE, AGENCIES, event.agency)
        put_text(out, SUBJECT, b"", event.subject)
        put_whole(out, TIME_NAME)
        put_sized(out, time, time_size)
        put_whole(out, CONTENT_TYPE)
        put_whole(out, TRACEPARENT)
        if traceparent is None:
            put_sized(out, trace, TRACE)
        else:
            put_bytes(out, traceparent)
        if signed is not None:
            put_whole(out, KEY_ID)
            put_bytes(out, signed.key_header[1])
            put_whole(out, SIGNATURE)
            if type(signed) is SignedEvent:
                place = <SignedEvent>signed
                put_sized(out, value, place.batch.put_value(place.index, value))
            else:
                put_bytes(out, signed.signature)
        return self.has_taken(timestamp)

    def append(self, int offset, long long timestamp, bytes key, bytes value, list headers not None):
        """As aiokafka's: None where there is no room for the record, which is to come next."""
        if offset != self.records:
            raise ValueError(f"offset: expected {self.records}, found {offset}")
        cdef Out* out = self.begun(timestamp)
        put_bytes(out, key)
        put_bytes(out, value)
        put_number(out, len(headers))
        for name, content in headers:
            put_bytes(out, name.encode())
            put_bytes(out, content)
        return self.has_taken(timestamp) or None

    def size(self):
        """Bytes of the batch so far."""
        return self.filled

    def set_producer_state(self, long long producer_id, int producer_epoch, int base_sequence):
        """What an idempotent producer numbers its batches with."""
        self.producer_id, self.producer_epoch = producer_id, producer_epoch
        self.base_sequence = base_sequence

    def build(self):
        """The batch as a produce request has it."""
        cdef bytes found
        cdef char* head = self.out.bytes
        put_big_endian(head, 0, 8)  # the first offset, which the broker gives
        put_big_endian(head + 8, self.filled - AFTER_LENGTH, 4)
        put_big_endian(head + 12, -1, 4)  # a partition's leader, which the broker knows
        head[16] = 2  # the format's version
        put_big_endian(head + 21, 0, 2)  # neither compressed nor of a transaction
        put_big_endian(head + 23, self.records - 1, 4)
        put_big_endian(head + 27, self.first_ms, 8)
        put_big_endian(head + 35, self.latest_ms, 8)
        put_big_endian(head + 43, self.producer_id, 8)
        put_big_endian(head + 51, self.producer_epoch, 2)
        put_big_endian(head + 53, self.base_sequence, 4)
        put_big_endian(head + 57, self.records, 4)
        put_big_endian(head + CRC_AT, self.crc(), 4)
        return PyBytes_FromStringAndSize(self.out.bytes, self.filled)

    cdef long long crc(self) except -1:
        cdef const char* covered = self.out.bytes + AFTER_CRC
        cdef Py_ssize_t size = self.filled - AFTER_CRC
        if has_crc32c():
            return crc32c(covered, size)
        return calc_crc32c(PyBytes_FromStringAndSize(covered, size))

    cdef Out* begun(self, long long timestamp) except NULL:
        """Begin a record, with room for its length before it."""
        if not self.records:
            self.first_ms = self.latest_ms = timestamp
        self.out.size = self.filled
        demand_room(&self.out, LENGTH)
        self.out.size += LENGTH
        put_byte(&self.out, 0)  # attributes, of which there are none
        put_number(&self.out, timestamp - self.first_ms)
        put_number(&self.out, self.records)
        return &self.out

    cdef bint has_taken(self, long long timestamp) except -1:
        """Finish the record, unless it is one too many."""
        cdef Py_ssize_t begin = self.filled + LENGTH, size = self.out.size - begin, end
        self.out.size = self.filled
        put_number(&self.out, size)  # no more than there is room for
        end = self.out.size + size
        if self.records and end > self.limit:
            return False
        memmove(self.out.bytes + self.out.size, self.out.bytes + begin, size)
        self.filled = end
        self.latest_ms = max(self.latest_ms, timestamp)
        self.records += 1
        return True


cdef int put_bytes(Out* out, bytes some) except -1:
    if some is None:
        return put_number(out, -1)
    return put_sized(out, PyBytes_AS_STRING(some), PyBytes_GET_SIZE(some))


cdef int put_text(Out* out, bytes name, bytes before, object text) except -1:
    """A header: its name, with its size, and a text as UTF-8 behind some bytes."""
    cdef Py_ssize_t size
    cdef const char* utf8 = PyUnicode_AsUTF8AndSize(text, &size)
    put_whole(out, name)
    put_number(out, PyBytes_GET_SIZE(before) + size)
    put_whole(out, before)
    return put_raw(out, utf8, size)


cdef void put_big_endian(char* to, long long number, int size) noexcept:
    cdef int n
    for n in range(size):
        to[n] = <char>(number >> 8 * (size - 1 - n))
