"""Every event can be said in both languages, properly and without claiming too much."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.sentences import AGENCY_FIELDS, LOCAL_ZONE, Field, sentence, sentences, template
from projections.wording import LANGS, Lang, Voice, plain, word
from runut.catalogue import EventType, catalogue
from runut.event import Event
from runut.json_form import from_json
from tests.builders import directory_from, directory_records
from tests.fixtures.event_strategies import events

TYPES = list(catalogue())
DIRECTORY = directory_from()(len(directory_records()) - 1)
NOTHING_KNOWN = directory_from()(-1)
ID, EN = (Voice(lang, DIRECTORY, LOCAL_ZONE) for lang in LANGS)

every_type = pytest.mark.parametrize("event_type", TYPES, ids=lambda one: one.name)


def event(event_type: str, subject: str = "case/X", agency: str = "kp2mi", **data: Any) -> Event:
    given = {"type": event_type, "subject": subject, "agency": agency, "data": data}
    return from_json({**given, "occurred_at": "2025-06-10T08:00:00+07:00"})


def both(said: Event) -> tuple[str, str]:
    return sentence(said, ID), sentence(said, EN)


@every_type
@pytest.mark.parametrize("lang", LANGS)
def test_every_type_has_a_sentence_of_fields_that_its_schema_has(
    event_type: EventType, lang: Lang
) -> None:
    payload = {field["name"] for field in event_type.schema["fields"][1:]}
    parts = template(event_type.name, lang)
    used = {p.name for part in parts for p in part.pieces if isinstance(p, Field)}
    assert "agency" in used
    assert used - {"agency", "subject"} <= payload
    last = parts[-1].pieces[-1]
    assert not parts[-1].optional
    assert isinstance(last, str)
    assert last.endswith(".")


@every_type
def test_a_field_that_may_be_absent_stands_in_an_optional_part(event_type: EventType) -> None:
    nullable = {
        field["name"]
        for field in event_type.schema["fields"][1:]
        if isinstance(field["type"], list)
        or (isinstance(field["type"], dict) and field["type"].get("type") == "array")
    }
    for lang in LANGS:
        fixed = [part for part in template(event_type.name, lang) if not part.optional]
        used = {p.name for part in fixed for p in part.pieces if isinstance(p, Field)}
        assert used & nullable == set()


@every_type
def test_every_value_of_an_enumeration_in_a_sentence_has_a_word(event_type: EventType) -> None:
    used = {
        piece.name
        for lang in LANGS
        for part in template(event_type.name, lang)
        for piece in part.pieces
        if isinstance(piece, Field)
    }
    for field in event_type.schema["fields"][1:]:
        schema = field["type"]
        schema = schema[1] if isinstance(schema, list) else schema
        schema = schema.get("items", schema) if isinstance(schema, dict) else schema
        if field["name"] not in used or not isinstance(schema, dict) or "symbols" not in schema:
            continue
        for symbol in schema["symbols"]:
            tables = (f"{event_type.name}.{field['name']}", schema["name"])
            found = [word(table, symbol, lang) != symbol for table in tables for lang in LANGS]
            # Abbreviations such as LTSA are their own word in Indonesian.
            assert any(found), f"{tables[1]}.{symbol}"


def test_an_agency_field_names_agencies_in_every_schema_that_has_it() -> None:
    docs = {
        (one.name, field["name"]): field["doc"]
        for one in TYPES
        for field in one.schema["fields"][1:]
        if field["name"] in AGENCY_FIELDS
    }
    assert {name for _, name in docs} == AGENCY_FIELDS


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_anything_that_a_schema_allows_becomes_one_clean_line(data: st.DataObject) -> None:
    said = data.draw(st.sampled_from(TYPES).flatmap(events))
    for text in sentences(said, "EFFECTIVE", (), False, NOTHING_KNOWN).values():
        assert text.isprintable()
        assert text.endswith(".")
        assert text.strip() == text


def test_agencies_stand_by_their_names_and_times_by_their_zone() -> None:
    offered = event(
        "TransferOffered",
        transfer_id="T1",
        to="kbri-kl",
        ground="JURISDICTION",
        reason="Majikan di Selangor.",
        answer_due_at="2025-06-13T23:59:59+07:00",
    )
    assert both(offered) == (
        "Kementerian Pelindungan Pekerja Migran Indonesia menawarkan pelimpahan kasus kepada "
        "KBRI Kuala Lumpur (nomor T1; dasar: wilayah) dengan tenggat jawaban 13 Juni 2025 pukul "
        "23.59 WIB: Majikan di Selangor.",
        "Ministry of Indonesian Migrant Worker Protection offered the case to Embassy in Kuala "
        "Lumpur (transfer T1; ground: jurisdiction), to be answered by 13 June 2025 at 23:59 WIB: "
        "Majikan di Selangor.",
    )


def test_what_is_absent_leaves_no_gap() -> None:
    accepted = event("TransferAccepted", agency="kbri-kl", transfer_id="T1")
    assert both(accepted) == (
        "KBRI Kuala Lumpur menerima pelimpahan T1.",
        "Embassy in Kuala Lumpur accepted transfer T1.",
    )
    blank = event("CaseClosed", scope="LEDGER", ground=" - ")
    assert sentence(blank, EN).endswith("closed the case in the ledger.")


def test_lists_are_joined_as_each_language_does() -> None:
    shared = event(
        "DataShared",
        share_id="S1",
        to=["polri", "imigrasi", "kbri-kl"],
        fields=["nama", "nomor paspor"],
        purpose="penyidikan",
        lawful_basis="UU 27/2022 Ps 20",
    )
    assert both(shared) == (
        "Kementerian Pelindungan Pekerja Migran Indonesia membagikan data (nama dan nomor paspor) "
        "kepada Kepolisian Negara Republik Indonesia, Direktorat Jenderal Imigrasi dan KBRI Kuala "
        "Lumpur untuk penyidikan; dasar hukum: UU 27/2022 Ps 20.",
        "Ministry of Indonesian Migrant Worker Protection shared data (nama and nomor paspor) with "
        "National Police, Directorate General of Immigration and Embassy in Kuala Lumpur for "
        "penyidikan; lawful basis: UU 27/2022 Ps 20.",
    )


def test_names_that_hold_commas_are_listed_with_semicolons() -> None:
    assert EN.listed(["A, B", "C"]) == "A, B; and C"
    assert ID.listed(["A, B", "C", "D"]) == "A, B; C; dan D"


def test_an_entry_on_behalf_of_another_agency_says_so() -> None:
    said = from_json(
        {
            "type": "ClosureConsented",
            "subject": "case/X",
            "agency": "disnaker-kupang",
            "on_behalf_of": "desa-oebelo",
            "occurred_at": "2025-06-10T08:00:00+07:00",
            "data": {},
        }
    )
    assert both(said) == (
        "Dinas Tenaga Kerja Kabupaten Kupang (atas nama Desa Oebelo) menyetujui penutupan kasus.",
        "Manpower Office, Kupang Regency (on behalf of Oebelo Village) consented to closing the "
        "case.",
    )


def test_an_irregular_event_is_said_to_be_irregular_and_why() -> None:
    said = event("CaseClosed", scope="LEDGER", ground="Selesai")
    found = sentences(said, "IRREGULAR", ("CONSENT_REQUIRED", "OPEN_OBLIGATIONS"), False, DIRECTORY)
    assert found["id"].endswith(
        "(tidak sah: persetujuan belum lengkap dan masih ada kewajiban yang terbuka)."
    )
    assert found["en"].endswith("(irregular: a consent is missing and obligations are still open).")


@pytest.mark.parametrize(
    ("verdict", "differs", "ending"),
    [
        ("DUPLICATE", False, "(duplicate)."),
        ("DUPLICATE", True, "(duplicate with other content)."),
        ("CORRECTED", False, "(corrected)."),
        ("EFFECTIVE", False, "the case in the ledger: Selesai."),
    ],
)
def test_a_sentence_says_what_became_of_its_event(verdict: str, differs: bool, ending: str) -> None:
    said = event("CaseClosed", scope="LEDGER", ground="Selesai")
    assert sentences(said, verdict, (), differs, DIRECTORY)["en"].endswith(ending)


def test_every_code_has_words_in_both_languages() -> None:
    for code in DESIGN_CODES.split(", "):
        assert all(word("Code", code, lang) != code for lang in LANGS), code


def test_a_person_is_never_shown_even_by_token() -> None:
    said = event(
        "CaseReported",
        category="ABUSE",
        urgency="IMMEDIATE",
        phase="DURING",
        country="MY",
        intake="MISSION",
        relation="WORKER",
        sector="INFORMAL",
        placement="PROCEDURAL",
        summary="Kekerasan",
        worker={"person_id": "p-123"},
        respondent={"kind": "INDIVIDUAL", "ref": "p-456"},
    )
    for text in both(said):
        assert not re.search("p-123|p-456", text)


def test_text_from_events_cannot_steer_a_terminal() -> None:
    assert plain("a\x1b[31m\u202eb\n\n c. ") == "a[31mb c"
    assert plain(" – ") == ""


def test_amounts_and_durations_are_written_as_in_each_language() -> None:
    paid = event("FinePaid", "agreement/P", fine_id="F1", amount="1500000.50", reference="")
    assert both(paid) == (
        "Kementerian Pelindungan Pekerja Migran Indonesia membayar denda F1 sebesar 1.500.000,50.",
        "Ministry of Indonesian Migrant Worker Protection paid fine F1 of 1,500,000.50.",
    )
    assert (ID.duration(59), ID.duration(540), EN.duration(540)) == ("59 detik", "9 menit", "9 min")


DESIGN_CODES = (
    "UNKNOWN_AGENCY, SIGNATURE_MISSING, SIGNATURE_INVALID, KEY_UNKNOWN, KEY_REVOKED, "
    "UNKNOWN_SUBJECT, ALREADY_EXISTS, CASE_NOT_OPEN, NOT_CUSTODIAN, NOT_ADDRESSEE, NOT_SENDER, "
    "NOT_DEBTOR, NOT_CREDITOR, NOT_CHAIR, NOT_PARTY, NOT_SECRETARIAT, NOT_ARBITER, NOT_PROVIDER, "
    "NOT_PARTICIPANT, NOT_ORIGINAL_EMITTER, ROLE_REQUIRED, NO_SUCH_REFERENCE, ALREADY_SETTLED, "
    "TRANSFER_PENDING, TRANSFER_TO_SELF, REASON_REQUIRED, BASIS_REQUIRED, CUSTODIAN_REQUIRED, "
    "CONSENT_REQUIRED, OPEN_OBLIGATIONS, TOO_LATE, AMOUNT_MISMATCH, INSUFFICIENT_FUND, "
    "OCCURRED_IN_FUTURE, NOT_ACTIVE, NOT_REPORTED"
)
"""All codes of events.md §3."""
