# cython: language_level=3
"""A record as an event, where all about it is as our producers write it: signed, and in its place.

The same as `runut.log_reader.PartitionReader` does with it, in one pass over the record's bytes. What
is otherwise in any way is None, and read again by that one, which says what it is.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

from runut import admission, codec, signing
from runut.errors import RunutError
from runut.event import LEDGER_KINDS, Recorded

from runut.native.digests cimport put_digest
from runut.native.headers cimport PackedHeaders, signature_beside
from runut.native.placing cimport is_code, is_new_id, is_subject, partition_of
from runut.native.sha256 cimport Hash, add, begin, end
from runut.native.signatures cimport Parts, is_parsed
from runut.native.text cimport PyUnicode_AsUTF8AndSize
from runut.native.ways cimport has_joined

cdef object decode = codec.decode
cdef object make_recorded = Recorded
cdef Py_ssize_t MAX_VALUE = codec.MAX_VALUE

cdef enum:
    FRAME_SIZE = 5
    HASH_SIZE = 32
    CONTENT_SIZE = 16
    SIGNATURE_SIZE = 64
    SIZE_AT = 1  # of the batch, in a signature
    SIZE_SIZE = 2


cdef class Kind:
    """What is asked of a type of events again and again."""

    cdef object event_type
    cdef bytes name
    """And a zero byte."""
    cdef bytes full_name
    cdef bytes sha256
    cdef tuple starts
    """Of its subjects, such as `case/`; none where they are not such as agencies' events have."""
    cdef str new_id
    """The field with the id of a new thing, if there is one."""

    def __init__(self, event_type):
        is_usual = event_type.topic == "events" and event_type.kinds <= LEDGER_KINDS
        self.event_type = event_type
        self.name = event_type.name.encode() + b"\0"
        self.full_name = event_type.full_name.encode()
        self.sha256 = event_type.sha256
        self.starts = tuple(f"{kind}/".encode() for kind in event_type.kinds) if is_usual else ()
        self.new_id = admission.NEW_IDS.get(event_type.name)


cdef dict kinds_known = {}


cdef Kind kind_of(event_type):
    """There is one of each: a release has only so many types, and readers come and go."""
    cdef Kind known = kinds_known.get(event_type)
    if known is None:
        known = kinds_known[event_type] = Kind(event_type)
    return known


cdef class Key:
    """The key with which an agency signed last."""

    cdef bytes key_id
    cdef bytes public_key
    cdef object valid_from


