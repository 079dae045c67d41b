"""A year of cases in which agencies answer in time, late or never, told from a number.

Only agencies speak here: what the ledger says when a limit passes is for it, and for
`tests.deadline_reference`, to find out. Agencies act in the morning of a weekday, most limits end
at midnight in Jakarta, and in the evening after it (UTC) somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any, Final
from uuid import UUID

MORNING: Final = time(2, tzinfo=UTC)
MIDNIGHT: Final = time(16, 59, 59, tzinfo=UTC)
"""The end of a day in Jakarta."""
EVENING: Final = time(18, tzinfo=UTC)
FIRST_DAY: Final = date(2025, 1, 6)
LAST_DAY: Final = date(2026, 1, 2)
SATURDAY: Final = 5
SUNDAY: Final = 6
LAST_OPENING: Final = 235
"""No case begins after so many weekdays: the last ones are to come to their end."""
CUSTODIANS: Final = ("kp2mi", "bp3mi-ntt", "kbri-kl", "kjri-jb", "kemlu", "polri", "dinsos-ntt")
OTHERS: Final = ("disnaker-kupang", "imigrasi", "bpjs-tk", "sbmi", "desa-oebelo")

Json = dict[str, Any]


@cache
def days() -> tuple[date, ...]:
    """The days on which agencies act, Monday to Friday, or on which somebody looks: Sundays too.

    For the working day that a reminder comes before begins while it is Sunday evening (UTC).
    """
    year = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    return tuple(day for day in year if day.weekday() != SATURDAY)


def year_of_cases(cases: int, seed: int) -> list[tuple[date, list[Json]]]:
    """The events of each day's morning, in their order; of a Sunday's none."""
    mornings: dict[date, list[Json]] = {day: [] for day in days()}
    for number in range(cases):
        opened = number * LAST_OPENING // cases
        story = Story(Random(f"{seed}/{number}"), f"case/YEAR-{number:05}", opened)
        for event in sorted(story.events(), key=lambda one: one["occurred_at"]):
            mornings[event["occurred_at"].date()].append(event)
    return list(mornings.items())


class Story:
    """One case, opened on the n-th weekday."""

    def __init__(self, rng: Random, subject: str, opened: int) -> None:
        self._rng = rng
        self._subject = subject
        self._opened = opened
        self._days = [day for day in days() if day.weekday() != SUNDAY]
        self._custodian = rng.choice(CUSTODIANS)
        self._reporter = rng.choice((*CUSTODIANS, *OTHERS))

    def events(self) -> Iterator[Json]:
        """What happens in the case; not in order."""
        yield self._event(0, self._reporter, "CaseReported", **self._report())
        verified = self._rng.choice((0, 1, 2, 3, 4, 5, 9, None))
        if verified is not None:
            result = self._rng.choice(("VERIFIED",) * 9 + ("REJECTED",))
            yield self._event(verified, self._custodian, "CaseVerified", result=result, note="-")
        for kind in self._rng.sample((self._letter, self._promise, self._help, self._offers), 2):
            yield from kind(self._rng.randint(0, 6))

    def _report(self) -> Json:
        codes = {"country": "MY", "intake": "WALK_IN", "relation": "FAMILY", "phase": "DURING"}
        kind = {"category": "UNPAID_WAGES", "urgency": "URGENT", "sector": "FORMAL"}
        rest = {"placement": "PROCEDURAL", "custodian": self._custodian, "summary": "-"}
        return {**codes, **kind, **rest}

    def _letter(self, day: int) -> Iterator[Json]:
        """To one or two agencies, each of which has 1, 5 or 10 working days to answer."""
        to = self._rng.sample((*CUSTODIANS, *OTHERS), self._rng.randint(1, 2))
        about = {"number": "1", "dated": "2025-01-06", "doc_type": "MEMO", "title": "-"}
        urgency = self._rng.choice(("IMMEDIATE", "URGENT", "NORMAL"))
        letter = {"letter_id": "L", "urgency": urgency, "to": to, "reply_expected": True}
        yield self._event(day, self._custodian, "LetterSent", **about, **letter)
        for agency in to:
            for after in self._sometimes(0, 1, 1, 2, 4, 5, 6, 10, 12):
                what = self._rng.choice(("COMPLETE", "COMPLETE", "PARTIAL"))
                answer = {"letter_id": "L", "answer": what}
                yield self._event(day + after, agency, "LetterAnswered", **answer)

    def _promise(self, day: int) -> Iterator[Json]:
        """Due at midnight or in mid-morning; kept, extended, cancelled or forgotten."""
        debtor, creditor = self._custodian, self._reporter
        named, days = {"commitment_id": "P"}, self._rng.randint(2, 12)
        due_at = self._on(day + days, self._rng.choice((MORNING, MIDNIGHT)))
        parties = {"debtor": debtor, "creditor": creditor, "what": "-", "source_kind": "OWN"}
        yield self._event(day, debtor, "CommitmentMade", **named, **parties, due_at=due_at)
        if self._rng.random() < 0.2:
            later = {"new_due_at": self._on(day + days + 4, MIDNIGHT), "reason": "-"}
            yield self._event(day + days - 1, creditor, "ExtensionGranted", **named, **later)
        if self._rng.random() < 0.1:
            yield self._event(day + days, creditor, "CommitmentCancelled", **named, reason="-")
        for after in self._sometimes(days - 1, days, days + 1, days + 5):
            yield self._event(day + after, debtor, "FulfilmentReported", **named)
            reviewed = day + after + self._rng.randint(0, 3)
            review = {"accepted": self._rng.random() < 0.8, "reason": "-"}
            yield self._event(reviewed, creditor, "FulfilmentReviewed", **named, **review)

    def _help(self, day: int) -> Iterator[Json]:
        """Asked of another agency: within 24 hours where it cannot wait."""
        provider = self._rng.choice((*CUSTODIANS, *OTHERS))
        asked = {"kind": "SHELTER", "provider": provider, "emergency": self._rng.random() < 0.5}
        named = {"assistance_id": "A"}
        yield self._event(day, self._custodian, "AssistanceRequested", **named, **asked, reason="-")
        for answered in self._sometimes(0, 1, 2, 3, 5):
            yield self._event(
                day + answered, provider, "AssistanceAnswered", **named, accepted=True
            )
            for delivered in self._sometimes(3, 9, 10, 11, 14):
                done = day + answered + delivered
                yield self._event(done, provider, "AssistanceDelivered", **named)

    def _offers(self, day: int) -> Iterator[Json]:
        """To another custodian, up to three times; a ruling may follow."""
        for number in range(self._rng.randint(1, 3)):
            to = self._rng.choice([one for one in CUSTODIANS if one != self._custodian])
            named = {"transfer_id": f"T{number}"}
            offer = {**named, "to": to, "ground": "MANDATE", "reason": "-"}
            yield self._event(day, self._custodian, "TransferOffered", **offer)
            for after in self._sometimes(0, 1, 2, 3, 4, 5):
                if self._rng.random() < 0.3:
                    yield self._event(day + after, to, "TransferAccepted", **named)
                else:
                    why = {**named, "ground": "OWN_DUTIES", "reason": "-"}
                    yield self._event(day + after, to, "TransferRefused", **why)
            day += self._rng.randint(4, 9)
        for after in self._sometimes(1, 4, 8):
            ruling = {"custodian": self._rng.choice(CUSTODIANS), "reason": "-"}
            yield self._event(day + after, "kp2mi", "CustodyRuled", **ruling)

    def _sometimes(self, *days: int) -> list[int]:
        """One of these days, or no day at all."""
        return [self._rng.choice(days)] if self._rng.random() < 0.75 else []

    def _event(self, day: int, agency: str, event_type: str, **data: Any) -> Json:
        about = {"type": event_type, "subject": self._subject, "agency": agency, "data": data}
        event_id = str(UUID(int=self._rng.getrandbits(128), version=4))
        return {**about, "event_id": event_id, "occurred_at": self._on(day, MORNING)}

    def _on(self, day: int, at: time) -> datetime:
        """A time on the n-th weekday after the report, at latest on the year's last."""
        return datetime.combine(self._days[min(self._opened + day, len(self._days) - 1)], at)
