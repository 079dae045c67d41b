"""Who hears of what was added to the history: by rights, and by what they want to hear of.

Several who want the same are one interest, so that the rights are asked once for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from projections.following import Added
from projections.rights import taking_part
from runut.adapters.postgres import Connection


class Interest(NamedTuple):
    """What somebody may and wants to hear of."""

    limited_to: str | None
    """The agency that has to take part; None for auditors and operators."""
    subject: str | None
    """Of this subject alone."""
    agency: str | None
    """Of subjects in which this agency takes part."""

    @property
    def agencies(self) -> set[str]:
        """Those that have to take part in a subject."""
        return {one for one in (self.limited_to, self.agency) if one is not None}


async def heard(
    connection: Connection, lines: Sequence[Added], interests: Collection[Interest]
) -> dict[Interest, list[Added]]:
    """Of each interest the lines that it hears of, in their order."""
    subjects = {line.subject for line in lines}
    agencies = {agency for one in interests for agency in one.agencies}
    asks = bool(subjects and agencies)
    pairs = await taking_part(connection, subjects, agencies) if asks else set()
    return {
        interest: [
            line
            for line in lines
            if interest.subject in {None, line.subject}
            and all((line.subject, agency) in pairs for agency in interest.agencies)
        ]
        for interest in interests
    }
