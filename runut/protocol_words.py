"""What a protocol says, in sentences that people can agree to, in Indonesian and English.

Pure. Every rule of the file has its sentence, in protocol_words.toml; agencies stand by their
codes, as in the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from runut.protocol import Limit, MeetingSeries, Protocol

Lang = Literal["id", "en"]
LANGS: Final[tuple[Lang, ...]] = ("id", "en")


def sentences(protocol: Protocol, lang: Lang) -> list[str]:
    """Everything that a protocol says, a sentence each."""
    return [
        _say("days", lang),
        _say("end", lang, zone=protocol.timezone.key),
        _say("given", lang),
        *_limits(protocol, lang),
        _reminders(protocol, lang),
        _ladder(protocol, lang),
        *_people(protocol, lang),
        *(_series(one, lang) for one in protocol.meeting_series),
    ]


def length(limit: Limit, lang: Lang) -> str:
    """`3 hari kerja`; `1 working day`; `24 hours`."""
    if lang == "id":
        return f"{limit.amount} {'hari kerja' if limit.span == 'wd' else 'jam'}"
    return _counted(limit.amount, "working day" if limit.span == "wd" else "hour")


def _limits(protocol: Protocol, lang: Lang) -> Iterator[str]:
    for words in _words()["limit"]:
        limit = protocol.limit(words["kind"], words.get("variant"))
        yield words[lang].format(limit=length(limit, lang))


def _reminders(protocol: Protocol, lang: Lang) -> str:
    times = _listed([length(one, lang) for one in protocol.reminders], lang)
    return _say("reminded", lang, times=times) if times else _say("not_reminded", lang)


def _ladder(protocol: Protocol, lang: Lang) -> str:
    between = Limit(protocol.escalation.days_between_levels, "wd")
    return _say("ladder", lang, limit=length(between, lang))


def _people(protocol: Protocol, lang: Lang) -> Iterator[str]:
    arbiter = protocol.default_arbiter
    yield _say("arbiter", lang, agency=arbiter) if arbiter else _say("no_arbiter", lang)
    agencies = _listed(sorted(protocol.consents["TRAFFICKING"]), lang)
    yield _say("consents", lang, agencies=agencies) if agencies else _say("no_consents", lang)


def _series(one: MeetingSeries, lang: Lang) -> str:
    late = _days(one.tolerance_days, lang)
    return _say(
        "series",
        lang,
        series=one.series,
        title=one.title,
        days=_days(one.every_days, lang),
        starts=_say("starts", lang, day=one.starts) if one.starts else "",
        late=_say("late", lang, days=late) if one.tolerance_days else "",
        chair=_say("chair", lang, agency=one.chair) if one.chair else "",
        who=_listed(one.members, lang),
    )


def _days(n: int, lang: Lang) -> str:
    return f"{n} hari" if lang == "id" else _counted(n, "day")


def _counted(n: int, unit: str) -> str:
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"


def _listed(items: Iterable[str], lang: Lang) -> str:
    *first, last = list(items) or [""]
    return f"{', '.join(first)}{_say('and', lang)}{last}" if first else last


def _say(name: str, lang: Lang, **values: object) -> str:
    words: str = _words()[name][lang]
    return words.format(**values)


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
