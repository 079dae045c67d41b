"""Tables: what cells say, and what a row that is none is told."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from producers.files.cells import as_id, reader, words
from producers.files.entries import BadLine, Entry, Found
from producers.files.mapping import TableMapping
from producers.files.mapping_file import read_mapping
from producers.files.table import MAX_LINE, Table
from runut.errors import BadFile, BadInput

CONTACT = """
time_zone = "Asia/Jakarta"
times = "%d/%m/%Y %H:%M"
type = "ContactLogged"
[meta]
agency = "kp2mi"
subject = { column = "Kasus", prefix = "case/" }
occurred_at = { column = "Waktu" }
[data.ContactLogged]
contact_id = { column = "No" }
direction = "OUTGOING"
with = { column = "Dengan", separator = "/" }
summary = { column = "Isi" }
duration_s = { column = "Detik" }
[data.ContactLogged.mode]
column = "Cara"
values = { Telepon = "PHONE", "Tatap muka" = "IN_PERSON" }
blank = "PHONE"
"""
HEADING = "No,Kasus,Waktu,Nama,Cara,Dengan,Isi,Detik"
GOOD = "c-1,A,08/05/2025 10:00,Siti,Telepon,kemlu / polri,Ditanya.,1"


@pytest.fixture
def mapping(tmp_path: Path) -> TableMapping:
    return mapped(tmp_path, CONTACT)


def mapped(folder: Path, text: str) -> TableMapping:
    (folder / "mapping.toml").write_text(text)
    return read_mapping(folder / "mapping.toml")


def entries(mapping: TableMapping, *lines: str | bytes) -> list[Entry]:
    raw = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return [one for batch in Table(io.BytesIO(raw), mapping).batches() for one in batch]


def the_bad(mapping: TableMapping, *lines: str | bytes) -> BadLine:
    (bad,) = (one for one in entries(mapping, *lines) if isinstance(one, BadLine))
    return bad


def test_cells_constants_lists_and_blanks_say_an_event(mapping: TableMapping) -> None:
    blank = "c-2,A, 08/05/2025 10:00 ,Siti,,,Ditanya lagi.,"
    one, other = entries(mapping, HEADING, GOOD, "", ",,,,,,,", blank)
    assert isinstance(one, Found)
    assert isinstance(other, Found)
    assert (one.line, other.line) == (2, 5)
    assert one.event.subject == "case/A"
    assert one.event.occurred_at.isoformat() == "2025-05-08T03:00:00+00:00"
    assert one.event.data["with"] == ["kemlu", "polri"]
    assert (one.event.data["mode"], one.event.data["duration_s"]) == ("PHONE", 1)
    assert (other.event.data["mode"], other.event.data["duration_s"]) == ("PHONE", None)


def test_the_same_row_is_the_same_event_wherever_it_stands(mapping: TableMapping) -> None:
    (one,) = entries(mapping, HEADING, GOOD)
    *_, other = entries(mapping, f"x,{HEADING}", ",".join([""] * 9), f"7,{GOOD}")
    assert isinstance(one, Found)
    assert isinstance(other, Found)
    assert one.event == other.event


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (
            GOOD.replace("08/05", "31/02"),
            "Waktu",
            "column Waktu (occurred_at): expected a time as %d/%m/%Y %H:%M, found 31/02/2025 10:00",
        ),
        (
            GOOD.replace("Telepon", "Faks"),
            "Cara",
            "column Cara (data.mode): expected one of Telepon, Tatap muka, found Faks",
        ),
        (
            GOOD.replace(",1", ",1,5"),
            None,
            "row: expected 8 cells, as in the heading, found 9",
        ),
        ("c-1,A,08/05", None, "row: expected 8 cells, as in the heading, found 3"),
        (
            GOOD.replace(",1", ",satu"),
            "Detik",
            "column Detik (data.duration_s): expected a whole number, found satu",
        ),
        (
            GOOD.replace("Ditanya.", ""),
            "Isi",
            "column Isi (data.summary): expected text, found nothing",
        ),
        (
            GOOD.replace("c-1", "c 1"),
            "No",
            "column No (data.contact_id): expected 1 to 80 of A-Z a-z 0-9 . _ -, found c 1",
        ),
        (GOOD.replace("Ditanya.", '"a"b'), None, "row: expected cells parted by ',', quotes"),
        (
            GOOD.replace("Ditanya.", "caf\xe9").encode("latin-1"),
            None,
            "column Isi: expected text in utf-8, found caf",
        ),
        (GOOD + "x" * MAX_LINE, None, f"line: expected {MAX_LINE} characters at most, found more"),
    ],
)
def test_a_row_that_is_no_event_is_told_line_column_expected_and_found(
    mapping: TableMapping, row: str | bytes, column: str | None, reason: str
) -> None:
    found = entries(mapping, HEADING, GOOD, row, GOOD.replace("c-1", "c-2"))
    assert [isinstance(one, Found) for one in found] == [True, False, True]
    bad = found[1]
    assert isinstance(bad, BadLine)
    assert (bad.line, bad.column) == (3, column)
    assert bad.reason.startswith(reason)


def test_columns_that_are_not_mapped_are_in_no_report(mapping: TableMapping) -> None:
    for row in (GOOD.replace("Telepon", "Faks"), GOOD.replace(",1", ""), GOOD + '"'):
        assert "Siti" not in str(the_bad(mapping, HEADING, row))


def test_personal_data_in_a_bad_row_is_not_repeated(mapping: TableMapping) -> None:
    row = GOOD.replace("Telepon", "081234567890").replace("Ditanya.", "3171014502900001")
    bad = the_bad(mapping, HEADING, row)
    assert "081234567890" not in str(bad)
    assert "3171014502900001" not in str(bad)
    assert "found 08**********" in bad.reason


def test_a_row_begins_where_it_begins_though_its_cells_have_lines(mapping: TableMapping) -> None:
    long = GOOD.replace("Ditanya.", '"Ditanya,\r\ndan\nlagi."')
    one, bad = entries(mapping, HEADING, long, GOOD.replace("Telepon", "Faks"))
    assert isinstance(one, Found)
    assert (one.line, bad.line) == (2, 5)
    assert one.event.data["summary"] == "Ditanya,\ndan\nlagi."


OPEN = GOOD.replace("Ditanya.", '"Ditanya.')
PARTED = "expected cells parted by ',', quotes closed, found"


@pytest.mark.parametrize(
    ("rows", "thing", "reason", "lines"),
    [
        ([OPEN, GOOD, "", GOOD, ""], "row of lines 3 to 6", "a quote that is not closed", [4, 6]),
        ([OPEN], "row", "a quote that is not closed", []),
        (
            [OPEN, GOOD.replace("Ditanya.", '"Ditanya."')],
            "row of lines 3 to 4",
            "text after a closing quote",
            [4],
        ),
        (
            [OPEN, *["x" * 50_000] * 3],
            "row of lines 3 to 6",
            "a cell of more than 131072 characters",
            [4, 5, 6],
        ),
    ],
)
def test_of_a_quote_that_is_not_closed_every_line_that_it_takes_is_told_and_counted(
    mapping: TableMapping, rows: list[str], thing: str, reason: str, lines: list[int]
) -> None:
    one, bad, *others = entries(mapping, HEADING, GOOD, *rows)
    assert isinstance(one, Found)
    assert bad == BadLine(3, f"{thing}: {PARTED} {reason}", "")
    open_still = "row: expected quotes closed before it, found the quote of line 3 still open"
    assert others == [BadLine(line, open_still, "") for line in lines]


def test_lines_that_a_quote_makes_one_row_of_too_few_cells_are_told_and_counted(
    mapping: TableMapping,
) -> None:
    closed = GOOD.replace("Ditanya.", 'Ditanya."')
    found = entries(mapping, HEADING, OPEN, GOOD, closed.replace(",1", ""), GOOD)
    assert [one.line for one in found] == [2, 3, 4, 5]
    assert isinstance(found[0], BadLine)
    assert found[0].reason == "row of lines 2 to 4: expected 8 cells, as in the heading, found 7"
    assert [isinstance(one, Found) for one in found] == [False, False, False, True]


def test_a_heading_with_a_quote_that_is_not_closed_is_told_with_its_lines(
    mapping: TableMapping,
) -> None:
    bad = the_bad(mapping, HEADING.replace("Isi", '"Isi'), GOOD)
    assert (bad.line, bad.reason) == (
        1,
        f"row of lines 1 to 2: {PARTED} a quote that is not closed",
    )


@pytest.mark.parametrize(
    ("heading", "reason"),
    [
        (HEADING.replace("Isi", "Ringkasan"), "heading: expected a column Isi, found No, Kasus"),
        (HEADING + ",Isi", "heading: expected one column Isi, found 2 of them"),
        ("", "heading: expected the columns Kasus, Waktu, No, Dengan, Isi, Detik, Cara, found n"),
    ],
)
def test_a_table_without_a_mapped_column_is_refused_whole(
    mapping: TableMapping, heading: str, reason: str
) -> None:
    (bad,) = entries(mapping, heading, *([GOOD] if heading else []))
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith(reason)


def test_the_heading_may_stand_below_a_title_and_have_spaces_and_a_byte_order_mark(
    tmp_path: Path,
) -> None:
    mapping = mapped(tmp_path, f'header_line = 3\ndelimiter = ";"\n{CONTACT}')
    heading = HEADING.replace("Kasus", '" Kasus "').replace(",", ";")
    row = GOOD.replace(",", ";")
    (one,) = entries(mapping, "\ufeffJudul", "", heading, row)
    assert isinstance(one, Found)


def test_a_file_in_another_encoding_is_read_as_the_mapping_says(tmp_path: Path) -> None:
    for encoding in ("windows-1252", "utf-16"):
        mapping = mapped(tmp_path, f'encoding = "{encoding}"\n{CONTACT}')
        raw = f"{HEADING}\n{GOOD.replace('Ditanya', 'Café')}\n".encode(encoding)
        (one,) = entries(mapping, raw)
        assert isinstance(one, Found)
        assert one.event.data["summary"] == "Café."


def test_a_record_all_of_whose_cells_are_blank_is_absent(tmp_path: Path) -> None:
    form = """