cdef class EventReader:
    """Reads one partition's events, for as long as the same directory counts there."""

    cdef object directory
    cdef object verified
    cdef dict ways
    cdef object type_of
    cdef bytes start
    """What digests of events begin with."""
    cdef unsigned int partitions
    cdef unsigned int partition
    cdef dict kinds
    """By schema id."""
    cdef dict keys
    """By agency: there are only so many."""
    cdef object record
    """That is read."""

    def __init__(self, directory, partition, verified, type_of):
        """Take what `PartitionReader` judges by; `type_of` gives the type of a schema id."""
        self.directory, self.verified, self.type_of = directory, verified, type_of
        self.ways = verified._ways
        self.start = signing.EVENT_LEAF + directory.ledger.ledger_id
        self.partitions, self.partition = directory.ledger.partitions, partition
        self.kinds, self.keys = {}, {}

    def read(self, record, recorded_at, directory_offset):
        """The event in a record; None where it is not to be seen at a glance."""
        return self.seen(record, recorded_at, directory_offset)

    def read_on(
        self, list records, Py_ssize_t at, long long stamped_ms, int timestamp_type,
        recorded_at, directory_offset, list into,
    ):
        """Add the events from there on, for as long as records have this time and are seen to be some.

        Gives where the first one stands that is not: whoever asks what it is finds out again.
        """
        cdef Py_ssize_t number
        for number in range(at, len(records)):
            record = records[number]
            if record.timestamp_ms != stamped_ms or record.timestamp_type != timestamp_type:
                return number
            try:
                event = self.seen(record, recorded_at, directory_offset)
            except RunutError:
                return number
            if event is None:
                return number
            into.append(event)
        return len(records)

    cdef object seen(self, record, recorded_at, directory_offset):
        self.record = record
        key, value, headers = record.key, record.value, record.headers
        if type(key) is not bytes or type(headers) is not PackedHeaders or not is_framed(value):
            return None
        at = <const unsigned char*>PyBytes_AS_STRING(<bytes>value)
        schema_id = <uint32_t>at[1] << 24 | at[2] << 16 | at[3] << 8 | at[4]
        kind = self.kind(schema_id)
        body = (<bytes>value)[FRAME_SIZE:]
        event = decode(kind.event_type, body)
        if not self.is_in_place(kind, event, <bytes>key):
            return None
        status = self.status(kind, event, <bytes>key, body, headers, recorded_at)
        if status is None:
            return None
        return make_recorded(
            event,
            self.partition,
            record.offset,
            recorded_at,
            directory_offset,
            status,
            schema_id,
            body,
            content_of(kind.name, body),
        )

    cdef Kind kind(self, schema_id):
        cdef Kind known = self.kinds.get(schema_id)
        if known is None:
            known = self.kinds[schema_id] = kind_of(self.type_of(self.directory, schema_id))
        return known

    cdef bint is_in_place(self, Kind kind, event, bytes key) except -1:
        cdef Py_ssize_t size = 0
        cdef const char* subject = PyUnicode_AsUTF8AndSize(event.subject, &size)
        on_behalf_of = event.meta["on_behalf_of"]
        return (
            size == len(key)
            and not memcmp(subject, PyBytes_AS_STRING(key), size)
            and is_subject(kind.starts, subject, size)
            and is_code(event.agency)
            and (on_behalf_of is None or is_code(on_behalf_of))
            and (kind.new_id is None or is_new_id(event.data[kind.new_id]))
            and self.partition == partition_of(subject, size, self.partitions)
        )

    cdef str status(
        self, Kind kind, event, bytes subject, bytes body, PackedHeaders headers, recorded_at
    ):
        """VALID or INVALID, where there is a signature to be verified."""
        cdef unsigned char[HASH_SIZE] digest
        cdef Parts parts
        agency = event.agency
        beside = signature_beside(
            headers, kind.full_name, event.event_id, agency, subject, event.occurred_at
        )
        if beside is None or not is_parsed(<bytes>beside[1], &parts):
            return None
        key = self.key(agency, <bytes>beside[0])
        if key is None or recorded_at < key.valid_from:
            return None
        put_digest(
            digest, self.start, parts.nonce, kind.sha256, PyBytes_AS_STRING(subject), len(subject),
            body,
        )
        return "VALID" if self.holds(key.public_key, <bytes>beside[1], &parts, digest) else "INVALID"

    cdef Key key(self, str agency, bytes key_id):
        cdef Key known = self.keys.get(agency)
        if known is not None and known.key_id == key_id:
            return known
        try:
            found = self.directory.usable_key(agency, key_id.decode())
        except UnicodeDecodeError:
            return None
        if found is None:
            return None
        key = self.keys[agency] = Key()
        key.key_id, key.public_key, key.valid_from = key_id, found.public_key, found.valid_from
        return key

    cdef bint holds(
        self, bytes public_key, bytes signature, const Parts* parts, unsigned char* digest
    ) except -1:
        """As `runut.signing.VerifiedBatches.holds`, which is asked where the batch is not known."""
        leaf = <const char*>digest
        batch = batch_of(public_key, signature, parts)
        if has_joined(self.ways, batch, leaf, parts.index, parts.path, parts.path_size):
            return True
        found = signing.parse_signature(signature)
        self.verified.record = self.record
        return self.verified.holds(public_key, found, PyBytes_FromStringAndSize(leaf, HASH_SIZE))


cdef bytes batch_of(bytes public_key, bytes signature, const Parts* parts):
    """What `VerifiedBatches` knows a batch by: public key, size and signature."""
    cdef Py_ssize_t size = len(public_key)
    cdef bytes batch = PyBytes_FromStringAndSize(NULL, size + SIZE_SIZE + SIGNATURE_SIZE)
    cdef char* at = PyBytes_AS_STRING(batch)
    memcpy(at, PyBytes_AS_STRING(public_key), size)
    memcpy(at + size, PyBytes_AS_STRING(signature) + SIZE_AT, SIZE_SIZE)
    memcpy(at + size + SIZE_SIZE, parts.signed_root, SIGNATURE_SIZE)
    return batch


cdef bint is_framed(value) noexcept:
    """Whether it is a frame and a body, neither of them too long."""
    return (
        type(value) is bytes
        and FRAME_SIZE <= len(<bytes>value) <= MAX_VALUE
        and not PyBytes_AS_STRING(<bytes>value)[0]
    )


cdef bytes content_of(bytes name, bytes body):
    """As `runut.log_reader.content_of`."""
    cdef unsigned char[HASH_SIZE] digest
    cdef Hash hash
    begin(&hash)
    add(&hash, PyBytes_AS_STRING(name), len(name))
    add(&hash, PyBytes_AS_STRING(body), len(body))
    end(&hash, digest)
    return PyBytes_FromStringAndSize(<char*>digest, CONTENT_SIZE)
