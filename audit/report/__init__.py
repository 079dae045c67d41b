"""Reports for people: the same as HTML and as PDF, in Indonesian and English.

Pure. Everything in the report of a bundle follows from its records, so that whoever verifies it
makes the report again and holds the two together. That of a verification: `examination`.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from audit.report.content import Content
from audit.report.telling import Report, told
from runut.errors import PlatformError

FORMS: Final = ("html", "pdf")


def reports_of(release: str, content: Content) -> dict[str, bytes] | None:
    """The report's files by name; None where another release than this one wrote the report.

    Raises:
        PlatformError: what lays it out is not installed.
    """
    if release != version("runut"):
        return None
    report = told(content)
    return {f"report.{form}": laid_out(report, form) for form in FORMS}


def laid_out(report: Report, form: str) -> bytes:
    """A report in one of FORMS.

    Raises:
        PlatformError: what lays it out is not installed.
    """
    try:
        # Only here: whoever needs no report needs none of what these import.
        from audit.report.html import html
        from audit.report.pdf import pdf
    except ImportError as error:
        advice = "pip install runut[verify]"
        raise PlatformError(f"report: expected {error.name} to be installed; {advice}") from None
    return (html if form == "html" else pdf)(report)
