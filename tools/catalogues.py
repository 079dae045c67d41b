"""Bring dashboard/locale/id.po up to what the pages say: `python tools/catalogues.py`.

Keeps the translations that are there, adds what lacks one, drops what nobody says any more. A test
holds the file to it (tests/unit/test_languages.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).parent.parent
DASHBOARD: Final = ROOT / "dashboard"
FILE: Final = DASHBOARD / "locale" / "id.po"
METHODS: Final = [
    ("templates/**.html", "jinja2.ext.babel_extract"),
    ("pages/**.py", "python"),
]
KEYWORDS: Final[dict[str, Any]] = {"_": None, "ngettext": (1, 2), "translated": None}


def messages() -> Iterator[str | tuple[str, ...]]:
    """What the pages say, in English; several of a thing with both forms."""
    options = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
    for _, _, message, _, _ in extract_from_dir(DASHBOARD, METHODS, options, KEYWORDS):
        yield message


def catalogue() -> Catalog:
    """The catalogue as it should be, sorted by what is said."""
    kept = Catalog(locale="id")
    if FILE.is_file():
        with FILE.open("rb") as file:
            kept = read_po(file, locale="id")
    made = Catalog(locale="id", fuzzy=False, project="Runut", charset="utf-8")
    for message in messages():
        ident = message[0] if isinstance(message, tuple) else message
        known = kept.get(ident)
        string = known.string if known else None
        made.add(message, (string,) if isinstance(string, str) and ident is not message else string)
    return made


def text() -> bytes:
    """The file's content: the same for the same catalogue, whenever it is made."""
    out = BytesIO()
    write_po(out, catalogue(), omit_header=True, no_location=True, sort_output=True, width=100)
    head = (
        "# What the pages say, in Indonesian. Words of values are in projections/words.toml.\n"
        'msgid ""\nmsgstr ""\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Language: id\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    )
    # Indonesian has one form, of which Babel does not know.
    return head.encode() + out.getvalue().replace(b'msgstr[1] ""\n', b"")


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(text())
