"""Every error that Runut raises on purpose, in one hierarchy.

Each carries the thing, what was expected and what was found, as fields and in its message.
Parsers turn ValueError, KeyError and their like into these; only entry points exit.

RunutError
├── BadInput            something a person or a system gave us is wrong
│   ├── FieldError      a field of an event in its JSON form
│   ├── NotAnEvent      a Kafka record that is no event: it goes to quarantine
│   ├── BadFile         a directory, protocol or policy file
│   ├── TooLarge        more bytes than are taken
│   └── TooSlow         the rest of something does not come
├── Unauthenticated     nobody whom we know asks
├── Forbidden           somebody asks for what is not theirs to do
├── TooManyRequests     somebody asks for more than their share
├── Busy                everybody together asks for more than there is room for
├── NotFound            the ledger holds nothing of what was asked for
├── Refused             the verdict in advance is irregular (codes)
├── AlreadyRecorded     an event_id is given to another event
├── MissingKey          no local signing key for an agency
├── Unreachable         a service does not answer
│   └── NotAdmitted     it does, and lets us not in, or not do this
├── NotRecorded         Kafka answers and refuses to store an event
├── NotDelivered        an endpoint did not take a notice
├── NotYetProjected     what an answer waits for is still to be projected
├── SpoolFull           no room for more events that wait to be sent
├── LedgerMismatch      the log or directory is not the one expected
│   └── SealMismatch    a seal is not what the log gives
├── NotOpen             something is used before it is opened, or after it is closed
├── FencedOut           another worker owns the partition, or the log of seals, now
├── SettingError        a RUNUT_ variable is wrong
└── PlatformError       a part of the embedded platform failed
"""

from __future__ import annotations

from typing import Any, Final


class RunutError(Exception):
    """Base of all errors raised on purpose; goes from process to process as it is."""

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are made again from their message alone, which is not what ours take.
        return _as_it_was, (type(self), self.args, self.__dict__)


class BadInput(RunutError):
    """Something given to Runut is wrong: the thing, what was expected, what was found."""

    def __init__(self, thing: str, expected: str, found: object) -> None:
        self.thing = thing
        self.expected = expected
        self.found = found
        super().__init__(f"{thing}: expected {expected}, found {shorten(found)}")


def wanted_of(message: str) -> str:
    """What a message of pydantic's demands, as our errors say it after "expected"."""
    if message == "Field required":
        return "a value"
    for start, ours in _MESSAGE_STARTS.items():
        if message.startswith(start):
            return ours + wanted_of(message.removeprefix(start))
    return message


_MESSAGE_STARTS: Final = {
    "Value error, ": "",
    "expected ": "",
    "Input should be ": "",
    "String should ": "text to ",
}


class FieldError(BadInput):
    """A field of an event's JSON form. `thing` is its dotted path, such as `data.to[1]`."""

    @property
    def field(self) -> str:
        """Dotted path of the field."""
        return self.thing


class NotAnEvent(BadInput):
    """A record that is no event (events.md §1): it stays in the log and goes to quarantine."""


class BadFile(BadInput):
    """A file that configures Runut (directory, protocol, policy) is wrong."""


class TooLarge(BadInput):
    """More bytes than are taken; `limit` says how many are."""

    def __init__(self, thing: str, limit: int) -> None:
        self.limit = limit
        super().__init__(thing, f"at most {limit} bytes", "more")


class TooSlow(BadInput):
    """The rest of something does not come."""

    def __init__(self, thing: str, patience_s: float) -> None:
        super().__init__(thing, f"more of it within {patience_s:g} s", "nothing")


