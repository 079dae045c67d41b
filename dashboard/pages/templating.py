"""The templates, once for each language: everything that is put into them is escaped."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from types import MethodType
from typing import Any, Final

from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context
from markupsafe import Markup

from dashboard.pages.addresses import LISTS, address, address_of
from dashboard.pages.languages import NAMES, ZONES, translations
from dashboard.pages.static_files import static_url
from dashboard.pages.words import badge
from dashboard.stream_text import id_text
from projections.wording import Lang

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
EXTENSIONS: Final = ("jinja2.ext.i18n",)
KEPT: Final = 4_096
"""Numbered texts: rows say how many days are left, and how much is owed."""


class _Context(Context):
    """What a template knows: methods, which are most of what it calls, want none of that."""

    def call(self, called: Any, *args: Any, **named: Any) -> Any:
        """What a call of a template gives; Jinja adds its own variables of loops and blocks."""
        if type(called) is not MethodType:
            return super().call(called, *args, **named)
        named.pop("_loop_vars", None)
        named.pop("_block_vars", None)
        return called(*args, **named)


class _Templates(Environment):
    """Templates of rows, which are dicts: what these hold is asked for first."""

    context_class = _Context

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What a row holds, or anything has."""
        if type(obj) is not dict:
            try:
                return getattr(obj, attribute)
            except AttributeError:
                pass
        elif attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


@cache
def templates(lang: Lang) -> Environment:
    """The templates in a language; what a template lacks is an error, never an empty place."""
    environment = _Templates(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=(*EXTENSIONS, Ready),
        auto_reload=False,
    )
    environment.extend(say=translations(lang).gettext)
    environment.install_gettext_translations(translations(lang), newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        ngettext=_numbered(lang),
        static_url=static_url,
        address=address,
        badge=badge,
        address_of=address_of,
        list_of=LISTS,
        zones=ZONES,
        languages=NAMES,
        stream_id=id_text,
    )
    return environment


def _numbered(lang: Lang) -> Callable[[str, str, int], Markup]:
    """Texts that say how many, as they are of one and of more."""
    say = translations(lang).ngettext

    @lru_cache(maxsize=KEPT)
    def numbered(one: str, more: str, num: int) -> Markup:
        told = {"num": format_decimal(num, locale=lang)}
        return Markup(say(one, more, num)) % told  # noqa: S704 all of it is ours

    return numbered


class Ready(Extension):
    """Says texts without gaps when a template is compiled, for each language has its own.

    A page of a list says the same few headings hundreds of times.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """`_("text")` becomes `"what that is in the language" | safe`."""
        say: Any = self.environment.say  # type: ignore[attr-defined]
        tokens = deque(stream)
        while tokens:
            if _says_whole_text(list(islice(tokens, 4))):
                line = tokens[0].lineno
                yield Token(line, "string", say(tokens[2].value) % {})
                yield from (Token(line, "pipe", "|"), Token(line, "name", "safe"))
                for _ in range(4):
                    tokens.popleft()
            else:
                yield tokens.popleft()


def _says_whole_text(tokens: Sequence[Token]) -> bool:
    kinds = [one.type for one in tokens]
    return kinds == ["name", "lparen", "string", "rparen"] and tokens[0].value == "_"
