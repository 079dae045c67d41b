from runut.event import Event
from runut.signing import Headers

def headers(
    event: Event, signature: Headers, traceparent: bytes | None, span: int
) -> list[tuple[str, bytes]] | None: ...
