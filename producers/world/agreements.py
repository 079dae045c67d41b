"""Stories of agreements between agencies: signed, kept or fined, and a fund that fines go to.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from producers.world.ground import Ground
from producers.world.story import Act, Owed, Story
from runut.calendar import end_of_day
from runut.event import Event

FINE: Final = 5_000_000
CLAUSES: Final = (
    ("K1", "Pemeriksaan perusahaan penempatan dan laporannya", 60),
    ("K2", "Penyampaian data kepulangan", 30),
    ("K3", "Pendampingan keluarga atas permintaan", None),
)
PERIOD_MISSED: Final = 0.15
CONTESTED: Final = 0.35
ENDED: Final = 0.2


class Agreement(Story):
    """One agreement from its proposal on."""

    def __init__(
        self, ground: Ground, subject: str, began: datetime, parties: tuple[str, ...]
    ) -> None:
        super().__init__(ground, subject, began)
        self._parties = parties
        self._secretariat = parties[0]
        self._balance = 0

    def told(self) -> Iterator[Event]:
        """All of it: the clauses go on until the world ends, or the agreement."""
        yield from self._signed()
        debtors = self._parties[1:]
        signed = self.now.astimezone(self.ground.protocol.timezone).date()
        clauses = [one for one in CLAUSES if one[2] is not None]
        last = self.ground.options.until
        if self.rng.random() < ENDED:
            last = signed + (last - signed) * 0.7
        plans = [
            act
            for n, (clause, _, every) in enumerate(clauses)
            for act in self._periods(clause, every or 0, debtors[n % len(debtors)], signed, last)
        ]
        yield from self.play(plans)
        yield from self._ended(last)

    def _ended(self, last: date) -> Iterator[Event]:
        if last < self.ground.options.until:
            why = {"reason": "Diganti dengan perjanjian baru."}
            yield from self.play([self.act(self._secretariat, "AgreementEnded", 5, **why)])

    def _signed(self) -> Iterator[Event]:
        debtors = self._parties[1:]
        clauses = [
            {
                "clause_id": ident,
                "text": text,
                "debtor": debtors[n % len(debtors)],
                "every_days": days,
            }
            for n, (ident, text, days) in enumerate(CLAUSES)
        ]
        fines = [{"clause_id": one["clause_id"], "amount": f"{FINE}.00"} for one in clauses[:2]]
        name = self.ground.agencies[self._secretariat].name_id
        proposal = {
            "title": f"Perjanjian kerja sama pelindungan, {name}",
            "parties": list(self._parties),
            "secretariat": self._secretariat,
            "clauses": clauses,
            "fines": [{**fine, "currency": "IDR"} for fine in fines],
            "fund": "dana-pelindungan",
        }
        yield from self.play([Act(self.now, self._secretariat, "AgreementProposed", proposal)])
        for party in self._parties:
            yield from self.play([self.act(party, "AgreementSigned", self.rng.randint(1, 8))])

    def _periods(
        self, clause: str, every: int, debtor: str, signed: date, last: date
    ) -> Iterator[Act]:
        """Each period is done, reported and accepted; or missed and fined, and done late."""
        rng, since = self.rng, self.now
        for n in range(1, (last - signed).days // every + 1):
            due_day = signed + timedelta(days=n * every)
            due = end_of_day(due_day, self.ground.protocol.timezone)
            owed = Owed(f"CLAUSE:{clause}#{n}:{debtor}", debtor, due)
            if since >= due or rng.random() < PERIOD_MISSED:
                fine = self.after(max(since, due), self._secretariat, 2)
                yield from self._fined(f"F-{clause}-{n}", clause, debtor, owed.commitment_id, fine)
                reported = self.after(max(since, due), debtor, rng.randint(3, 9))
            else:
                reported = self.ground.before(debtor, since, due, rng)
            reviewed = self.after(reported, self._secretariat, rng.randint(0, 2))
            if since < due:
                yield from self.missed(owed, reviewed)
            named = {"commitment_id": owed.commitment_id}
            report = {"evidence": [self.attachment("laporan")], "note": None}
            yield Act(reported, debtor, "FulfilmentReported", {**named, **report})
            review = {"accepted": True, "reason": None}
            yield Act(reviewed, self._secretariat, "FulfilmentReviewed", {**named, **review})
            since = reviewed

    def _fined(
        self, fine_id: str, clause: str, debtor: str, cause: str, at: datetime
    ) -> Iterator[Act]:
        rng, named = self.rng, {"fine_id": fine_id}
        about = {"debtor": debtor, "clause_id": clause, "cause": cause, "amount": f"{FINE}.00"}
        yield Act(at, self._secretariat, "FineImposed", {**named, **about})
        owed = self.owed("FINE_PAYMENT", fine_id, debtor, at)
        if rng.random() < CONTESTED:
            at = self.after(at, debtor, rng.randint(1, 4))
            yield Act(at, debtor, "FineContested", {**named, "reason": "Ada hari libur daerah."})
            at = self.after(at, self._secretariat, rng.randint(3, 10))
            decision = rng.choice(("UPHELD", "UPHELD", "WAIVED"))
            decided = {"decision": decision, "reason": "Menurut notula rapat."}
            yield Act(at, self._secretariat, "FineDecided", {**named, **decided})
            if decision == "WAIVED":
                return
            owed = self.owed("FINE_PAYMENT", fine_id, debtor, at)
        yield from self._paid(named, debtor, owed, at)

    def _paid(
        self, named: dict[str, str], debtor: str, owed: Owed, since: datetime
    ) -> Iterator[Act]:
        if self.rng.random() < 0.1:
            yield from self.missed(owed, None)
            return
        at = self.answered_at(owed, since)
        yield from self.missed(owed, at)
        reference = f"TRX-{self.rng.randint(1000, 9999)}"
        yield Act(at, debtor, "FinePaid", {**named, "amount": f"{FINE}.00", "reference": reference})
        if self.rng.random() < 0.5:
            spent = {"amount": f"{FINE // 2}.00", "purpose": "Rumah aman", "case": None}
            at = self.after(at, self._secretariat, 3)
            yield Act(at, self._secretariat, "FundDisbursed", spent)


def agreements(ground: Ground) -> Iterator[Agreement]:
    """One for each province that has a protection centre, and one among ministries."""
    for centre in (code for code in ground.of_kind("AGENCY") if code.startswith("bp3mi-")):
        region = ground.agencies[centre].region
        there = ground.of_kind("LOCAL_GOVERNMENT", region)
        yield _one(ground, centre.removeprefix("bp3mi-"), (centre, *there[:2], "imigrasi"))
    yield _one(ground, "pusat", ("kp2mi", "kemlu", "kemensos", "polri"))


def _one(ground: Ground, name: str, parties: tuple[str, ...]) -> Agreement:
    rng = ground.rng("agreement", name)
    began = ground.later(parties[0], ground.start + timedelta(days=rng.randint(5, 120)), 1, rng)
    subject = f"agreement/PKS-{name.upper()}-{began.year}"
    return Agreement(ground, subject, began, parties)
