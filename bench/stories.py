"""Cases as agencies would work on them, told from a number: the same events in every run.

A year in which cases are opened at an even pace and a fifth of them is open at any time. Almost
all events are in order, one in a hundred is sent twice, and about as many are mistakes, one in
ten of which its agency corrects.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count, islice
from random import Random
from typing import Any, Final
from uuid import UUID

from runut.event import Event
from runut.json_form import from_json

Draft = tuple[str, str, dict[str, Any]]
"""Type, emitter and payload of an event."""

SEED: Final = 20250107
START: Final = datetime(2025, 1, 6, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=330)
OPEN_SHARE: Final = 5
"""One case in so many is open at a time."""
SENT_TWICE: Final = 0.01
MISTAKEN: Final = 0.01
CORRECTED: Final = 0.001
AT_ONCE: Final = 3
"""How many things go on at once in a case."""
CLOSING: Final = 8
"""Events that a case keeps for what is under way, and its end."""

CUSTODIANS: Final = ("kp2mi", "bp3mi-ntt", "kbri-kl", "kjri-jb", "kemlu", "kemensos", "polri")
OTHERS: Final = ("disnaker-kupang", "dinsos-ntt", "imigrasi", "bpjs-tk", "sbmi", "desa-oebelo")
CATEGORIES: Final = ("UNPAID_WAGES", "OVERCHARGING", "ABUSE", "OVERWORK", "DOCUMENT_RETENTION")
SENTENCES: Final = (
    "Pekerja menyampaikan bahwa upah tujuh bulan terakhir belum dibayarkan oleh pemberi kerja.",
    "Paspor dan kontrak kerja masih ditahan; pemberi kerja menolak menyerahkannya tanpa syarat.",
    "Keluarga di Kupang terakhir kali menerima kabar lewat telepon pada minggu kedua bulan lalu.",
    "Perwakilan meminta salinan perjanjian penempatan dan bukti setoran biaya dari perusahaan.",
    "Pendamping menjelaskan pilihan mediasi, gugatan di pengadilan setempat dan pemulangan.",
    "Berkas pendukung telah diperiksa dan sesuai dengan data pada sistem penempatan.",
    "Perusahaan penempatan menyatakan sanggup menyelesaikan kewajiban dalam sepuluh hari kerja.",
    "Koordinasi lanjutan diperlukan karena alamat pemberi kerja berada di luar wilayah kerja kami.",
    "Yang bersangkutan dalam keadaan sehat dan untuk sementara tinggal di rumah singgah.",
    "Hasil klarifikasi dituangkan dalam berita acara yang ditandatangani kedua belah pihak.",
)


def events(total: int, cases: int, *, first: int = 0) -> Iterator[Event]:
    """`total` events of `cases` cases in the order in which they reach the log.

    Cases are numbered from `first`: other numbers are other cases with other events.
    """
    rng = Random(SEED)
    untold = _stories(total, cases, first)
    told = [story.events() for story in islice(untold, -(-cases // OPEN_SHARE))]
    while told:
        index = rng.randrange(len(told))
        event = next(told[index], None)
        if event is not None:
            yield event
        elif (story := next(untold, None)) is not None:
            told[index] = story.events()
        else:
            told[index] = told[-1]
            told.pop()


def subject_of(number: int) -> str:
    """Subject of the n-th case."""
    return f"case/BENCH-2025-{number:06}"


def _stories(total: int, cases: int, first: int) -> Iterator[Story]:
    """Of unequal length, two by two as much above the mean as below it."""
    rng = Random(SEED)
    mean, more = divmod(total, cases)
    spread = 0
    for number in range(cases):
        last = number == cases - 1
        spread = -spread if number % 2 else 0 if last else rng.randint(0, mean * 2 // 3)
        opened_at = START + YEAR * number / cases
        yield Story(first + number, mean + (number < more) + spread, opened_at)


class Story:
    """One case from its report on."""

    def __init__(self, number: int, length: int, opened_at: datetime) -> None:
        self._rng = Random(SEED + number)
        self._subject = subject_of(number)
        self._length = length
        self._now = opened_at
        self._step = YEAR / OPEN_SHARE / max(1, length)
        self._ids = count(1)
        self._reporter = self._rng.choice(CUSTODIANS)
        self._custodian = self._reporter
        self._is_offered = False

    def events(self) -> Iterator[Event]:
        """Its events, as many as it was given, in order."""
        return islice(self._told(), self._length)

    def _told(self) -> Iterator[Event]:
        for draft in self._drafts():
            event = self._event(draft)
            yield event
            if self._rng.random() < SENT_TWICE:
                yield event
            if self._rng.random() < MISTAKEN:
                yield self._event(("CaseResolved", "sbmi", {"outcome": self._text(1)}))
            if self._rng.random() < CORRECTED:
                reason = {"target": event.event_id, "reason": self._text(1)}
                yield self._event(("EventCorrected", event.agency, reason))

    def _drafts(self) -> Iterator[Draft]:
        yield self._reported()
        yield "CaseVerified", self._custodian, {"result": "VERIFIED", "note": self._text(3)}
        going_on: list[Iterator[Draft]] = []
        for told in count(2):
            while told < self._length - CLOSING and len(going_on) < AT_ONCE:
                going_on.append(self._something())
            if not going_on:
                break
            thing = self._rng.choice(going_on)
            draft = next(thing, None)
            if draft is None:
                going_on.remove(thing)
            else:
                yield draft
        yield "CaseResolved", self._custodian, {"outcome": self._text(4)}
        yield "CaseClosed", self._custodian, {"scope": "LEDGER", "ground": self._text(2)}
        while True:
            yield from self._contact()

    def _something(self) -> Iterator[Draft]:
        return self._rng.choices(
            (
                self._letter(),
                self._contact(),
                self._promise(),
                self._assistance(),
                self._transfer(),
                self._hearing(),
                self._sharing(),
            ),
            (30, 22, 18, 12, 8, 6, 4),
        )[0]

    def _reported(self) -> Draft:
        rng = self._rng
        kind = {"category": rng.choice(CATEGORIES), "urgency": "URGENT", "phase": "DURING"}
        place = {"country": rng.choice(("MY", "SG", "HK", "TW", "SA")), "intake": "WALK_IN"}
        worker = {"person_id": f"p-{rng.getrandbits(64):016x}"}
        firm = {"kind": "PLACEMENT_AGENT", "ref": "agent/P3MI-SENTOSA", "country": "ID"}
        who = {"relation": "FAMILY", "sector": "INFORMAL", "placement": "PROCEDURAL"}
        about = {"worker": worker, "respondent": firm, "summary": self._text(5)}
        return "CaseReported", self._reporter, {**kind, **place, **who, **about}

    def _letter(self) -> Iterator[Draft]:
        letter_id, sender = self._ident("L"), self._custodian
        to = sorted({self._other(sender), self._other(sender)})
        about = {"number": f"B.{self._rng.randint(100, 9999)}/KP2MI/2025", "urgency": "URGENT"}
        yield (
            "LetterSent",
            sender,
            {
                **about,
                "letter_id": letter_id,
                "dated": self._now.date(),
                "doc_type": "OFFICIAL_LETTER",
                "title": self._text(2),
                "to": to,
                "cc": [self._other(sender)],
                "attachments": [self._attachment() for _ in range(self._rng.randint(1, 2))],
                "reply_expected": True,
            },
        )
        for agency in to:
            yield "LetterReceived", agency, {"letter_id": letter_id, "agenda_number": "A-17/2025"}
        if self._rng.random() < 0.5:
            order = {"unit": "Subdirektorat Advokasi", "instruction": self._text(5)}
            yield "LetterDisposed", to[0], {"letter_id": letter_id, **order}
        for agency in to:
            answer = {"answer": "COMPLETE", "reason": self._text(7)}
            yield "LetterAnswered", agency, {"letter_id": letter_id, **answer}

    def _contact(self) -> Iterator[Draft]:
        contact_id, agency = self._ident("K"), self._custodian
        other = self._other(agency)
        how = {"mode": "PHONE", "direction": "OUTGOING", "duration_s": self._rng.randint(60, 1800)}
        with_other = {"contact_id": contact_id, "with": [other]}
        yield "ContactLogged", agency, {**with_other, **how, "summary": self._text(7)}
        agrees = {"contact_id": contact_id, "agrees": True, "note": self._text(2)}
        yield "ContactAcknowledged", other, agrees

    def _promise(self) -> Iterator[Draft]:
        commitment_id, debtor, creditor = self._ident("C"), self._custodian, self._reporter
        named = {"commitment_id": commitment_id}
        parties = {"debtor": debtor, "creditor": creditor, "source_kind": "OWN"}
        due_at = self._now + timedelta(days=30)
        yield (
            "CommitmentMade",
            debtor,
            {**named, **parties, "what": self._text(4), "due_at": due_at},
        )
        report = {"evidence": [self._attachment()], "note": self._text(3)}
        yield "FulfilmentReported", debtor, {**named, **report}
        review = {"accepted": True, "reason": self._text(2)}
        yield "FulfilmentReviewed", creditor, {**named, **review}

    def _assistance(self) -> Iterator[Draft]:
        named = {"assistance_id": self._ident("A")}
        provider = self._other(self._custodian)
        asked = {"kind": "SHELTER", "provider": provider, "emergency": False}
        yield "AssistanceRequested", self._custodian, {**named, **asked, "reason": self._text(5)}
        yield "AssistanceAnswered", provider, {**named, "accepted": True}
        given = {"evidence": [self._attachment(), self._attachment()], "note": self._text(3)}
        yield "AssistanceDelivered", provider, {**named, **given}

    def _transfer(self) -> Iterator[Draft]:
        if self._is_offered:
            return
        self._is_offered = True
        transfer_id, holder = self._ident("T"), self._custodian
        to = self._rng.choice([code for code in CUSTODIANS if code != holder])
        offer = {"transfer_id": transfer_id, "to": to, "ground": "MANDATE", "reason": self._text(5)}
        yield "TransferOffered", holder, offer
        if self._rng.random() < 0.2:
            no = {"transfer_id": transfer_id, "ground": "NOT_COMPETENT", "reason": self._text(3)}
            yield "TransferRefused", to, no
        else:
            self._custodian = to
            yield "TransferAccepted", to, {"transfer_id": transfer_id, "note": self._text(2)}
        self._is_offered = False

    def _hearing(self) -> Iterator[Draft]:
        firm = {"kind": "PLACEMENT_AGENT", "ref": "agent/P3MI-SENTOSA", "country": "ID"}
        heard = {"kind": "MEDIATION", "respondent": firm, "admission": "PARTIAL"}
        record = {"outcome": self._text(6), "record": self._attachment()}
        yield "HearingHeld", self._custodian, {**heard, **record}

    def _sharing(self) -> Iterator[Draft]:
        shared = {"share_id": self._ident("S"), "to": [self._other(self._custodian)]}
        what = {"fields": ["worker", "contract", "wages"], "purpose": self._text(3)}
        basis = {"lawful_basis": "UU 27/2022 Ps 20"}
        yield "DataShared", self._custodian, {**shared, **what, **basis}

    def _event(self, draft: Draft) -> Event:
        name, agency, data = draft
        self._now += self._step
        return from_json(
            {
                "type": name,
                "subject": self._subject,
                "agency": agency,
                "event_id": self._event_id(),
                "occurred_at": self._now,
                "officer_role": "Analis Pelindungan",
                "officer_ref": f"{agency}-{self._rng.randint(1, 400)}",
                "data": data,
            }
        )

    def _event_id(self) -> str:
        """A UUIDv7, as the SDK makes them."""
        ms = int(self._now.timestamp() * 1000)
        return str(UUID(int=ms << 80 | 7 << 76 | 2 << 62 | self._rng.getrandbits(62)))

    def _ident(self, prefix: str) -> str:
        return f"{prefix}{next(self._ids)}"

    def _other(self, agency: str) -> str:
        return self._rng.choice([code for code in (*CUSTODIANS, *OTHERS) if code != agency])

    def _text(self, sentences: int) -> str:
        return " ".join(self._rng.choices(SENTENCES, k=sentences))

    def _attachment(self) -> dict[str, Any]:
        number = self._rng.getrandbits(32)
        digest = sha256(number.to_bytes(4)).hexdigest()
        name = f"berkas-{number:08x}.pdf"
        return {"name": name, "media_type": "application/pdf", "bytes": number, "sha256": digest}
