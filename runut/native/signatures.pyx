# cython: language_level=3
"""Who signed a record, and the digest that the signature covers.

The same as `runut.signing.read_headers` and `event_digest`, which say themselves what is wrong with
what is not well formed.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

from runut import signing

from runut.native.digests cimport put_digest
from runut.native.text cimport PyUnicode_AsUTF8AndSize
from runut.native.ways cimport path_length

cdef object Signature = signing.Signature
cdef object SignedBy = signing.SignedBy
cdef bytes event_leaf = signing.EVENT_LEAF

cdef enum:
    VERSION = 1
    MAX_BATCH = 1024
    NONCE_AT = 5
    PATH_AT = 21
    LEDGER_ID_SIZE = 16
    NONCE_SIZE = 16
    HASH_SIZE = 32
    SIGNATURE_SIZE = 64


def read_headers(headers):
    """Who signed a record, from its Kafka headers; None where no signature header stands."""
    cdef int key_ids = 0, signatures = 0
    key_id = signature = None
    for name, value in headers:
        if name == "runut-key-id":
            key_id, key_ids = value, key_ids + 1
        elif name == "runut-signature":
            signature, signatures = value, signatures + 1
    if not signatures:
        return None
    return read_signature(key_id if key_ids == 1 else None, signature if signatures == 1 else None)


cdef object read_signature(key_id, signature):
    """Who signed, by the values of the two headers; None for one that does not stand once."""
    cdef Parts parts
    if type(key_id) is bytes and type(signature) is bytes and is_parsed(<bytes>signature, &parts):
        try:
            return SignedBy((<bytes>key_id).decode(), read(&parts))
        except UnicodeDecodeError:
            pass
    return signing.read_signature(key_id, signature)


cdef object read(const Parts* parts):
    return Signature(
        parts.size,
        parts.index,
        PyBytes_FromStringAndSize(parts.nonce, NONCE_SIZE),
        PyBytes_FromStringAndSize(parts.path, parts.path_size),
        PyBytes_FromStringAndSize(parts.signed_root, SIGNATURE_SIZE),
    )


cdef bint is_parsed(bytes data, Parts* parts) noexcept:
    """Whether it is the value of a `runut-signature` header: then its parts are there."""
    cdef const unsigned char* at = <const unsigned char*>PyBytes_AS_STRING(data)
    if len(data) < PATH_AT or at[0] != VERSION:
        return False
    parts.size, parts.index = at[1] << 8 | at[2], at[3] << 8 | at[4]
    if parts.size > MAX_BATCH or parts.index >= parts.size:
        return False
    parts.path_size = HASH_SIZE * path_length(parts.index, parts.size)
    parts.nonce = <const char*>at + NONCE_AT
    parts.path = <const char*>at + PATH_AT
    parts.signed_root = parts.path + parts.path_size
    return len(data) == PATH_AT + parts.path_size + SIGNATURE_SIZE


def event_digest(
    bytes ledger_id not None,
    bytes nonce not None,
    bytes schema_sha256 not None,
    str subject not None,
    bytes body not None,
):
    """The leaf hash that stands for one event in its batch."""
    cdef unsigned char[HASH_SIZE] digest
    cdef Py_ssize_t size = 0
    cdef const char* stream = PyUnicode_AsUTF8AndSize(subject, &size)
    sizes = len(ledger_id), len(nonce), len(schema_sha256)
    if sizes != (LEDGER_ID_SIZE, NONCE_SIZE, HASH_SIZE) or size > 0xFFFFFFFF:
        return signing.event_digest(ledger_id, nonce, schema_sha256, subject, body)
    put_digest(digest, event_leaf + ledger_id, PyBytes_AS_STRING(nonce), schema_sha256, stream, size, body)
    return PyBytes_FromStringAndSize(<char*>digest, HASH_SIZE)
