"""Which agencies a view of the directory knows depends on its place alone."""

from __future__ import annotations

from tests.builders import directory_log


def test_a_view_knows_the_codes_of_those_registered_until_then() -> None:
    log = directory_log()
    views = [log.at(offset) for offset in range(-1, log.size)]
    assert [one.codes for one in views] == [
        frozenset(agency.code for agency in one.agencies()) for one in views
    ]
    assert views[0].codes == frozenset()
    assert "kp2mi" in views[-1].codes
    assert len({one.codes for one in views}) == len(views[-1].codes) + 1
