"""The report of a bundle for people: the same as HTML and as PDF, in Indonesian and English.

Pure. Everything in it follows from the records, so that whoever verifies a bundle makes the report
again and holds the two together.
"""

from __future__ import annotations

from importlib.metadata import version

from audit.report.content import Content
from runut.errors import PlatformError


def reports_of(release: str, content: Content) -> dict[str, bytes] | None:
    """The report's files by name; None where another release than this one wrote the report.

    Raises:
        PlatformError: what lays it out is not installed.
    """
    if release != version("runut"):
        return None
    try:
        # Only here: whoever needs no report needs none of what these import.
        from audit.report.html import html
        from audit.report.pdf import pdf
        from audit.report.telling import told
    except ImportError as error:
        advice = "pip install runut[verify]"
        raise PlatformError(f"report: expected {error.name} to be installed; {advice}") from None
    report = told(content)
    return {"report.html": html(report), "report.pdf": pdf(report)}
