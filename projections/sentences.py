"""What an event says, as one sentence in Indonesian and in English.

Pure. Templates are in sentences.toml; a part in brackets is left out where one of its fields says
nothing. How each value is worded says `projections.wording`; which wording a field takes follows
from its Avro type and, for agencies and subjects, from its name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from projections.wording import LANGS, Lang, Voice, has_words, plain, yes_or_no
from runut.catalogue import catalogue
from runut.directory import Directory
from runut.event import Event

LOCAL_ZONE: Final = ZoneInfo("Asia/Jakarta")
"""Where times are told for readers of no particular place."""

Wording = Callable[[Any, Voice], str]
"""A field's value in words; empty where it says nothing."""

AGENCY_FIELDS: Final = frozenset(
    {
        *("adopters", "arbiter", "cc", "chair", "creditor", "custodian", "debtor", "escalates_to"),
        *("invitees", "partners", "parties", "provider", "secretariat", "to", "with"),
    }
)
"""Fields that hold agencies' codes."""
SUBJECT_FIELDS: Final = frozenset(
    {"absorbed", "agreement", "case", "cases", "meeting", "other", "survivor"}
)
"""Fields that hold subjects, such as `case/X`."""

_PART: Final = re.compile(r"(\[[^\]]*\])")
_FIELD: Final = re.compile(r"\{([a-z_]+)(:count)?\}")


class Field(msgspec.Struct, frozen=True):
    """A field in a template; with `counted`, how many items it has."""

    name: str
    counted: bool


class Part(msgspec.Struct, frozen=True):
    """A piece of a template: text and fields, left out as a whole if `optional`."""

    pieces: tuple[str | Field, ...]
    optional: bool


def sentences(
    event: Event,
    verdict: str,
    codes: tuple[str, ...],
    differs: bool,
    directory: Directory,
    zone: ZoneInfo = LOCAL_ZONE,
) -> dict[Lang, str]:
    """An event's sentence in every language, with what its verdict adds: {"id": …, "en": …}.

    A sentence never claims more than counts: one about an irregular event says so and why.
    """
    voices = [Voice(lang, directory, zone) for lang in LANGS]
    return {v.lang: with_verdict(sentence(event, v), verdict, codes, differs, v) for v in voices}


def sentence(event: Event, voice: Voice) -> str:
    """What the event says, as one sentence; nothing about whether it counts."""
    wordings = _wordings(event.type)
    said = [_say(part, event, wordings, voice) for part in template(event.type, voice.lang)]
    return "".join(said)


def with_verdict(
    text: str, verdict: str, codes: tuple[str, ...], differs: bool, voice: Voice
) -> str:
    """`… (tidak sah: bukan penanggung jawab kasus).`; an effective event's sentence as it is."""
    name = "DIFFERS" if differs else verdict
    addition = _templates()["verdicts"].get(name)
    if addition is None:
        return text
    reasons = voice.listed([voice.word("Code", code) for code in codes])
    return f"{text.removesuffix('.')} ({addition[voice.lang].format(codes=reasons)})."


@cache
def template(event_type: str, lang: Lang) -> tuple[Part, ...]:
    """The parts of a type's template."""
    text: str = _templates()["sentences"][event_type][lang]
    return tuple(_part(piece) for piece in _PART.split(text) if piece)


def _part(text: str) -> Part:
    optional = text.startswith("[")
    texts = _FIELD.split(text[1:-1] if optional else text)
    pieces: list[str | Field] = [texts[0]]
    for name, count, after in zip(texts[1::3], texts[2::3], texts[3::3], strict=True):
        pieces += [Field(name, count is not None), after]
    return Part(tuple(pieces), optional)


def _say(part: Part, event: Event, wordings: Mapping[str, Wording], voice: Voice) -> str:
    said: list[str] = []
    for piece in part.pieces:
        words = piece if isinstance(piece, str) else _value(piece, event, wordings, voice)
        if isinstance(piece, Field) and not words and part.optional:
            return ""
        said.append(words or ("" if isinstance(piece, str) else "–"))
    return "".join(said)


