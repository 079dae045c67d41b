"""Tables of the command line speak the reader's language."""

from __future__ import annotations

import pytest

from cli.labels import LABELS, default_language
from projections.wording import LANGS


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "id"),
        ({"LANG": "C.UTF-8"}, "id"),
        ({"LANG": "POSIX"}, "id"),
        ({"LANG": "id_ID.UTF-8"}, "id"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "ms_MY"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "id_ID"}, "id"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": ""}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale_and_indonesian_where_it_has_none(
    environment: dict[str, str], language: str
) -> None:
    assert default_language(environment) == language


def test_every_label_has_both_languages() -> None:
    assert all(set(words) == set(LANGS) for words in LABELS.values())
