"""Directory files: what they may say, and the word for what they may not."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from runut.directory import Agency, Mandate
from runut.directory_file import KeyEntry, read_directory_file
from runut.errors import BadFile
from tests.builders import DIRECTORY

AGENCY = """
[[agency]]
code = "kp2mi"
name_id = "Kementerian"
name_en = "Ministry"
kind = "MINISTRY"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "directory.toml"


def test_the_scenarios_agencies_are_read() -> None:
    found = read_directory_file(DIRECTORY)
    assert len(found.agencies) == 17
    assert found.agencies[5] == Agency(
        code="kjri-jb",
        name_id="KJRI Johor Bahru",
        name_en="Consulate General in Johor Bahru",
        kind="MISSION",
        roles=frozenset({"CUSTODIAN"}),
        region="MY",
        escalates_to="kbri-kl",
        timezone="Asia/Kuala_Lumpur",
    )
    assert (found.mandates, found.keys) == ((), ())


def test_mandates_and_keys_are_read(file: Path) -> None:
    public = b64encode(b"k" * 32).decode()
    file.write_text(
        f"""{AGENCY}
[[mandate]]
agency = "kp2mi"
function = "placement"
valid_from = 2024-11-05T00:00:00+07:00
valid_to = 2030-01-01
basis = "Perpres 165/2024"

[[key]]
agency = "kp2mi"
key_id = "kp2mi-1"
public_key = "{public}"
"""
    )
    found = read_directory_file(file)
    since = datetime(2024, 11, 4, 17, tzinfo=UTC)
    mandate = Mandate("kp2mi", "placement", since, date(2030, 1, 1), "Perpres 165/2024")
    assert found.mandates == (mandate,)
    assert found.keys == (KeyEntry(agency="kp2mi", key_id="kp2mi-1", public_key=b"k" * 32),)
    assert found.keys[0].custody == "SELF"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[agency]\n", r"directory\.toml: expected TOML"),
        ("[[agent]]\ncode = 'x'\n", r"expected \[\[agency\]\], .* found agent$"),
        ("agency = 'kp2mi'\n", r"agency in .*: expected tables \[\[agency\]\], found kp2mi"),
        (AGENCY + "colour = 'red'\n", r"agency kp2mi \(number 1\) .* unknown field `colour`"),
        (AGENCY.replace('code = "kp2mi"', ""), r"agency  \(number 1\) .* field `code`"),
        (AGENCY + "roles = 'CUSTODIAN'\n", r"agency kp2mi .* `array`, got `str`"),
        (AGENCY.replace("kp2mi", "KP2MI"), r"agency KP2MI in .*: expected a code that matches"),
        (AGENCY + AGENCY, r"agency kp2mi in .*: expected each code once, found it twice"),
        (AGENCY + "timezone = 'Asia/Jakata'\n", r"timezone of agency kp2mi .* found Asia/Jakata"),
        (AGENCY + "timezone = '/etc/passwd'\n", r"timezone of agency kp2mi .* time zone such as"),
        (
            '[[mandate]]\nagency = "a"\nfunction = "f"\nbasis = "b"\n'
            "valid_from = 2024-11-05T00:00:00\n",
            r"mandate a \(number 1\) .* timezone",
        ),
        (
            '[[key]]\nagency = "a"\nkey_id = "k"\npublic_key = "%%"\n',
            r"key a \(number 1\) .*base64",
        ),
    ],
)
def test_what_is_wrong_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(BadFile, match=message):
        read_directory_file(file)


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(BadFile, match=r"directory\.toml: expected a readable file, found No such"):
        read_directory_file(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadFile, match=r"directory\.toml: expected TOML"):
        read_directory_file(file)
