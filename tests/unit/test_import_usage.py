"""What `runut import` says to wrong usage, before it asks anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.progress import TextColumn
from typer.testing import CliRunner

from cli.imports import progress_bar
from cli.main import app
from runut.errors import BadFile
from tests.builders import ROOT

TABLE = str(ROOT / "docs" / "examples" / "pengaduan.csv")
MAPPING = str(ROOT / "docs" / "examples" / "pengaduan.toml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((TABLE,), "mapping: expected a file that says what the columns mean (--mapping)"),
        ((MAPPING, "--mapping", MAPPING), "expected a file of format csv, found jsonl"),
        (("nowhere.csv", "--mapping", MAPPING), "expected a readable file, found nowhere.csv"),
        ((TABLE, "--format", "xlsx"), "'xlsx' is not one of 'jsonl', 'csv', 'avro'"),
    ],
)
def test_wrong_usage_is_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    ended = CliRunner().invoke(app, ["import", *arguments], env={"COLUMNS": "400"})
    assert ended.exit_code == 2
    assert words in ended.output


def test_a_mapping_that_is_none_is_refused_before_the_table_is_read() -> None:
    ended = CliRunner().invoke(app, ["import", TABLE, "--mapping", TABLE])
    assert isinstance(ended.exception, BadFile)


@pytest.mark.parametrize("example", [TABLE, MAPPING])
def test_the_page_on_spreadsheets_has_the_examples_as_they_are(example: str) -> None:
    page = (ROOT / "docs" / "howto" / "import-a-spreadsheet.md").read_text()
    assert Path(example).read_text() in page


def test_a_file_may_be_named_like_markup() -> None:
    with progress_bar(shown=True) as bar:
        bar.add_task("import [red]a[/no].jsonl", total=1, what="")
        (task,) = bar.tasks
        shown = [str(column(task)) for column in bar.columns if isinstance(column, TextColumn)]
    assert shown == ["import [red]a[/no].jsonl", ""]
