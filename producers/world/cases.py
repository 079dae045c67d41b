"""Stories of cases: how one is reported, wanders, is settled, and ends or does not.

Each story is a way that cases take: handled where they were reported, passed on, passed to and fro
until an arbiter rules, met with silence, merged with another, closed and opened again. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from producers.world.cast import MINISTRY, Cast, intake_of
from producers.world.ground import Ground, words
from producers.world.meetings import Diary
from producers.world.mistakes import Mistakes
from producers.world.story import AFTER, ARBITER, Act, Owed
from runut.event import SYSTEM, Event

Told = Iterator[Event]
UNRULED: Final = 0.15
"""How often the arbiter never rules."""


class Case(Mistakes):
    """One case from its report on."""

    def __init__(
        self, ground: Ground, subject: str, began: datetime, cast: Cast, agent: str, diary: Diary
    ) -> None:
        super().__init__(ground, subject, began, cast)
        self._agent = agent
        self.person = ""
        """The token that stands for the worker."""
        self._diary = diary
        self._began = began
        if cast.category == "TRAFFICKING":
            self.security = "RESTRICTED"

    def told(self) -> Told:
        """All of it, by one of the ways."""
        way = self.rng.choices([way for way, _ in WAYS], [weight for _, weight in WAYS])[0]
        return way(self)

    def reported(self) -> Told:
        """It is reported."""
        summaries = words()["summaries"][self.cast.category]
        summary = self.rng.choice(summaries).format(n=self.rng.randint(2, 11))
        intake = intake_of(self.ground, self.cast.reporter, self.rng)
        data = self.cast.report(self.rng, intake, summary, self._agent)
        self.urgency, self.person = data["urgency"], data["worker"]["person_id"]
        yield from self.play([Act(self.now, self.cast.reporter, "CaseReported", data)])

    def verified(self, result: str = "VERIFIED") -> Told:
        """Its custodian verifies it, in time or not."""
        source = self.subject.partition("/")[2]
        owed = self.owed("VERIFICATION", source, self.custodian, self.now)
        at = self.answered_at(owed, self.now)
        is_verified = result == "VERIFIED"
        note = "Dokumen sesuai." if is_verified else self.word("outcomes", "rejected")
        verified = Act(at, self.custodian, "CaseVerified", {"result": result, "note": note})
        yield from self.play([verified], self.missed(owed, at))
        if is_verified and self.rng.random() < 0.1:
            classified = {
                "category": self.cast.category,
                "urgency": self.urgency,
                "trafficking": self.cast.category == "TRAFFICKING",
            }
            again = Act(self.later(self.custodian), self.custodian, "CaseClassified", classified)
            yield from self.play([again])

    def worked_on(self, things: int) -> Told:
        """So many exchanges, side by side."""
        kinds: tuple[tuple[Callable[[], list[Act]], int], ...] = (
            (self.letter, 30),
            (self.call, 22),
            (self.promised, 14),
            (self.help, 14 if self.urgency != "NORMAL" else 6),
            (lambda: self.hearing(self._agent), 8),
            (self.sharing, 6),
            (self._discussed, 6),
        )
        chosen = self.rng.choices([kind for kind, _ in kinds], [n for _, n in kinds], k=things)
        yield from self.play(*(kind() for kind in chosen), self.mistakes())
        yield from self.corrected()

    def _discussed(self) -> list[Act]:
        """A meeting held since it was reported dealt with it; where there was none, a letter."""
        meeting = self._diary.last_held(self._began, self.now)
        return self.decided(meeting) if meeting else self.letter()

    def passed_on(self, to: str) -> Told:
        """It is offered to another agency, which takes it."""
        offer, offered, owed = self._offer(to)
        at = self.answered_at(owed, offered.at)
        if at > owed.due:
            yield from self._lapsed(offered, owed.due, owed.commitment_id, offer)
            return
        accepted = Act(at, to, "TransferAccepted", {"transfer_id": offer, "note": None})
        yield from self.play([offered, accepted])
        self.custodian = to

    def _offer(self, to: str) -> tuple[str, Act, Owed]:
        offer = self.ident("T")
        ground = self.rng.choice(("MANDATE", "JURISDICTION", "CAPACITY"))
        why = {"ground": ground, "reason": self.word("transfers", "reasons")}
        about = {"transfer_id": offer, "to": to, **why}
        offered = self.act(self.custodian, "TransferOffered", self.rng.randint(1, 5), **about)
        return offer, offered, self.owed("TRANSFER_ANSWER", offer, to, offered.at)

    def _lapsed(self, offered: Act, due: datetime, commitment_id: str, offer: str) -> Told:
        """Nobody answered in time: the ledger says so, and that the offer has lapsed."""
        breach = {"commitment_id": commitment_id, "due_at": due}
        yield from self.play(
            [
                offered,
                Act(due + AFTER, SYSTEM, "CommitmentBreached", breach),
                Act(due + 2 * AFTER, SYSTEM, "TransferLapsed", {"transfer_id": offer}),
            ]
        )

    def refused(self, to: str) -> Generator[Event, None, str]:
        """It is offered to another agency, which sends it back; gives the offer's id."""
        offer, offered, owed = self._offer(to)
        at = self.ground.before(to, offered.at, owed.due, self.rng)
        ground = self.rng.choice(("NOT_COMPETENT", "OWN_DUTIES", "LEGAL_BAR"))
        why = {"ground": ground, "reason": self.word("transfers", "refusals")}
        no = Act(at, to, "TransferRefused", {"transfer_id": offer, **why})
        yield from self.play([offered, no])
        return offer

    def withdrawn(self, to: str) -> Told:
        """It is offered to another agency, and the offer taken back."""
        offer, offered, owed = self._offer(to)
        at = self.ground.before(self.custodian, offered.at, owed.due, self.rng)
        back = {"transfer_id": offer, "reason": "Pelapor kembali ke wilayah kami."}
        yield from self.play([offered, Act(at, self.custodian, "TransferWithdrawn", back)])

    def escalated(self, offer: str) -> Told:
        """After two offers that failed the ledger brings it before an arbiter."""
        escalated = {"transfer_id": offer, "arbiter": ARBITER}
        yield from self.play([Act(self.now + AFTER, SYSTEM, "TransferEscalated", escalated)])

    def ruled(self, to: str) -> Told:
        """The arbiter says whose it is."""
        rule = {"custodian": to, "reason": self.word("transfers", "rulings")}
        days = self.rng.randint(2, 9)
        yield from self.play([self.act(ARBITER, "CustodyRuled", days, **rule)])
        self.custodian = to

    def closed(self) -> Told:
        """What nobody will fulfil is cancelled; then it is settled and closed."""
        yield from self._cancelled()
        outcome = {"outcome": self.word("outcomes", "resolved")}
        if self.cast.category == "UNPAID_WAGES":
            amount = f"{self.rng.randint(8, 90)}500000.00"
            outcome |= {"amount": amount, "currency": "IDR"}
        days = self.rng.randint(1, 10)
        yield from self.play([self.act(self.custodian, "CaseResolved", days, **outcome)])
        yield from self._consented()
        ground = {"ground": self.word("outcomes", "closed")}
        closing = {"scope": "LEDGER", **ground}
        yield from self.play([self.act(self.custodian, "CaseClosed", 2, **closing)])
        if self.rng.random() < 0.03:
            person = {"person_id": self.person, "ground": "Permintaan pekerja"}
            yield from self.play([self.act(self.custodian, "PersonalDataErased", 20, **person)])
        if self.rng.random() < 0.2:
            local = {"scope": "LOCAL", **ground}
            yield from self.play([self.act(self.cast.reporter, "CaseClosed", 3, **local)])

    def _cancelled(self) -> Told:
        for commitment_id, creditor in self.left:
            why = {"commitment_id": commitment_id, "reason": "Tidak diperlukan lagi."}
            days = self.rng.randint(1, 4)
            yield from self.play([self.act(creditor, "CommitmentCancelled", days, **why)])
        self.left.clear()

    def _consented(self) -> Told:
        """Those have to consent whom the protocol names; they take part since they were asked."""
        if self.cast.category != "TRAFFICKING":
            return
        for agency in sorted(self.ground.protocol.consents["TRAFFICKING"]):
            call = {"contact_id": self.ident("K"), "mode": "PHONE", "direction": "OUTGOING"}
            about = {"with": [agency], "summary": "Meminta persetujuan penutupan kasus."}
            asked = self.act(self.custodian, "ContactLogged", 1, **call, **about)
            yield from self.play([asked])
            yield from self.play([self.act(agency, "ClosureConsented", 1, note=None)])

    def elsewhere(self) -> str:
        """A custodian that this case may go to."""
        may = {self.cast.centre, self.cast.mission, MINISTRY, "kemlu", self.cast.office}
        return self.rng.choice(sorted(may - {self.custodian}))


