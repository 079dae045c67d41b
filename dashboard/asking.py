"""What may be asked: parameters that mean the same in every route, and who asks.

Owns their patterns: what no subject, agency or time can be is refused before anything is read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Path, Query, Request
from pydantic import BeforeValidator, WithJsonSchema

from dashboard.answers import Format, format_asked
from dashboard.feed import Feed
from dashboard.reads import Asker, Reads, sight_of
from projections.reading import By
from runut.access import Principal, Role
from runut.adapters.http import needs
from runut.adapters.http_head import asked_method
from runut.errors import BadInput, FieldError, NotYetProjected
from runut.event import AGENCY_PATTERN, ID_PATTERN, LEDGER_KINDS
from runut.rfc3339 import parse_time

READERS: Final[tuple[Role, ...]] = ("READER", "AUDITOR", "OPERATOR")
"""Who may ask; how much they see is another question."""
PAGE: Final = 100
MAX_PAGE: Final = 1_000
AFTER_WITHIN_S: Final = 5.0
"""How long an answer waits for what was written before."""
AHEAD: Final = 1_000_000
"""So many records behind what is projected nobody has written anything yet."""

_SUBJECT: Final = rf"^({'|'.join(sorted(LEDGER_KINDS))})/{ID_PATTERN.pattern}$"


def _time(given: Any) -> datetime:
    try:
        return parse_time(str(given))
    except BadInput as error:
        raise ValueError(f"expected {error.expected}") from None


Time = Annotated[
    datetime,
    BeforeValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
AsOf = Annotated[
    Time | None,
    Query(
        description="As of a past moment, with its offset. Default: now.",
        examples=["2025-06-30T00:00:00+07:00"],
    ),
]
ByTime = Annotated[By, Query(description="With as_of: what was known then, or what was so then.")]
AgencyFilter = Annotated[
    str | None, Query(pattern=rf"^{AGENCY_PATTERN.pattern}$", examples=["kp2mi"])
]
SubjectFilter = Annotated[str | None, Query(pattern=_SUBJECT, examples=["case/KP2MI-2025-0001"])]
Word = Annotated[str | None, Query(pattern=r"^[A-Z][A-Z_0-9]{0,39}$")]
"""A value of an enumeration."""
Country = Annotated[
    str | None,
    Query(pattern=r"^[A-Z]{2}$", description="ISO 3166 alpha-2.", examples=["MY"]),
]
AgencyCode = Annotated[str, Path(pattern=rf"^{AGENCY_PATTERN.pattern}$", examples=["kp2mi"])]
SubjectId = Annotated[str, Path(pattern=rf"^{ID_PATTERN.pattern}$", examples=["KP2MI-2025-0001"])]
CommitmentId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9._:#-]{1,300}$", examples=["LETTER_REPLY:NTT-17:kbri-kl"]),
]
"""`KIND:SOURCE_ID:DEBTOR`, or as its maker chose."""


class Ask(NamedTuple):
    """Who asks what of whom."""

    request: Request
    asker: Asker
    reads: Reads


async def _ask(
    request: Request,
    who: Annotated[Principal, Depends(needs(*READERS))],
    after: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9]{1,4}:[0-9]{1,18}$",
            examples=["3:17"],
            description="PARTITION:OFFSET of an event, as its receipt names it: the answer waits "
            "until it is projected.",
        ),
    ] = None,
) -> Ask:
    """Who asks; behind what they wrote themselves."""
    asker = asker_of(request, who)
    if after is not None:
        partition, _, offset = after.partition(":")
        await _wait_for(request.state.feed, int(partition), int(offset))
    return Ask(request, asker, request.state.reads)


def asker_of(request: Request, who: Principal) -> Asker:
    """Who asks this.

    Raises:
        Forbidden: a reader of no agency, who would see nothing.
    """
    return Asker(who, sight_of(who), f"{asked_method(request.scope)} {request.scope['path']}")


async def _wait_for(feed: Feed, partition: int, offset: int) -> None:
    """Wait until an event is projected.

    Raises:
        FieldError: there can be no event at that place.
        NotYetProjected: it takes too long.
    """
    known = feed.positions
    if known and offset - known.get(partition, -AHEAD) >= AHEAD:
        place = f"{partition}:{offset}"
        raise FieldError("query.after", "the place of an event that was written", place)
    if not await feed.reached(partition, offset, within_s=AFTER_WITHIN_S):
        raise NotYetProjected(partition, offset, AFTER_WITHIN_S)


Asked = Annotated[Ask, Depends(_ask)]


class Page(NamedTuple):
    """Which part of a list, and how."""

    form: Format
    limit: int | None
    """None for all of it."""
    cursor: str | None

    def link(self, request: Request, cursor: str) -> str:
        """Where the next part is: the same question from there on."""
        query = [pair for pair in parse_qsl(request.url.query) if pair[0] not in _OF_ONE_PAGE]
        return f"{request.url.path}?{urlencode([*query, ('cursor', cursor)])}"


_OF_ONE_PAGE: Final = {"cursor", "after"}


async def _page(
    request: Request,
    format: Annotated[  # noqa: A002 - it is called so in the question
        Format | None,
        Query(description="json, csv or jsonl (JSON Lines). Default: by the header Accept."),
    ] = None,
    limit: Annotated[
        int | None,
        Query(
            ge=1,
            le=MAX_PAGE,
            description=f"Items of a page. Default: {PAGE}; of csv and jsonl all there are.",
        ),
    ] = None,
    cursor: Annotated[
        str | None,
        Query(
            max_length=2_000,
            pattern=r"^[A-Za-z0-9_-]+$",
            description='As the header Link, rel="next", of the page before has it.',
        ),
    ] = None,
) -> Page:
    """Which part of a list."""
    form = format_asked(request, format)
    return Page(form, PAGE if limit is None and form == "json" else limit, cursor)


Paged = Annotated[Page, Depends(_page)]
