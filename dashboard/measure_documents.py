"""What indicators and series of meetings look like, for the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from dashboard.documents import Answer, Document, Sentences

Instrument = Literal["MEETING", "LETTER", "CONTACT", "DATA", "AGREEMENT"] | None


class Provenance(Answer):
    """What a replay needs to come to the same figures."""

    as_of: datetime | None
    moment: datetime
    positions: dict[str, int]
    """Of each partition one past the last event that is counted."""
    directory_offset: int | None
    model: str
    """Version of the read models' tables."""
    measures: str
    """Version of the definitions."""


class ResponseTime(Document):
    """How long one agency waits for another."""

    from_agency: str
    to_agency: str
    kind: str
    instrument: Instrument
    asked: int
    answered: int
    median_hours: float | None
    p90_hours: float | None


class KeptCommitments(Document):
    """How an agency keeps what it owes."""

    agency: str
    instrument: Instrument
    kept: int
    late: int
    broken: int
    share_kept: float


class TransferOutcomes(Document):
    """What became of offers between two agencies; last, with null agencies, of all."""

    from_agency: str | None
    to_agency: str | None
    instrument: Instrument
    accepted: int
    refused: int
    lapsed: int
    bounce_rate: float


class Movement(Document):
    """How long an agency's open cases have not moved."""

    agency: str
    instrument: Instrument
    open_cases: int
    median_hours: float
    longest_hours: float
    longest: str | None
    """The case; null where who asks takes no part in it."""


class MeetingRegularity(Document):
    """Occasions of a series that its chair kept."""

    series: str
    agency: str | None
    instrument: Instrument
    kept: int
    late: int
    missed: int
    share_kept: float


class DecisionOutcomes(Document):
    """What became of decisions that an agency recorded."""

    agency: str
    instrument: Instrument
    carried_out: int
    broken: int
    not_taken_up: int
    pending: int
    share_carried_out: float | None


class Network(Document):
    """How closely agencies are tied by one instrument, or by ALL."""

    instrument: str
    agencies: int
    ties: int
    pairs: int
    possible_pairs: int
    density: float
    reciprocity: float | None


class Indicators(Provenance):
    """All indicators of a period."""

    from_: datetime | None = Field(alias="from")
    to: datetime | None
    agency: str | None
    remark: Sentences
    counts: dict[str, Sentences]
    """What each of the lists below counts."""
    response_time: list[ResponseTime]
    commitments: list[KeptCommitments]
    transfers: list[TransferOutcomes]
    movement: list[Movement]
    meetings: list[MeetingRegularity]
    decisions: list[DecisionOutcomes]
    network: list[Network]


class SeriesMember(Document):
    """How often a member came."""

    agency: str
    attended: int
    held: int


class Occasion(Document):
    """A meeting that a series wanted, or one that it did not."""

    n: int | None
    due_on: date | None
    next_on: date | None
    outcome: Literal["KEPT", "LATE", "MISSED", "DUE", "UPCOMING", "EXTRA"]
    chair: str | None
    subject: str | None
    """The meeting; null where there was none, or who asks takes no part in it."""
    title: str | None
    started_at: datetime | None
    attended: list[str] | None
    absent: list[str] | None
    protocol: str | None


class Series(Document):
    """A series of meetings."""

    series: str
    title: str | None
    every_days: int | None
    tolerance_days: int | None
    protocol: str | None
    instrument: Instrument
    kept: int
    late: int
    missed: int
    extra: int
    members: list[SeriesMember]
    occasions: list[Occasion]


class MeetingSeries(Provenance):
    """Series of meetings with their occasions."""

    series: list[Series]
