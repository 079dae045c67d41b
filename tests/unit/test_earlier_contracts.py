"""A log holds events of contracts that were changed since: they are read as those of today."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runut import codec, log_reader
from runut.catalogue import (
    EARLIER,
    Catalogue,
    catalogue,
    earlier_name,
    load_catalogue,
    schema_folder,
)
from runut.errors import BadFile
from runut.log_reader import PartitionReader
from runut.resolution import resolution
from tests.builders import PARTITIONS, recorded
from tests.sealed import CASE, Sealed

CONTACT = {
    "type": "ContactLogged",
    "subject": "case/X",
    "agency": "kp2mi",
    "occurred_at": "2026-01-05T09:00:00+07:00",
    "data": {
        "contact_id": "C1",
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": ["kbri-kl"],
        "summary": "Menelepon",
    },
}
CHANGED = ("ContactLogged", "CaseReported", "LetterSent")


def change(folder: Path, name: str) -> None:
    """A contract gets a field more; what it was is kept."""
    former = catalogue().by_name(name)
    (file,) = folder.glob(f"*/{name}.avsc")
    schema = json.loads(file.read_bytes())
    field = {"name": "medium", "type": ["null", "string"], "doc": "More.", "default": None}
    file.write_text(json.dumps({**schema, "fields": [*schema["fields"], field]}))
    (folder / EARLIER).mkdir(exist_ok=True)
    (folder / EARLIER / earlier_name(former)).write_bytes(former.canonical)


@pytest.fixture
def next_release(tmp_path: Path) -> Catalogue:
    """The contracts of a release after this one."""
    folder = tmp_path / "schemas"
    shutil.copytree(schema_folder(), folder)
    for name in CHANGED:
        change(folder, name)
    return load_catalogue(folder)


@pytest.fixture
def upgraded(next_release: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logs are read by that release."""
    monkeypatch.setattr(log_reader, "catalogue", lambda: next_release)
    log_reader._of_release.cache_clear()
    yield
    log_reader._of_release.cache_clear()


def test_an_event_of_an_earlier_contract_is_read_as_one_of_today(next_release: Catalogue) -> None:
    before = recorded(CONTACT, 0)
    earlier = next_release.by_sha256(catalogue().by_name("ContactLogged").sha256)
    today = next_release.by_name("ContactLogged")
    assert (earlier.today, len(next_release)) == (today, len(catalogue()))
    event = codec.decode(earlier, before.body)
    assert event.data == {**before.event.data, "medium": None}
    assert codec.decode(today, codec.encode(today, event)) == event


def test_a_whole_partition_of_before_is_read_and_every_signature_holds(upgraded: None) -> None:
    ledger = Sealed()
    ledger.announce()
    ledger.tell()
    records = [one for some in ledger.events.values() for one in some]
    readers = {n: PartitionReader(n, ledger.log()) for n in range(PARTITIONS)}
    read = [found for one in records if (found := readers[one.partition].read(one))]
    events = [one for one in read if one.event.subject == CASE]
    assert {one.signature for one in events} == {"VALID"}
    changed = [one.event for one in events if one.event.type in CHANGED]
    assert {one.type for one in changed} >= {"CaseReported", "LetterSent"}
    assert all(one.data["medium"] is None for one in changed)


@pytest.mark.parametrize(
    ("earlier", "today", "value", "found"),
    [
        (["a"], ["b", "a"], {"a": 1}, {"b": 0, "a": 1}),
        (["a", "b"], ["a"], {"a": 1, "b": 2}, {"a": 1}),
        ([], ["a"], {}, {"a": 0}),
    ],
)
@pytest.mark.parametrize("place", ["itself", "within", "in a list", "perhaps there"])
def test_fields_come_with_their_default_and_go(
    earlier: list[str], today: list[str], value: Any, found: Any, place: str
) -> None:
    wrapped: dict[str, tuple[Any, Any]] = {
        "itself": (lambda one: one, lambda one: one),
        "within": (record_of, lambda one: {"inner": one}),
        "in a list": (
            lambda one: record_of({"type": "array", "items": one}),
            lambda one: {"inner": [one, one]},
        ),
        "perhaps there": (lambda one: record_of(["null", one]), lambda one: {"inner": one}),
    }
    of_type, of_value = wrapped[place]
    resolve = resolution(of_type(numbers(earlier)), of_type(numbers(today)))
    assert resolve(of_value(value)) == of_value(found)


def test_a_symbol_that_went_is_what_the_enumeration_has_for_it() -> None:
    def schema(*symbols: str) -> dict[str, Any]:
        return record_of({"type": "enum", "name": "E", "symbols": symbols, "default": "OTHER"})

    resolve = resolution(schema("A", "B", "OTHER"), schema("A", "C", "OTHER"))
    assert [resolve({"inner": one})["inner"] for one in ("A", "B")] == ["A", "OTHER"]


def test_a_default_belongs_to_one_event_alone() -> None:
    field = {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []}
    today = {"type": "record", "name": "R", "fields": [field]}
    resolve = resolution({**today, "fields": []}, today)
    first, second = resolve({}), resolve({})
    first["tags"].append("x")
    assert second == {"tags": []}


def test_an_earlier_contract_is_the_one_that_its_name_says(
    tmp_path: Path, next_release: Catalogue
) -> None:
    (first, *_) = sorted((tmp_path / "schemas" / EARLIER).iterdir())
    first.write_bytes(first.read_bytes().replace(b"complaint", b"call"))
    with pytest.raises(BadFile, match="as its content has it"):
        load_catalogue(tmp_path / "schemas")


def numbers(names: list[str]) -> dict[str, Any]:
    fields = [{"name": name, "type": "int", "default": 0} for name in names]
    return {"type": "record", "name": "Inner", "fields": fields}


def record_of(inner: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Outer", "fields": [{"name": "inner", "type": inner}]}
