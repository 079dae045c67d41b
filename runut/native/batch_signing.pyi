from collections.abc import Callable, Sequence

from runut.signing import Signable, SignedEvent

def signed_events(
    key_header: tuple[str, bytes],
    start: bytes,
    nonces: bytes,
    items: Sequence[Signable],
    sign: Callable[[bytes], bytes],
) -> list[SignedEvent] | None: ...
def signature_values(
    nonces: bytes, leaves: Sequence[bytes], sign: Callable[[bytes], bytes]
) -> list[bytes] | None: ...
