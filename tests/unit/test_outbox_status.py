"""What `runut outbox` shows of rows that anybody's system may have written."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli import outbox
from producers.outbox.standing import RefusedRow, Resolved, Standing, WaitingSubject

STEERING = "case/a\x1b[2J\r\nb\u202e"
SHOWN = r"case/a\x1b[2J\r\nb\u202e"


def test_control_characters_reach_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = RefusedRow("1", STEERING, 1, "Type\x1b", "subject: \x1b" + "x" * 500)
    waiting = WaitingSubject(STEERING, 1, 2)

    async def standing(_: str) -> Standing:
        return Standing("db:5432/app", 0, 0, None, [refused], [waiting])

    async def resolve(_: str, __: str, *, skipped: bool) -> Resolved:
        return Resolved(STEERING, int(skipped))

    monkeypatch.setattr(outbox, "standing", standing)
    monkeypatch.setattr(outbox, "resolve", resolve)
    shown = CliRunner().invoke(outbox.outbox_app, ["status", "--source", "x"])
    assert (shown.exit_code, shown.stdout.splitlines()) == (
        3,
        [
            "db:5432/app: rows to send: 0",
            f"refused  1  {SHOWN} version 1, Type\\x1b",
            "         subject: \\x1b" + "x" * 500,
            f"waiting  {SHOWN}: version 1 is not there, 2 is",
        ],
    )
    shown = CliRunner().invoke(outbox.outbox_app, ["skip", "1", "--source", "x"])
    assert shown.stdout == f"{SHOWN} version 1: skipped\n"
