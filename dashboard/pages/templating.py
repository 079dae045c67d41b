"""The templates, once for each language: everything that is put into them is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboard.pages.addresses import LISTS, address, address_of
from dashboard.pages.languages import NAMES, ZONES, translations
from dashboard.pages.static_files import static_url
from dashboard.stream_text import id_text
from projections.wording import Lang

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
EXTENSIONS: Final = ("jinja2.ext.i18n",)


@cache
def templates(lang: Lang) -> Environment:
    """The templates in a language; what a template lacks is an error, never an empty place."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=EXTENSIONS,
        auto_reload=False,
    )
    environment.install_gettext_translations(translations(lang), newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        static_url=static_url,
        address=address,
        address_of=address_of,
        list_of=LISTS,
        zones=ZONES,
        languages=NAMES,
        stream_id=id_text,
    )
    return environment
