"""What agencies get wrong: acts that the verdict finds irregular, and what they correct themselves.

They are meant: pages and measures have to show them, and an honest ledger has some. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from producers.world.exchanges import Exchanges
from producers.world.story import Act
from runut.event import Event

MISTAKEN: Final = 0.16
"""How often somebody makes a mistake in a phase of a case."""
CORRECTED: Final = 0.03


class Mistakes(Exchanges):
    """A case in which not everything is right."""

    def mistakes(self) -> list[Act]:
        """What goes wrong while other things go on."""
        if self.rng.random() >= MISTAKEN:
            return []
        kinds: tuple[Callable[[], Act], ...] = (
            self._resolved_by_another,
            self._closed_by_another,
            self._answered_nothing,
            self._shared_without_basis,
            self._offered_to_nobody,
        )
        return [self.rng.choice(kinds)()]

    def corrected(self) -> Iterator[Event]:
        """Now and then a call was logged wrongly, and its agency says so and logs it again."""
        if self.rng.random() >= CORRECTED:
            return
        wrong = self._logged("Mencatat pembicaraan untuk kasus lain.")
        target = ""
        for event in self.play([wrong]):
            target = event.event_id
            yield event
        why = {"target": target, "reason": "Tercatat pada kasus yang salah."}
        yield from self.play([self.act(wrong.agency, "EventCorrected", 1, **why)])
        yield from self.play([self._logged(self.word("contacts", "summaries"))])

    def _logged(self, summary: str) -> Act:
        how = {"contact_id": self.ident("K"), "mode": "PHONE", "direction": "OUTGOING"}
        other = {"with": [self.another()], "summary": summary}
        return self.act(self.custodian, "ContactLogged", 1, **how, **other)

    def _resolved_by_another(self) -> Act:
        outcome = self.word("outcomes", "resolved")
        return self._soon(self.another(), "CaseResolved", outcome=outcome)

    def _closed_by_another(self) -> Act:
        ground = self.word("outcomes", "closed")
        return self._soon(self.another(), "CaseClosed", scope="LEDGER", ground=ground)

    def _answered_nothing(self) -> Act:
        return self._soon(self.another(), "LetterAnswered", letter_id="L0", answer="COMPLETE")

    def _shared_without_basis(self) -> Act:
        shared = {"share_id": self.ident("S"), "to": [self.another()]}
        what = {"fields": ["paspor"], "purpose": "Pencocokan"}
        return self._soon(self.custodian, "DataShared", **shared, **what)

    def _offered_to_nobody(self) -> Act:
        offer = {"transfer_id": self.ident("T"), "to": "bpjs-tk", "ground": "REQUEST"}
        return self._soon(self.custodian, "TransferOffered", **offer, reason="Klaim jaminan.")

    def _soon(self, agency: str, event_type: str, **data: Any) -> Act:
        return self.act(agency, event_type, self.rng.randint(0, 3), **data)
