"""What templates call to put values into words: names, times, numbers, addresses, countdowns.

Owns how values look on a page; their words are those of sentences and commands
(`projections.wording`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as Date  # noqa: N812 - so is a method called here
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup, escape

from dashboard.pages.addresses import address_of, with_question
from dashboard.pages.limits import Countdown, countdown
from projections.wording import Lang, Voice, event_name, plain, zone_name
from runut.calendar import local_time
from runut.event import subject_id, subject_kind
from runut.protocol import parse_limit
from runut.protocol_words import length
from runut.rfc3339 import format_time, parse_time

Moment = str | datetime | None

KEPT: Final = 4_096
"""Times, days and numbers whose words are kept: the next reader of a list sees the same rows."""


TONES: Final = {
    **dict.fromkeys(("REPORTED", "PROPOSED", "SCHEDULED"), "new"),
    **dict.fromkeys(("IN_HANDLING", "HELD"), "going"),
    **dict.fromkeys(("RESOLVED", "ACTIVE", "MINUTES_ADOPTED", "ACCEPTED", "PAID"), "good"),
    **dict.fromkeys(("SUSPENDED", "EXPIRED", "CONTESTED", "IMPOSED", "UPHELD", "URGENT"), "warn"),
    **dict.fromkeys(("REVOKED", "REFUSED", "LAPSED", "BROKEN", "IMMEDIATE"), "bad"),
}
"""How a status or an urgency looks, beside its word; others look like nothing special."""


@lru_cache(maxsize=KEPT, typed=True)  # for text is escaped, and Markup is not
def badge(text: str, tone: str = "") -> Markup:
    """A word in a frame."""
    kind = f"badge {tone}" if tone else "badge"
    return Markup('<span class="{}">{}</span>').format(kind, text)


class Words:
    """Values in somebody's language and time zone, at a moment."""

    def __init__(self, voice: Voice, moment: datetime, as_of: datetime | None = None) -> None:
        """Take the language, the zone and the directory, and the moment of which all is told.

        `as_of` is that moment where it is past and links are to keep it.
        """
        self.voice = voice
        self.moment = moment
        self.as_of = as_of

    def then(self, path: str) -> str:
        """A path of this site, as of the same past moment."""
        return with_question(path, as_of=self.exact(self.as_of)) if self.as_of else path

    def exact(self, moment: datetime) -> str:
        """A moment for programs, on the reader's clock."""
        return local_time(moment, self.voice.zone).isoformat()

    def word(self, table: str, symbol: str | None) -> str:
        """The word for a value of an enumeration; nothing for none."""
        return "" if symbol is None else self.voice.word(table, symbol)

    def title(self, table: str, symbol: str | None) -> str:
        """The same as the beginning of a line."""
        word = self.word(table, symbol)
        return word[:1].upper() + word[1:]

    def urgency(self, symbol: str) -> Markup:
        """A badge that warns of what is urgent."""
        return badge(self.word("Urgency", symbol), TONES.get(symbol, ""))

    def status(self, table: str, symbol: str | None) -> Markup:
        """A badge for where something stands."""
        return badge(self.word(table, symbol), TONES.get(symbol or "", ""))

    def code(self, agency: str) -> str:
        """An agency in short: its code as a heading has it."""
        return agency.upper()

    def agency(self, code: str | None) -> Markup:
        """An agency in short, with its name for whoever asks, and the way to its page."""
        if code is None:
            return Markup("–")
        if not self._is_known(code):
            return escape(self.code(code))
        return _agency(self.code(code), self.then(f"/agencies/{code}"), self.voice.agency(code))

    def _is_known(self, code: str) -> bool:
        """Whether there is such an agency: events may name any."""
        return self.voice.directory.agency(code) is not None

    def agencies(self, codes: Iterable[str]) -> Markup:
        """Several of them."""
        return Markup(", ").join(map(self.agency, codes)) or Markup("–")

    def named(self, code: str) -> Markup:
        """An agency by its whole name, and the way to its page."""
        name = self.voice.agency(code)
        if not self._is_known(code):
            return escape(name)
        return Markup('<a href="{}">{}</a>').format(self.then(f"/agencies/{code}"), name)

    def subject(self, subject: str, text: str | None = None) -> Markup:
        """A subject by its id or another text, and the way to its page."""
        shown = plain(text or "") or subject_id(subject) or subject
        where = address_of(subject)
        if where is None:
            return escape(shown)
        link = f'<a class="subject" href="{escape(self.then(where))}">{escape(shown)}</a>'
        return Markup(link)  # noqa: S704 what is not ours is escaped

    def ident(self, subject: str) -> str:
        """A subject's id without its kind."""
        return subject_id(subject)

    def kind_of(self, subject: str) -> str:
        """`case`."""
        return subject_kind(subject)

    def limit(self, text: str) -> str:
        """`3 hari kerja` of `3wd`."""
        return length(parse_limit("limit", text), self.voice.lang)

    def kind(self, subject: str) -> str:
        """`Kasus`."""
        return self.title("Kind", subject_kind(subject))

    def time(self, moment: Moment) -> Markup:
        """`12 Jun 2025 09.30 WIB`, and the exact moment for programs; a dash for none."""
        return Markup("–") if moment is None else _time(moment, self.voice)

    def clock_text(self, moment: datetime) -> str:
        """The same as text."""
        return _clock_text(moment, self.voice)

    def day(self, moment: Moment) -> Markup:
        """The day of a moment, with the whole of it for whoever asks."""
        return Markup("–") if moment is None else _day(moment, self.voice)

    def day_text(self, moment: datetime) -> str:
        """The day of a moment, as text."""
        return _date_text(local_time(moment, self.voice.zone).date(), self.voice.lang)

    def date(self, day: str | Date | None) -> str:
        """`12 Jun 2025` of a date without a time."""
        if day is None:
            return "–"
        exact = Date.fromisoformat(day) if isinstance(day, str) else day
        return _date_text(exact, self.voice.lang)

    def number(self, value: float | None, digits: int = 0) -> str:
        """`1.234`; `1,234` in English."""
        if value is None:
            return "–"
        pattern = "#,##0" + ("." + "#" * digits if digits else "")
        return _number_text(value, pattern, self.voice.lang)

    def hours(self, hours: float) -> str:
        """`36 jam`, from two days on `3,5 hari`; `36 h` and `3.5 days` in English."""
        if hours < 48:
            return f"{self.number(hours, 1)} {'jam' if self.voice.lang == 'id' else 'h'}"
        return f"{self.number(hours / 24, 1)} {'hari' if self.voice.lang == 'id' else 'days'}"

    def share(self, value: float | None) -> str:
        """`87%`."""
        return "–" if value is None else _share_text(value, self.voice.lang)

    def money(self, value: str | Decimal | None, currency: str | None = "IDR") -> str:
        """An amount of money."""
        return "–" if value is None else self.voice.money(Decimal(value), currency)

    def event(self, event_type: str) -> str:
        """What a type of event is called."""
        return event_name(event_type, self.voice.lang)

    def text(self, said: Any) -> str:
        """Free text fit for a line."""
        return plain(str(said))

    def countdown(self, due_at: Moment) -> Countdown | None:
        """How long until a limit; None where nothing is due."""
        if due_at is None:
            return None
        return countdown(_exact(due_at), self.moment, self.voice.directory)