def _value(field: Field, event: Event, wordings: Mapping[str, Wording], voice: Voice) -> str:
    if field.name == "agency":
        return _emitter(event, voice)
    if field.name == "subject":
        return voice.subject(event.subject)
    value = event.data[field.name]
    if value is None:
        return ""
    if field.counted:
        return str(len(value) or "")
    return wordings[field.name](value, voice)


def _emitter(event: Event, voice: Voice) -> str:
    behalf = event.meta["on_behalf_of"]
    name = voice.agency(event.agency)
    if behalf is None:
        return name
    on_behalf = "atas nama" if voice.lang == "id" else "on behalf of"
    return f"{name} ({on_behalf} {voice.agency(behalf)})"


@cache
def _wordings(event_type: str) -> dict[str, Wording]:
    """How each field of a type's payload is worded."""
    defined: dict[str, Any] = {}
    return {
        field["name"]: _wording(field["type"], field["name"], event_type, defined)
        for field in catalogue().by_name(event_type).schema["fields"]
    }


def _wording(schema: Any, name: str, event_type: str, defined: dict[str, Any]) -> Wording:
    if isinstance(schema, list):
        return _wording(schema[1], name, event_type, defined)
    if isinstance(schema, str):
        schema = defined.get(schema, {"type": schema})
    if "name" in schema:
        defined[schema["name"]] = schema
    kind = schema.get("logicalType") or schema["type"]
    if kind == "array":
        item = _wording(schema["items"], name, event_type, defined)
        return lambda value, voice: voice.listed([item(one, voice) for one in value])
    if kind == "record":
        for field in schema["fields"]:  # so that types defined within are known afterwards
            _wording(field["type"], field["name"], event_type, defined)
        return _RECORDS.get(schema["name"], _nothing)
    if kind == "enum":
        own = f"{event_type}.{name}"
        table = own if has_words(own) else schema["name"]
        return lambda value, voice: voice.word(table, value)
    if kind == "boolean":
        return lambda value, voice: yes_or_no(f"{event_type}.{name}", value, voice.lang)
    return _BY_NAME.get(name) or _SCALARS[kind]


def _text(value: Any, _voice: Voice) -> str:
    return plain(str(value))


def _nothing(_value: Any, _voice: Voice) -> str:
    """Bytes and sealed text are not for sentences."""
    return ""


def _party(value: dict[str, Any], voice: Voice) -> str:
    """A party by kind and reference; an individual's is a token and tells nobody anything."""
    kind = voice.word("PartyKind", value["kind"])
    return kind if value["kind"] == "INDIVIDUAL" else f"{kind} {_party_ref(value['ref'])}"


def _party_ref(ref: str) -> str:
    return plain(ref.removeprefix("agent/"))


def _attendance(value: dict[str, Any], voice: Voice) -> str:
    name = voice.agency(value["agency"])
    status = value["status"]
    return name if status == "PRESENT" else f"{name} ({voice.word('AttendanceStatus', status)})"


_RECORDS: Final[dict[str, Wording]] = {
    "Attachment": lambda value, _voice: plain(value["name"]),
    "Party": _party,
    "Attendance": _attendance,
}
_SCALARS: Final[dict[str, Wording]] = {
    "string": _text,
    "uuid": _text,
    "int": _text,
    "long": _text,
    "bytes": _nothing,
    "date": lambda value, voice: voice.date(value),
    "timestamp-micros": lambda value, voice: voice.time(value),
    "decimal": lambda value, voice: voice.amount(value),
}
_BY_NAME: Final[dict[str, Wording]] = {
    **{name: lambda value, voice: voice.agency(value) for name in AGENCY_FIELDS},
    **{name: lambda value, voice: voice.subject(value) for name in SUBJECT_FIELDS},
    "country": lambda value, voice: plain(voice.word("Country", value)),
    "duration_s": lambda value, voice: voice.duration(value),
}


@cache
def _templates() -> dict[str, dict[str, dict[Lang, str]]]:
    found: dict[str, Any] = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text())
    return found