class Unauthenticated(RunutError):
    """Nobody whom we know asks. `found` says what was there instead of a valid token, never it."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"bearer token: expected a valid one, found {found}")


class Forbidden(RunutError):
    """Somebody asks for what is not theirs to do: what, and which right it needs."""

    def __init__(self, what: str, needed: str) -> None:
        self.what = what
        self.needed = needed
        super().__init__(f"{what}: needs {needed}")


class TooManyRequests(RunutError):
    """Somebody asks for more than their share: `retry_after_s` says when there is some again."""

    def __init__(self, what: str, limit: str, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{what}: expected at most {limit}; try again in {retry_after_s:.1f} s")


class Busy(RunutError):
    """There is no room for more at present: `retry_after_s` says when to try again."""

    def __init__(self, what: str, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{what}: no room at present; try again in {retry_after_s:.1f} s")


class NotFound(RunutError):
    """The ledger holds nothing of what was asked for: a subject, its state, an agency."""

    def __init__(self, thing: str, why: str) -> None:
        self.thing = thing
        super().__init__(f"{thing}: {why}")


class Refused(RunutError):
    """The verdict in advance is irregular: the event was not sent."""

    def __init__(self, event_type: str, subject: str, codes: tuple[str, ...]) -> None:
        self.event_type = event_type
        self.subject = subject
        self.codes = codes
        super().__init__(f"{event_type} on {subject} would be irregular: {', '.join(codes)}")


class AlreadyRecorded(RunutError):
    """Another event of the agency has this event_id: it was not sent."""

    def __init__(self, agency: str, event_id: str) -> None:
        self.agency = agency
        self.event_id = event_id
        super().__init__(
            f"event_id {event_id}: expected the event that {agency} gave it to, found another"
        )


class MissingKey(RunutError):
    """There is no local signing key for an agency, or for the seals."""

    def __init__(self, agency: str, place: object, command: str | None = None) -> None:
        self.agency = agency
        make = command or f"runut keys new {agency}"
        super().__init__(f"no signing key for agency {agency} in {place}; make one: {make}")


class Unreachable(RunutError):
    """A service does not answer: one sentence with its address and what to do."""

    def __init__(self, service: str, address: str, advice: str, cause: object = None) -> None:
        self.service = service
        self.address = address
        why = f" ({shorten(cause)})" if cause else ""
        super().__init__(f"{service} does not answer at {address}{why}; {advice}")


class NotAdmitted(Unreachable):
    """A service answers, and lets us not in, or not do this: one sentence with what to look at."""

    def __init__(self, service: str, address: str, found: str, advice: str) -> None:
        self.service = service
        self.address = address
        RunutError.__init__(self, f"{service} at {address} {found}; {advice}")


class NotRecorded(RunutError):
    """Kafka answers and refuses to store an event."""

    def __init__(self, topic: str, partition: int, cause: object) -> None:
        self.topic = topic
        self.partition = partition
        super().__init__(
            f"{topic} partition {partition}: expected Kafka to store events, found {shorten(cause)}"
        )


class NotDelivered(RunutError):
    """An endpoint did not take a notice: it is tried again later."""


class NotYetProjected(RunutError):
    """What an answer waits for is still to be projected, or lies in no partition."""

    def __init__(self, partition: int, offset: int, waited_s: float) -> None:
        self.retry_after_s = 1.0
        super().__init__(
            f"event at {partition}:{offset}: expected it to be projected, found that it was not "
            f"within {waited_s:g} s"
        )


class SpoolFull(RunutError):
    """There is no room for more events that wait to be sent."""

    def __init__(self, path: object, max_bytes: int, cause: str | None = None) -> None:
        self.path = path
        self.max_bytes = max_bytes
        why = cause or f"expected {max_bytes} bytes at most, found more"
        super().__init__(f"spool {path}: {why}; send what waits: runut spool send {path}")


class LedgerMismatch(RunutError):
    """The log, the directory or a position is not the one that was expected."""


class SealMismatch(LedgerMismatch):
    """A seal is not what the log gives, or what was sealed before: somebody changed one of them."""

    def __init__(self, seal: int, thing: str, expected: object, found: object) -> None:
        self.seal = seal
        super().__init__(f"seal {seal}, {thing}: expected {expected}, found {found}")


class NotOpen(RunutError, RuntimeError):
    """Something is used before it is opened, or after it is closed."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}: it is not open")


class FencedOut(RunutError):
    """Another worker took over a partition, or the log of seals: this one must stop writing."""

    def __init__(self, partition: int | None, epoch: int) -> None:
        self.partition = partition
        self.epoch = epoch
        what = "the log of seals" if partition is None else f"partition {partition}"
        super().__init__(f"{what} is no longer owned in epoch {epoch}: stopping")


class SettingError(RunutError):
    """A setting is wrong; the message names its variable."""


class PlatformError(RunutError):
    """A part of the embedded platform could not be fetched, started or kept running."""


def shorten(value: object, limit: int = 120) -> str:
    """Show a value in an error without flooding it; control characters are escaped."""
    if isinstance(value, Exception):
        value = str(value) or repr(value)
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _as_it_was(kind: type[RunutError], args: tuple[object, ...], fields: dict[str, object]) -> Any:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error
