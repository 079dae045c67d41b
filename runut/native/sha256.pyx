# cython: language_level=3
"""SHA-256 by OpenSSL, without what `hashlib` does for every hash: `hashlib.sha256(data).digest()`.

OpenSSL is the one that Python itself is linked to; importing fails where it cannot be reached, and
then nothing compiled is used (`runut.native`).
"""

import _hashlib
import ctypes

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

ctypedef int (*Init)(void*) noexcept
ctypedef int (*Update)(void*, const void*, size_t) noexcept
ctypedef int (*Final)(unsigned char*, void*) noexcept


cdef size_t address(str name) except 0:
    try:
        # Whoever asks a library for a name is given those of the libraries behind it as well.
        function = getattr(ctypes.CDLL(_hashlib.__file__), name)
    except (AttributeError, OSError) as error:  # such as a Python that holds its OpenSSL inside
        raise ImportError(f"OpenSSL's {name} cannot be reached") from error
    return ctypes.cast(function, ctypes.c_void_p).value


cdef Init init = <Init>address("SHA256_Init")
cdef Update update = <Update>address("SHA256_Update")
cdef Final final = <Final>address("SHA256_Final")


cdef void begin(Hash* hash) noexcept:
    init(hash)


cdef void add(Hash* hash, const void* data, size_t size) noexcept:
    update(hash, data, size)


cdef void end(Hash* hash, unsigned char* digest) noexcept:
    final(digest, hash)


cdef bytes ended(Hash* hash):
    cdef unsigned char[32] digest
    final(digest, hash)
    return PyBytes_FromStringAndSize(<char*>digest, 32)


def sha256(bytes data not None):
    """The hash of some bytes: 32 bytes."""
    cdef Hash hash
    init(&hash)
    update(&hash, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return ended(&hash)
