"""The report of a bundle for people: the same as HTML and as PDF, in Indonesian and English.

Pure. Everything in it follows from the records, so that whoever verifies a bundle makes the report
again and holds the two together.
"""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version

import msgspec

from projections.folds.subject import FoldedSubject
from runut.directory import Directory


class Content(msgspec.Struct, frozen=True):
    """What a report tells."""

    ledger: str
    """The ledger's name."""
    subject: str
    seal: int
    sealed_at: datetime
    note: str
    """The checkpoint with its signatures."""
    folded: FoldedSubject
    directory: Directory


def reports_of(release: str, content: Content) -> dict[str, bytes] | None:
    """The report's files by name; None where another release than this one wrote the report.

    Raises:
        PlatformError: what makes PDF is not installed: pip install runut[verify].
    """
    if release != version("runut"):
        return None
    from audit.report.html import html  # the verifier's base needs no template engine
    from audit.report.pdf import pdf

    return {"report.html": html(content), "report.pdf": pdf(content)}
