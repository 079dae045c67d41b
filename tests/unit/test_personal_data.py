"""What looks like personal data, and what only official papers are full of."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runut.catalogue import EventType, catalogue
from runut.json_form import from_json
from runut.personal_data import NAMES_OF_THINGS, Finding, findings, masked
from tests.builders import SCENARIOS

PERSONAL = {
    "NIK 3171014502900001 sesuai KTP": ("NIK", "31**************"),
    "NIK: 5371 0145 0290 0001.": ("NIK", "53** **** **** ****"),
    "317101-450290-0001": ("NIK", "31****-******-****"),
    "31.71.01.450290.0001": ("NIK", "31.**.**.******.****"),
    "KTP_9471013112750003.pdf": ("NIK", "94**************"),
    "Paspor A1234567 ditahan majikan": ("PASSPORT", "A1******"),
    "paspor no. C 7654321": ("PASSPORT", "C *******"),
    "XE1234567, berlaku s.d. 2027": ("PASSPORT", "XE*******"),
    "hubungi 081234567890": ("TELEPHONE", "08**********"),
    "HP/WA 0812-3456-7890/suami": ("TELEPHONE", "08**-****-****"),
    "Telp.0857 123 456 78": ("TELEPHONE", "08** *** *** **"),
    "+62 812 3456 7890": ("TELEPHONE", "+6* *** **** ****"),
    "+62 (21) 5229456": ("TELEPHONE", "+6* (**) *******"),
    "https://wa.me/6281234567890": ("TELEPHONE", "62***********"),
    "majikan +60 12-345 6789": ("TELEPHONE", "+6* **-*** ****"),
    "+85291234567": ("TELEPHONE", "+8**********"),
    "+966 50 123 4567 (Riyadh)": ("TELEPHONE", "+9** ** *** ****"),
    "surel siti.a@contoh.co.id.": ("EMAIL", "si**.*@******.**.**"),
}

OFFICIAL = (
    "B-123/KP2MI/PMI.03.02/V/2025 tanggal 8 Mei 2025",
    "Surat Nomor 560/1234567/DISNAKER/2025 perihal pelimpahan kasus",
    "ND-0812/D.II/2025; R-45/WN.03/11/2025/66; 02175/PK/11/2025/64/05",
    "AHU-0012345.AH.01.01.TAHUN 2025",
    "Agenda 0812/2025, agenda nomor 20250508000123",
    "Kasus case/KP2MI-2025-0001 digabung dengan BP3MI-NTT-2025-0001",
    "UU 18/2017 Ps 21, PP 59/2021 Ps 35, Permen P2MI 23/2025 Ps 18, Perban BP2MI 6/2024",
    "KEP.123/MEN/2024, SK 560.15/0081/2021, SIP3MI 401/2020, SIUP2MI 2024-0000123",
    "NIB 9120001234567, NPWP 01.234.567.8-901.000, NPWP 0012345678901000",
    "Rp1.500.000.000,00 (satu miliar lima ratus juta rupiah)",
    "Rp 15000000 dan RM 12500, SAR 3500, NT$ 25000, HKD 4870, US$ 1,250,000.00",
    "RM1500000 atau RP1500000 sebesar Rp. 1.234.567.890.123",
    "deposito naik +500.000.000 menjadi 2.000.000.000",
    "08-11-2025 10:30 WIB s.d. 10-11-2025 16:00 WITA",
    "2025-05-08T10:00:00+07:00, 08/05/2025, 8.5.2025, 20250508",
    "25 hari kerja, tenggat 2025-04-09 23:59:59",
    "Jl. Jend. Gatot Subroto Kav. 36-38, Jakarta Selatan 12770",
    "hotline 08001000, call centre 1500-123, ekstensi 4567",
    "Telepon kantor (021) 5229456, faksimile 021-5252960",
    "Penerbangan GA 835 pukul 13.45, kapal IMO 9074729",
    "rekening penampungan 1234567890123 a.n. bendahara",
    "koordinat -6.2146200, 106.8451300; 3 1/2 bulan gaji; 12,5%",
    "0197abcd-5a10-7c3e-9d52-081234567890",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "SISKOP2MI ID 1234567, register 0000370, lampiran 3 (tiga) berkas @ 2 lembar",
    "Gaji 18 bulan x HK$4.730 belum dibayar; kontrak 2023-2025; paspor ditahan",
    "1234567890123456 bukan nomor penduduk, 3171013245900001 pun bukan",
)

CASE = {
    "category": "ABUSE",
    "urgency": "URGENT",
    "phase": "DURING",
    "country": "MY",
    "intake": "HOTLINE",
    "relation": "FAMILY",
    "sector": "INFORMAL",
    "placement": "PROCEDURAL",
}
ABOUT = {
    "subject": "case/A",
    "agency": "kp2mi",
    "occurred_at": "2025-05-08T10:00:00+07:00",
}


def reported(**data: Any) -> list[Finding]:
    given = {**ABOUT, "type": "CaseReported", "data": {**CASE, "summary": "-", **data}}
    return findings(from_json(given))


@pytest.mark.parametrize(("text", "expected"), PERSONAL.items())
def test_personal_data_is_found_and_shown_hidden(text: str, expected: tuple[str, str]) -> None:
    kind, shown = expected
    (found,) = reported(summary=text)
    assert (found.field, found.kind, found.found) == ("data.summary", kind, shown)
    assert text not in str(found)


@pytest.mark.parametrize("text", OFFICIAL)
def test_what_official_papers_are_full_of_passes(text: str) -> None:
    assert reported(summary=text) == []


def test_the_scenarios_pass() -> None:
    lines = [line for file in SCENARIOS.glob("*.jsonl") for line in file.open()]
    assert [one for line in lines for one in findings(from_json(line, derive_id=True))] == []


def test_several_in_one_text_come_in_the_order_of_the_text() -> None:
    found = reported(summary="a@b.id 0812 3456 7890 0813 4567 8901/3171014502900001")
    assert [one.kind for one in found] == ["EMAIL", "TELEPHONE", "TELEPHONE", "NIK"]


def test_records_and_arrays_within_are_looked_through_and_named() -> None:
    respondent = {"kind": "INDIVIDUAL", "ref": "3171014502900001"}
    (found,) = reported(respondent=respondent)
    assert found.field == "data.respondent.ref"
    attachment = {"name": "A1234567.pdf", "media_type": "application/pdf", "bytes": 1}
    evidence = [{**attachment, "name": "bukti.pdf", "sha256": "-"}, {**attachment, "sha256": "-"}]
    given = {**ABOUT, "type": "FulfilmentReported"}
    given["data"] = {"commitment_id": "K1", "evidence": evidence}
    (found,) = findings(from_json(given))
    assert found.field == "data.evidence[1].name"


def test_roles_and_bases_beside_the_payload_are_looked_through_too() -> None:
    given = {**ABOUT, "type": "ClosureConsented", "officer_role": "081234567890", "data": {}}
    assert [one.field for one in findings(from_json(given))] == ["officer_role"]


def test_ids_codes_and_numbers_of_things_are_not_looked_through() -> None:
    nik = "3171014502900001"
    letter = {"letter_id": nik, "number": nik, "dated": "2025-05-08", "title": "-"}
    letter |= {"doc_type": "MEMO", "urgency": "NORMAL", "to": ["kemlu"], "reply_expected": False}
    given = {**ABOUT, "subject": f"case/{nik}", "type": "LetterSent", "data": letter}
    assert findings(from_json(given)) == []


def test_every_text_of_the_contracts_is_known_as_free_or_as_the_name_of_a_thing() -> None:
    """A new field is looked through unless someone says that it names a thing: decide here."""
    texts = {name for one in catalogue() if one.topic == "events" for name in texts_in(one)}
    free = {name for name in texts if not name.endswith("_id")} - NAMES_OF_THINGS
    assert free == {
        *("agenda", "basis", "fields", "findings", "fund", "ground", "instruction"),
        *("lawful_basis", "legal_basis", "name", "note", "officer_role", "outcome", "partners"),
        *("party", "purpose", "reason", "ref", "region", "remedy", "rule", "series", "summary"),
        *("text", "title", "unit", "what"),
    }
    assert {name for name in NAMES_OF_THINGS if name not in texts} == {
        *("code", "escalates_to", "timezone", "version")  # of the directory
    }


def texts_in(event_type: EventType) -> set[str]:
    found = set()

    def walk(schema: Any, name: str) -> None:
        if isinstance(schema, list):
            walk(schema[1], name)
        elif schema == "string":
            found.add(name)
        elif isinstance(schema, dict) and schema["type"] == "array":
            walk(schema["items"], name)
        elif isinstance(schema, dict):
            for field in schema.get("fields", ()):
                walk(field["type"], field["name"])

    walk(event_type.schema, "")
    return found


NIKS = st.builds(
    lambda place, born, is_woman, serial: (
        f"{place}{born.day + 40 * is_woman:02}{born:%m%y}{serial:04}"
    ),
    st.sampled_from(["110101", "317101", "537101", "651234", "947102"]),
    st.dates(date(1930, 1, 1), date(2010, 12, 31)),
    st.booleans(),
    st.integers(1, 9999),
)
WORDS = st.sampled_from(["", " ", "(", ").", "; ", " NIK ", "\n", "_", "/"])


@given(WORDS, NIKS, WORDS)
def test_every_nik_of_a_plausible_place_and_birth_is_found(
    before: str, nik: str, after: str
) -> None:
    (found,) = reported(summary=f"{before}{nik}{after}")
    assert (found.kind, found.found) == ("NIK", nik[:2] + "*" * 14)


@given(st.lists(st.one_of(st.sampled_from([*PERSONAL]), NIKS, st.text(max_size=10))))
def test_masked_text_keeps_its_length_and_holds_no_personal_data(parts: list[str]) -> None:
    text = " ; ".join(parts)
    hidden = masked(text)
    assert len(hidden) == len(text)
    assert masked(hidden) == hidden


def test_a_text_of_the_largest_size_is_looked_through_at_once() -> None:
    """Each would take minutes if the search tried every way to group the digits."""
    for evil in ("+1" + "2" * 60 + "x", "0812 345 ", "+1 2 3 4 5 6 ", "a.", "12-", "1234 "):
        text = evil * (256 * 1024 // len(evil))
        assert len(masked(text)) == len(text)
