"""What goes on in a case between agencies: letters, calls, promises, help, hearings, data.

Each is a plan: acts from the present moment of a story on, with what becomes of what is owed. What
never comes to its end is noted, for the case cannot be closed until it is cancelled. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from producers.world.cast import Cast
from producers.world.ground import Ground
from producers.world.story import Act, Owed, Story

SILENT: Final = 0.06
"""How often an agency never answers at all."""
HELP: Final = {
    "ABUSE": ("SHELTER", "PSYCHOSOCIAL", "MEDICAL"),
    "TRAFFICKING": ("SHELTER", "REHABILITATION", "INVESTIGATION"),
    "MEDICAL": ("MEDICAL", "REPATRIATION"),
    "DEATH": ("REPATRIATION", "DOCUMENTS"),
    "WANTS_RETURN": ("REPATRIATION", "PICKUP", "REINTEGRATION"),
}


class Exchanges(Story):
    """A story with a custodian, who writes, calls and asks."""

    def __init__(self, ground: Ground, subject: str, began: datetime, cast: Cast) -> None:
        super().__init__(ground, subject, began)
        self.cast = cast
        self.custodian = cast.custodian
        self.urgency = "NORMAL"
        self.left: list[tuple[str, str]] = []
        """Commitments that nobody will fulfil, each with its creditor."""

    def another(self, *without: str) -> str:
        """An agency that has to do with the case, other than the custodian and these."""
        return self.rng.choice(
            [code for code in self.cast.others if code not in {self.custodian, *without}]
        )

    def letter(self, silent: float = SILENT) -> list[Act]:
        """A letter to one agency or two, and what they answer."""
        rng, sender, letter_id = self.rng, self.custodian, self.ident("L")
        to = sorted({self.another() for _ in range(rng.choice((1, 1, 1, 2)))})
        sent = self.later(sender, rng.randint(0, 4))
        wants_reply = rng.random() < 0.85
        number = f"B.{rng.randint(100, 9999)}/{sender.upper()}/{sent.year}"
        about: dict[str, Any] = {
            "letter_id": letter_id,
            "number": number,
            "dated": self.ground.day_of(sender, sent),
            "doc_type": "OFFICIAL_LETTER" if wants_reply else rng.choice(("REPORT", "MEMO")),
            "urgency": self.urgency,
            "title": self.word("letters", "titles"),
            "to": to,
            "cc": [self.another(*to)] if rng.random() < 0.4 else [],
            "attachments": [self.attachment("surat")] if rng.random() < 0.5 else [],
            "reply_expected": wants_reply,
        }
        acts = [Act(sent, sender, "LetterSent", about)]
        for addressee in to:
            acts += self._received(letter_id, addressee, sent)
            if wants_reply:
                acts += self._replied(letter_id, addressee, sender, sent, silent)
        return acts

    def _received(self, letter_id: str, addressee: str, sent: datetime) -> Iterator[Act]:
        named = {"letter_id": letter_id}
        at = self.after(sent, addressee)
        agenda = f"{self.rng.randint(1, 2999):04}"
        yield Act(at, addressee, "LetterReceived", {**named, "agenda_number": agenda})
        if self.rng.random() < 0.35:
            at = self.after(at, addressee)
            order = {name: self.word("letters", f"{name}s") for name in ("unit", "instruction")}
            yield Act(at, addressee, "LetterDisposed", {**named, **order})

    def _replied(
        self, letter_id: str, addressee: str, sender: str, sent: datetime, silent: float
    ) -> Iterator[Act]:
        rng, named = self.rng, {"letter_id": letter_id}
        owed = self.owed("LETTER_REPLY", letter_id, addressee, sent, self.urgency)
        answered = None if rng.random() < silent else self.answered_at(owed, sent)
        yield from self.missed(owed, answered)
        if answered is None or answered > owed.due:
            reminded = self.after(owed.due, sender, rng.randint(1, 2))
            if answered is None or reminded < answered:
                yield Act(reminded, sender, "LetterReminded", {**named, "nth": 1})
        if answered is None:
            self.left.append((owed.commitment_id, sender))
            return
        if rng.random() < 0.1:
            partly = self.ground.before(addressee, sent, answered, rng)
            yield Act(partly, addressee, "LetterAnswered", {**named, "answer": "PARTIAL"})
        declines = rng.random() < 0.07
        answer = {"answer": "DECLINED" if declines else "COMPLETE"}
        reason = self.word("letters", "declining") if declines else None
        yield Act(answered, addressee, "LetterAnswered", {**named, **answer, "reason": reason})

    def call(self) -> list[Act]:
        """A call, and whether the other side remembers it the same way."""
        rng, other, caller = self.rng, self.another(), self.custodian
        named = {"contact_id": self.ident("K")}
        how = {"mode": rng.choice(("PHONE", "CHAT", "VIDEO", "EMAIL")), "direction": "OUTGOING"}
        what = {"with": [other], "summary": self.word("contacts", "summaries")}
        at = self.later(caller, rng.randint(0, 6))
        acts = [Act(at, caller, "ContactLogged", {**named, **how, **what, "duration_s": 240})]
        if rng.random() < 0.7:
            agrees = rng.random() < 0.93
            note = None if agrees else self.word("contacts", "disputes")
            told = {"agrees": agrees, "note": note}
            at = self.after(at, other, rng.randint(0, 2))
            acts.append(Act(at, other, "ContactAcknowledged", {**named, **told}))
        return acts

    def promised(self) -> list[Act]:
        """Something that one of two agencies is to do for the other."""
        rng, ident, other = self.rng, self.ident("C"), self.another()
        by_debtor = rng.random() < 0.5
        debtor, creditor = other, self.custodian
        emitter = debtor if by_debtor else creditor
        at = self.later(emitter, rng.randint(0, 5))
        days = rng.randint(5, 20)
        zone = self.ground.protocol.timezone
        due = self.ground.calendar.end_of_nth_working_day(at, days, zone)
        what = {"what": self.word("promises", "whats"), "due_at": due, "source_kind": "OWN"}
        parties = {"commitment_id": ident, "debtor": debtor, "creditor": creditor}
        acts = [Act(at, emitter, "CommitmentMade", {**parties, **what})]
        if not by_debtor and rng.random() < 0.08:
            no = {"accepts": False, "reason": self.word("promises", "declines")}
            answered = self.after(at, debtor, rng.randint(0, 2))
            return [
                *acts,
                Act(answered, debtor, "CommitmentAnswered", {"commitment_id": ident, **no}),
            ]
        owed = Owed(ident, debtor, due)
        more, is_kept = self.promise(ident, creditor, owed, at, needs_answer=not by_debtor)
        if not is_kept:
            self.left.append((ident, creditor))
        return [*acts, *more]

    def help(self) -> list[Act]:
        """Help asked of another agency, answered and given."""
        rng, asker, provider = self.rng, self.custodian, self._provider()
        named = {"assistance_id": self.ident("A")}
        kind = rng.choice(HELP.get(self.cast.category, ("LEGAL_AID", "DOCUMENTS")))
        is_emergency = self.urgency == "IMMEDIATE" and rng.random() < 0.6
        at = self.later(asker, rng.randint(0, 3))
        reason = self.word("assistance", "reasons")
        asked = {"kind": kind, "provider": provider, "emergency": is_emergency, "reason": reason}
        acts = [Act(at, asker, "AssistanceRequested", {**named, **asked})]
        variant = "EMERGENCY" if is_emergency else None
        owed = self.owed("ASSISTANCE_ANSWER", named["assistance_id"], provider, at, variant)
        answered = self.answered_at(owed, at)
        acts += self.missed(owed, answered)
        if rng.random() < 0.12:
            why = {"ground": "OWN_DUTIES", "reason": self.word("assistance", "refusals")}
            no = {**named, "accepted": False, **why}
            return [*acts, Act(answered, provider, "AssistanceAnswered", no)]
        acts.append(Act(answered, provider, "AssistanceAnswered", {**named, "accepted": True}))
        return [*acts, *self._delivered(named, provider, asker, answered)]

    def _provider(self) -> str:
        helpers = {self.cast.social, self.cast.centre, self.cast.mission, "kemensos", "kemenkes"}
        return self.rng.choice(sorted(helpers - {self.custodian}))

    def _delivered(
        self, named: dict[str, str], provider: str, asker: str, since: datetime
    ) -> Iterator[Act]:
        owed = self.owed("ASSISTANCE_DELIVERY", named["assistance_id"], provider, since)
        if self.rng.random() < SILENT:
            self.left.append((owed.commitment_id, asker))
            yield from self.missed(owed, None)
            return
        delivered = self.answered_at(owed, since)
        yield from self.missed(owed, delivered)
        given = {"evidence": [self.attachment("berita-acara")]}
        yield Act(delivered, provider, "AssistanceDelivered", {**named, **given})

    def hearing(self, agent: str) -> list[Act]:
        """The placement agent is heard."""
        rng = self.rng
        firm = {"kind": "PLACEMENT_AGENT", "ref": agent, "country": "ID"}
        kind = rng.choice(("CLARIFICATION_1", "CLARIFICATION_2", "MEDIATION"))
        heard = {"kind": kind, "respondent": firm, "outcome": self.word("outcomes", "hearings")}
        admission = rng.choice(("NONE", "PARTIAL", "PARTIAL", "FULL"))
        record = self.attachment("berita-acara")
        days = rng.randint(3, 12)
        more = {"admission": admission, "record": record}
        return [self.act(self.custodian, "HearingHeld", days, **heard, **more)]

    def sharing(self) -> list[Act]:
        """Data go to another agency, on the ground of a law."""
        shared = {"share_id": self.ident("S"), "to": [self.another()]}
        what = {"fields": ["paspor", "kontrak", "upah"], "purpose": "Penanganan kasus"}
        basis = {"lawful_basis": "UU 27/2022 Ps 20"}
        days = self.rng.randint(0, 8)
        return [self.act(self.custodian, "DataShared", days, **shared, **what, **basis)]

    def decided(self, meeting: str) -> list[Act]:
        """A meeting's decision about the case, and what follows from it."""
        rng, custodian, debtor = self.rng, self.custodian, self.another()
        ident, at = self.ident("D"), self.later(self.custodian, rng.randint(1, 3))
        adopters = sorted({custodian, debtor})
        about = {"decision_id": ident, "meeting": meeting, "adopters": adopters}
        text = {"text": self.word("meetings", "decisions"), "follow_up": "COMMITMENTS"}
        acts = [Act(at, custodian, "DecisionRecorded", {**about, **text})]
        named, made = self.ident("C"), at + timedelta(minutes=5)
        zone = self.ground.protocol.timezone
        due = self.ground.calendar.end_of_nth_working_day(made, 10, zone)
        parties = {"commitment_id": named, "debtor": debtor, "creditor": custodian}
        source = {"source_kind": "DECISION", "source_ref": ident}
        what = {"what": self.word("promises", "whats"), "due_at": due}
        acts.append(Act(made, custodian, "CommitmentMade", {**parties, **source, **what}))
        owed = Owed(named, debtor, due)
        more, is_kept = self.promise(named, custodian, owed, made, needs_answer=False)
        if not is_kept:
            self.left.append((named, custodian))
        return [*acts, *more]
