"""One request for a page: who asks, in which language and zone, and how the answer is made.

Owns what every page has around it, and the headers that keep other sites and injected scripts out.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response

from dashboard.answers import etag, headers_of, is_known
from dashboard.pages import cookies
from dashboard.pages.addresses import here
from dashboard.pages.languages import LANG_COOKIE, ZONE_COOKIE, language_of, translations, zone_of
from dashboard.pages.site import DEMONSTRATION, Site, site_of
from dashboard.pages.templating import templates
from dashboard.pages.words import Words
from dashboard.reads import Asker, Reading, sight_of
from projections.sessions import READING
from projections.wording import Lang, Voice
from runut.access import Principal, require_role
from runut.adapters.http_head import asked_method
from runut.directory_log import DirectoryLog
from runut.errors import Unauthenticated

POLICY: Final = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"),
        *("connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)
"""Content security policy: nothing that stands in a page runs, nor does anything from elsewhere."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Accept-Language",
}


class Frame:
    """A request, and what its page is put into."""

    def __init__(self, request: Request, who: Principal | None) -> None:
        self.request = request
        self.site: Site = site_of(request)
        self.who = who
        self.lang: Lang = language_of(request)
        self.zone: ZoneInfo = zone_of(request, self.site.zone)

    @property
    def asker(self) -> Asker:
        """Who asks, for readings."""
        assert self.who is not None  # noqa: S101 - `Reader` demands it
        route = f"{asked_method(self.request.scope)} {self.request.url.path}"
        return Asker(self.who, sight_of(self.who), route)

    def open(
        self, as_of: datetime | None = None, *, alone: bool = True
    ) -> AbstractAsyncContextManager[Reading]:
        """A reading for who asks, as `Reads.open`."""
        return self.site.reads.open(self.asker, as_of, alone=alone)

    def open_at(self, as_of: datetime | None) -> AbstractAsyncContextManager[Reading]:
        """A reading for who asks, as `Reads.open_at`."""
        return self.site.reads.open_at(self.asker, as_of)

    def translated(self, text: str) -> str:
        """A text of ours in the language of who asks."""
        return translations(self.lang).gettext(text)

    def words(self, reading: Reading | None = None) -> Words:
        """Values in the language and zone of who asks, as of the moment of a reading."""
        if reading is None:
            nobody = DirectoryLog().latest
            return Words(Voice(self.lang, nobody, self.zone), self.site.reads.now())
        # Pages of one subject tell of its past by themselves, and lead to others as they are now.
        as_of = reading.moment.as_of if reading.then else None
        voice = Voice(self.lang, reading.moment.log.latest, self.zone)
        return Words(voice, reading.moment.at, as_of)

    def page(
        self, template: str, reading: Reading | None = None, *, status: int = 200, **said: Any
    ) -> Response:
        """A page, made from a template; 304 for whoever has it already."""
        seed = cookies.form_seed(self.request)
        token = cookies.form_token(self.request, seed)
        text = self._rendered(template, reading, form_token=token, **said)
        headers = (headers_of(reading.origin) if reading else {}) | HEADERS
        if status == HTTPStatus.OK and self.request.method == "GET":
            name = self.who.name if self.who else None
            tag = etag(_content(text), name, self.lang, self.zone.key, token)
            headers["ETag"] = tag
            if is_known(self.request, tag):
                text, status = "", HTTPStatus.NOT_MODIFIED
        response = Response(text, status, headers, "text/html")
        self._remember(response, seed)
        return response

    def _rendered(self, template: str, reading: Reading | None, **said: Any) -> str:
        return (
            templates(self.lang)
            .get_template(template)
            .render(
                w=self.words(reading),
                frame=self,
                made_at=self.site.reads.now(),
                who=self.who,
                lang=self.lang,
                zone=self.zone.key,
                is_demonstration=self.who is not None and self.who.name == DEMONSTRATION.name,
                here=lambda **changed: here(self.request, **changed),
                path=self.request.url.path,
                asked=self.request.query_params,
                origin=reading.origin if reading else None,
                **said,
            )
        )

    def _remember(self, response: Response, seed: str) -> None:
        """Keep what was chosen by the question, and what forms are checked by."""
        asked = self.request.query_params
        if asked.get("lang") == self.lang:
            cookies.keep(response, self.request, LANG_COOKIE, self.lang, cookies.YEAR_S)
        if asked.get("zone") == self.zone.key:
            cookies.keep(response, self.request, ZONE_COOKIE, self.zone.key, cookies.YEAR_S)
        if cookies.FORM not in self.request.cookies:
            cookies.keep(response, self.request, cookies.FORM, seed)


def _content(page: str) -> str:
    """What a page says, without when it was made and from what: that alone makes no other page."""
    head, _, body = page.partition("<body")
    return head + body.partition("<main")[2].partition("</main>")[0]


async def visitor(request: Request) -> Frame:
    """Whoever asks, known or not."""
    token = request.cookies.get(cookies.SESSION)
    if token is None:
        return Frame(request, None)
    try:
        who = await site_of(request).sessions.check(token)
    except Unauthenticated:
        return Frame(request, None)
    request.state.who = who.name  # for the log
    return Frame(request, who)


async def reader(frame: Annotated[Frame, Depends(visitor)]) -> Frame:
    """Somebody who signed in and may read.

    Raises:
        Unauthenticated: nobody signed in.
        Forbidden: who may not read.
    """
    if frame.who is None:
        raise Unauthenticated("none")
    require_role(frame.who, *READING)
    return frame


Visitor = Annotated[Frame, Depends(visitor)]
Reader = Annotated[Frame, Depends(reader)]