def _exact(moment: str | datetime) -> datetime:
    return parse_time(moment) if isinstance(moment, str) else moment


@lru_cache(maxsize=KEPT)
def _agency(text: str, where: str, name: str) -> Markup:
    abbreviated = Markup('<abbr title="{}">{}</abbr>').format(name, text)
    return Markup('<a class="agency" href="{}">{}</a>').format(where, abbreviated)


@lru_cache(maxsize=KEPT)
def _time(moment: str | datetime, voice: Voice) -> Markup:
    exact = _exact(moment)
    clock, _, zone = _clock_text(exact, voice).rpartition(" ")
    told = f'<time datetime="{format_time(exact)}">{clock} <small>{zone}</small></time>'
    return Markup(told)  # noqa: S704 all of it is ours


@lru_cache(maxsize=KEPT)
def _day(moment: str | datetime, voice: Voice) -> Markup:
    exact = _exact(moment)
    day = _date_text(local_time(exact, voice.zone).date(), voice.lang)
    told = f'<time datetime="{format_time(exact)}" title="{voice.time(exact)}">{day}</time>'
    return Markup(told)  # noqa: S704 all of it is ours


@lru_cache(maxsize=KEPT)
def _clock_text(moment: datetime, voice: Voice) -> str:
    local = local_time(moment, voice.zone)
    clock = f"{local:%H.%M}" if voice.lang == "id" else f"{local:%H:%M}"
    return f"{_date_text(local.date(), voice.lang)} {clock} {zone_name(local)}"


@lru_cache(maxsize=KEPT)
def _date_text(day: Date, lang: Lang) -> str:
    return format_date(day, "d MMM y", locale=lang)


@lru_cache(maxsize=KEPT)
def _number_text(value: float, pattern: str, lang: Lang) -> str:
    return format_decimal(value, pattern, locale=lang)


@lru_cache(maxsize=KEPT)
def _share_text(value: float, lang: Lang) -> str:
    return format_percent(value, "#,##0%", locale=lang)
