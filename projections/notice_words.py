"""What a notice says, for people: a title and a sentence or two, in Indonesian and in English.

Pure. Templates are in notices.toml. Ids and times are all that goes in: no personal data, and
nothing that an event says in free text.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from projections.notices import Notice, NoticeKind
from projections.sentences import LOCAL_ZONE
from projections.wording import Lang, Voice, plain
from runut.directory import Directory

Words = dict[Lang, str]

_FILE: Final = Path(__file__).parent / "notices.toml"


class _Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Words
    text: Words
    limit: Words


def title(notice: Notice, directory: Directory, lang: Lang) -> str:
    """Such as `Pengingat tenggat: kasus X`."""
    return _templates()[notice.kind].title[lang].format(**_values(notice, directory, lang))


def text(notice: Notice, directory: Directory, lang: Lang) -> str:
    """What it is about, and until when; the time in the agency's own zone."""
    template = _templates()[notice.kind]
    said = [template.text[lang], template.limit[lang] if notice.due_at else ""]
    return " ".join(said).strip().format(**_values(notice, directory, lang))


def _values(notice: Notice, directory: Directory, lang: Lang) -> dict[str, str]:
    voice = Voice(lang, directory, _zone(notice.agency, directory))
    return {
        "about": plain(notice.about),
        "subject": voice.subject(notice.subject),
        "due_at": voice.time(notice.due_at) if notice.due_at else "",
    }


def _zone(code: str, directory: Directory) -> ZoneInfo:
    agency = directory.agency(code)
    try:
        return ZoneInfo(agency.timezone) if agency else LOCAL_ZONE
    except (ZoneInfoNotFoundError, ValueError):  # the directory takes any text for a zone
        return LOCAL_ZONE


@cache
def _templates() -> dict[NoticeKind, _Template]:
    found = tomllib.loads(_FILE.read_text())
    return msgspec.convert(found, dict[NoticeKind, _Template])