def _handled(case: Case) -> Told:
    yield from chain(case.reported(), case.verified(), case.worked_on(case.rng.randint(2, 5)))
    yield from case.worked_on(case.rng.randint(0, 3))
    yield from case.closed()


def _passed_on(case: Case) -> Told:
    yield from chain(case.reported(), case.verified(), case.worked_on(case.rng.randint(0, 2)))
    yield from case.passed_on(case.elsewhere())
    yield from case.worked_on(case.rng.randint(2, 5))
    yield from case.closed()


def _to_and_fro(case: Case) -> Told:
    yield from chain(case.reported(), case.verified())
    to = case.elsewhere()
    yield from case.refused(to)
    yield from case.worked_on(case.rng.randint(0, 1))
    yield from case.escalated((yield from case.refused(case.elsewhere())))
    if case.rng.random() < UNRULED:
        return
    yield from case.ruled(to)
    yield from case.worked_on(case.rng.randint(1, 3))
    yield from case.closed()


def _withdrawn(case: Case) -> Told:
    yield from chain(case.reported(), case.verified())
    yield from case.withdrawn(case.elsewhere())
    yield from case.worked_on(2)
    yield from case.closed()


def _met_with_silence(case: Case) -> Told:
    """A letter that nobody answers, and then nothing any more."""
    yield from chain(case.reported(), case.verified())
    yield from case.play(case.letter(silent=1.0), case.call())