type = "HearingHeld"
[meta]
agency = "kp2mi"
subject = "case/A"
occurred_at = { column = "W" }
private = { person_id = { column = "P" } }
[data.HearingHeld]
kind = "MEDIATION"
admission = "NONE"
outcome = "-"
respondent = { kind = "EMPLOYER", ref = { column = "M" }, country = "MY" }
"""
    mapping = mapped(tmp_path, form)
    one, bad = entries(mapping, "W,P,M", "2025-05-08T10:00:00Z,,E1", "2025-05-08T10:00:00Z,p,")
    assert isinstance(one, Found)
    assert one.event.meta["private"] is None
    assert one.event.data["respondent"] == {"kind": "EMPLOYER", "ref": "E1", "country": "MY"}
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith("data.respondent: expected an object (Party), found nothing")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('type = "ContactLogged"', 'type = "ContactLoged"'), "type in .* line 4: expected an ev"),
        (('type = "ContactLogged"', 'type = "AgencyRegistered"'), "expected an event of an agency"),
        (("[data.ContactLogged]", "[data.ContactLog]"), "data.ContactLog in .* line 9: expected o"),
        (("summary =", "sumary ="), r"data.ContactLogged.sumary in .*did you mean data.summary"),
        (('direction = "OUTGOING"', ""), "direction in .*: expected a column or a constant, found"),
        (('"OUTGOING"', '"OUT"'), "direction in .* line 11: expected one of OUTGOING, INCOMING"),
        (('"PHONE", "Tatap', '"FON", "Tatap'), "mode.values in .* expected one of PHONE, VIDEO"),
        (('blank = "PHONE"', 'blank = "FON"'), "mode.blank in .* expected one of PHONE, VIDEO"),
        (('column = "Isi"', 'colum = "Isi"'), "summary in .*: expected column, or columns"),
        (('"Isi" }', '"Isi", x = 1 }'), "summary in .*: expected the keys column, columns, format"),
        (('"Isi" }', '"Isi", columns = ["A"] }'), "summary in .*: expected column or columns, one"),
        (
            ('"Isi" }', '"Isi", separator = "/" }'),
            "summary.separator in .*: expected one for",
        ),
        (('"Isi" }', '"Isi", format = "%d" }'), "summary.format in .*: expected one for a time or"),
        (('"Detik" }', '"Detik", as_id = true }'), "expected prefix and as_id on a text alone"),
        (('time_zone = "Asia/Jakarta"', ""), "time_zone in .*: expected that of times which name"),
        (('"Asia/Jakarta"', '"Asia/Jakata"'), "time_zone in .* line 2: expected such as Asia/Mak"),
        (("times =", 'encoding = "ebcdic"\ntimes ='), "expected the keys type, meta, data, delim"),
        (("times =", 'delimiter = ";;"\ntimes ='), "delimiter in .*: expected one character"),
        (("times =", "header_line = 0\ntimes ="), "header_line in .*: expected 1 to 1000, fou"),
        (
            ("times =", f"header_line = {10**23}\ntimes ="),
            "header_line in .*: expected 1 to 1000, found 1000",
        ),
        (("[meta]", "[meta"), "expected TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_by_key_and_line(
    tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    assert change[0] in CONTACT
    with pytest.raises(BadFile, match=reason):
        mapped(tmp_path, CONTACT.replace(*change))


def test_a_list_of_records_is_not_for_cells(tmp_path: Path) -> None:
    wrong = CONTACT.replace("ContactLogged", "FulfilmentReported")
    head = wrong.partition("[data")[0]
    data = '[data.FulfilmentReported]\ncommitment_id = "K"\nevidence = { column = "Bukti" }'
    with pytest.raises(BadFile, match=r"expected a field that a cell can hold \(use JSONL\)"):
        mapped(tmp_path, head + data)


def test_a_mapping_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"none\.toml: expected a readable file"):
        read_mapping(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("kind", "form", "text", "expected"),
    [
        ("date", "%d %B %Y", "8 Mei 2025", "2025-05-08"),
        ("date", "%d %b %Y", "08 Agt. 2025", "2025-08-08"),
        ("date", "%d-%b-%y", "17-Okt-25", "2025-10-17"),
        ("date", "%d %B %Y", "1 May 2025", "2025-05-01"),
        ("date", None, "2025-05-08", "2025-05-08"),
        ("time", "%d/%m/%Y", "8/5/2025", "2025-05-07T16:00:00Z"),
        ("time", "%d/%m/%Y %H:%M %z", "8/5/2025 10:00 +0900", "2025-05-08T01:00:00Z"),
        ("time", None, "2025-05-08T10:00:00+07:00", "2025-05-08T10:00:00+07:00"),
        ("amount", None, "Rp 1.500.000,50", "1500000.50"),
        ("amount", None, "45000000", "45000000.00"),
        ("amount", None, "-1.000", "-1000.00"),
        ("number", None, "1.250", 1250),
        ("boolean", None, "Ya", True),
        ("boolean", None, "TIDAK", False),
        ("text", None, "1.250,00", "1.250,00"),
    ],
)
def test_cells_are_read_as_people_write_them(
    kind: Any, form: str | None, text: str, expected: object
) -> None:
    assert reader(kind, form, ZoneInfo("Asia/Makassar"), decimal_comma=True)(text) == expected


@pytest.mark.parametrize(
    ("kind", "form", "text"),
    [
        ("date", "%d %B %Y", "30 Februari 2025"),
        ("date", "%d %B %Y", "8 Meei 2025"),
        ("time", "%d/%m/%Y %H:%M", "8/5/2025"),
        ("time", "%d/%m/%Y %H:%M", "30/03/2025 02:30"),  # skipped when summer time began
        ("time", "%d/%m/%Y %H:%M", "26/10/2025 02:30"),  # twice when it ended
        ("amount", None, "1.500,000"),
        ("amount", None, "15.00"),
        ("amount", None, "12,345"),
        ("number", None, "1,5"),
        ("number", None, "1" * 5000),
        ("boolean", None, "mungkin"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(
    kind: Any, form: str | None, text: str
) -> None:
    with pytest.raises(BadInput, match="expected"):
        reader(kind, form, ZoneInfo("Europe/Amsterdam"), decimal_comma=True)(text)


def test_an_amount_with_a_decimal_point_is_another_one() -> None:
    read = reader("amount", None, None, decimal_comma=False)
    assert (read("1,250,000.5"), read("12.00")) == ("1250000.50", "12.00")
    with pytest.raises(BadInput):
        read("1.250.000")


def test_words_are_known_in_any_case_and_ids_made_of_letters_numbers() -> None:
    assert words({"Gaji tidak dibayar": "X"})(" gaji  TIDAK dibayar") == "X"
    assert as_id("B-123/KP2MI/V/2025") == "B-123-KP2MI-V-2025"
    assert as_id(" (No. 7) ") == "No.-7"
    with pytest.raises(BadInput, match="a letter or digit"):
        as_id("///")
