"""Why a witness does not cosign.

Owns the ways in which a log fails its witness. Some end by themselves, such as a cache that is
behind; after the others somebody has to look, and nothing is signed until then.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from runut.errors import RunutError
from runut.notes import Checkpoint


class Difference(msgspec.Struct, frozen=True):
    """The first leaf of a tree that is not the one which the witness has."""

    tree: str
    """`seals`, or topic and partition, such as `runut.events/3`."""
    index: int
    """A seal's number, or a record's offset."""

    def __str__(self) -> str:
        kind = "seal" if self.tree == "seals" else f"{self.tree} offset"
        return f"{kind} {self.index}"


class NotCosigned(RunutError):
    """The log does not show what a witness may vouch for: the thing, expected and found."""

    is_final = True
    """Whether waiting cannot mend it."""

    def __init__(self, thing: str, expected: str, found: object) -> None:
        self.thing = thing
        self.expected = expected
        self.found = found
        super().__init__(f"NOT COSIGNED: {thing}: expected {expected}, found {found}")


class Forked(NotCosigned):
    """The log shows something else than before: there are two of it."""

    def __init__(self, checkpoint: Checkpoint, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)
        where = ", ".join(map(str, differences)) or "nowhere in its tiles"
        super().__init__(
            f"FORK of {checkpoint.origin} at size {checkpoint.size}",
            "the log that was seen before, grown",
            f"another one; first differing: {where}",
        )


class Behind(NotCosigned):
    """The log shows less than before: an old copy, or one that was set back."""

    is_final = False

    def __init__(self, checkpoint: Checkpoint, known: int) -> None:
        found = f"one of size {checkpoint.size}"
        super().__init__(f"checkpoint of {checkpoint.origin}", f"size {known} or more", found)


class Ahead(NotCosigned):
    """A seal is of a time that is still to come: its clock is wrong, or ours is."""

    is_final = False
