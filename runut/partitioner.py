"""Which partition a key belongs to, as Kafka's Java client and aiokafka choose it.

Pure, and a rule of the ledger (events.md §1): a record elsewhere is no event.
"""

from __future__ import annotations

from functools import lru_cache
from struct import iter_unpack
from typing import Final

_SEED: Final = 0x9747B28C
_MIX: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF


# A batch is about few subjects, and 65,536 short keys take about 10 MB.
@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` among `partitions`: `(murmur2(key) & 0x7fffffff) mod n`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(key: bytes) -> int:
    """MurmurHash2 of `key` with Kafka's seed, as an unsigned 32-bit number.

    Source: org.apache.kafka.common.utils.Utils.murmur2, whose result is the same bits signed.
    """
    whole = len(key) & ~3
    mixed = _SEED ^ len(key)
    for (word,) in iter_unpack("<I", key[:whole]):
        scrambled = word * _MIX & _WORD
        scrambled = (scrambled ^ scrambled >> 24) * _MIX & _WORD
        mixed = mixed * _MIX & _WORD ^ scrambled
    if whole < len(key):
        mixed = (mixed ^ int.from_bytes(key[whole:], "little")) * _MIX & _WORD
    mixed = (mixed ^ mixed >> 13) * _MIX & _WORD
    return mixed ^ mixed >> 15
