"""Letters as threads: what answers another letter stands below it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from projections.portraits import Document


class Thread(NamedTuple):
    """A letter and those that answer it."""

    letter: Document
    answers: list[Thread]


def threads(letters: Sequence[Document]) -> list[Thread]:
    """Letters in the order in which they were sent; in a circle of answers, the first begins it."""
    ordered = sorted(letters, key=lambda one: (one["sent_at"], one["letter_id"]))
    found = {one["letter_id"]: Thread(one, []) for one in ordered}
    begun: set[str] = set()
    roots: list[Thread] = []
    for one in ordered:
        answered = one["in_reply_to"]
        # Only what came before can be answered: so no letter stands below itself.
        if answered in begun:
            found[answered].answers.append(found[one["letter_id"]])
        else:
            roots.append(found[one["letter_id"]])
        begun.add(one["letter_id"])
    return roots
