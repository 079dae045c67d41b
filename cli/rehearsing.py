"""A dry run: where an import's events go when nothing is to be published.

They are judged in memory, each after those before it in the file, on top of what is projected, as
they would be when signed with the keys that are here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from producers.files.entries import Foreseen, Found, Reported, bad_line
from projections.rehearsal import Rehearsal
from runut.directory import Directory, founded
from runut.errors import BadInput
from runut.event import AgencyCode, SignatureStatus, Verdict
from runut.keystore import KeyStore
from runut.outgoing import usable_key


class Rehearsing:
    """Judges events, and tells the verdict that each would get."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self.verdicts: Counter[Verdict] = Counter()

    async def take(self, found: Sequence[Found]) -> list[Reported]:
        """Judge events; gives a verdict of each, or why it is none after all."""
        told: list[Reported] = []
        lines, records = [], []
        for one in found:
            try:
                records.append(self._rehearsal.recorded(one.event))
                lines.append(one.line)
            except BadInput as error:
                told.append(bad_line(one.line, error, one.text))
        for line, entry in zip(lines, await self._rehearsal.judge(records), strict=True):
            event = entry.recorded.event
            self.verdicts[entry.verdict] += 1
            told.append(
                Foreseen(line, event.type, event.subject, event.agency, entry.verdict, entry.codes)
            )
        return told

    async def end(self) -> None:
        """Nothing is under way."""


def signatures(keys: KeyStore, directory: Directory) -> Callable[[AgencyCode], SignatureStatus]:
    """What would be found of the signature of an agency's events, sent from here."""
    missing: SignatureStatus = (
        "MISSING" if founded(directory.ledger).require_signatures else "UNSIGNED"
    )

    @cache
    def status(agency: AgencyCode) -> SignatureStatus:
        if directory.agency(agency) is None:
            return "UNKNOWN_AGENCY"
        return "VALID" if usable_key(keys, directory, agency) else missing

    return status
