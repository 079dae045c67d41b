from collections.abc import Callable, Sequence

from runut.signing import Signable

def digests(start: bytes, nonces: bytes, items: Sequence[Signable]) -> list[bytes] | None: ...
def signature_values(
    nonces: bytes, leaves: Sequence[bytes], sign: Callable[[bytes], bytes]
) -> list[bytes] | None: ...