def _forgotten(case: Case) -> Told:
    """Reported to somebody who never looks at it."""
    yield from case.reported()
    source = case.subject.partition("/")[2]
    owed = case.owed("VERIFICATION", source, case.custodian, case.now)
    yield from case.play(case.missed(owed, None))


def _rejected(case: Case) -> Told:
    yield from chain(case.reported(), case.verified("REJECTED"))


def _reopened(case: Case) -> Told:
    yield from _handled(case)
    why = case.word("outcomes", "reopened")
    opened = case.act(case.custodian, "CaseReopened", case.rng.randint(8, 40), reason=why)
    yield from case.play([opened])
    yield from case.worked_on(2)
    yield from case.closed()


def _data_lost(case: Case) -> Told:
    yield from chain(case.reported(), case.verified(), case.worked_on(2))
    what = {"what": "Berkas kasus terkirim ke alamat yang salah.", "remedy": "Tautan dicabut."}
    at = case.now - timedelta(hours=2)
    told = case.act(case.custodian, "DataBreachNotified", 1, **what, happened_at=at)
    yield from case.play([told])
    yield from case.closed()


WAYS: Final[tuple[tuple[Callable[[Case], Told], int], ...]] = (
    (_handled, 42),
    (_passed_on, 27),
    (_to_and_fro, 8),
    (_met_with_silence, 7),
    (_rejected, 5),
    (_reopened, 4),
    (_forgotten, 3),
    (_withdrawn, 2),
    (_data_lost, 2),
)
