"""Lists hold still while others write, and find their way by indexes."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from projections.listing import QUERIES
from projections.queries import queries
from projections.registers import REGISTERS, query_of
from runut.adapters.postgres import Connection
from runut.event import Recorded
from runut.settings import Settings
from tests.builders import project, recorded
from tests.coordination_story import REPORT
from tests.read_stage import NOW, ReadSide, read_side

MANY = 20_000
OWNERS = ("kp2mi", "polri", "kemensos", "kbri-kl", "bp3mi-ntt")
FILLED = (
    "INSERT INTO subject SELECT 'case/' || n, 'case', 1, 0, 0, 0, now(), "
    "jsonb_build_object('status', 'IN_HANDLING', 'custodian', (%(owners)s::text[])[1 + n %% 5], "
    "'participants', jsonb_build_array((%(owners)s::text[])[1 + n %% 5])) "
    "FROM generate_series(1, %(many)s) n",
    "INSERT INTO commitment SELECT 'case/' || n, 'P' || n, 'P' || n, 'PROMISE', "
    "(%(owners)s::text[])[1 + n %% 5], (%(owners)s::text[])[1 + n %% 3], '', "
    "now() + n * interval '1 minute', "
    "CASE WHEN n %% 50 = 0 THEN 'OPEN' ELSE 'FULFILLED' END, now(), gen_random_uuid(), NULL, NULL, "
    "NULL, NULL, NULL, NULL, 0, NULL, NULL, '{}' FROM generate_series(1, %(many)s) n",
    "INSERT INTO letter SELECT 'case/' || n, 'L1', 'kp2mi', '1', now(), 'MEMO', 'NORMAL', '', "
    "'{polri}', '{}', true, NULL, now(), '{}', '{}', '{}', 0 FROM generate_series(1, %(many)s) n",
    "INSERT INTO history SELECT 'case/' || n, 1, gen_random_uuid(), 'CaseReported', 'kp2mi', "
    "now(), now(), 0, n, 0, 'EFFECTIVE', '{}', false, 'VALID', 1, '', '{}', 'ORDINARY' "
    "FROM generate_series(1, %(many)s) n",
    "ANALYZE subject, commitment, letter, history",
)
SUBJECTS = {
    **dict.fromkeys(("kind", "status", "custodian", "category", "urgency", "country")),
    "participant": None,
    "overdue": None,
    "after": "",
    "now": NOW,
    "limit": 101,
}
COMMITMENTS = {
    **dict.fromkeys(("debtor", "creditor")),
    "overdue": False,
    "now": NOW,
    "limit": 101,
    "due_at": NOW,
    "subject": "",
    "commitment_id": "",
}
LETTERS = {
    **dict.fromkeys(("subject", "sender", "to")),
    "after_subject": "case/5",
    "after": "L1",
    "limit": 101,
}

ADDED = {"partitions": [0], "from_offsets": [500], "to_offsets": [600]}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, itself first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def scanned(connection: Connection, query: bytes, asked: dict[str, Any]) -> set[str]:
    """Tables that the plan of a query reads from end to end."""
    cursor = await connection.execute(b"EXPLAIN (FORMAT JSON) " + query, asked)
    row = await cursor.fetchone()
    assert row is not None
    return {
        node["Relation Name"]
        for node in nodes(row[0][0]["Plan"])
        if node["Node Type"] == "Seq Scan"
    }


async def test_pages_are_found_by_indexes_whoever_asks(
    connection: Connection, settings: Settings
) -> None:
    for statement in FILLED:
        await connection.execute(statement.encode(), {"owners": list(OWNERS), "many": MANY})
    await connection.execute("SET plan_cache_mode = force_custom_plan")
    letters = query_of(REGISTERS["letters"].view, settings.views_schema)
    for limited_to in (None, "kp2mi", "kbri-kl", "nobody-here"):
        rights = {"limited_to": limited_to}
        questions: list[tuple[bytes, dict[str, Any]]] = [
            (QUERIES["subjects"], SUBJECTS),
            (QUERIES["subjects"], {**SUBJECTS, "custodian": "polri", "kind": "case"}),
            (QUERIES["subjects"], {**SUBJECTS, "overdue": True, "after": "case/3"}),
            (QUERIES["commitments_due"], {**COMMITMENTS, "debtor": "polri"}),
            (QUERIES["commitments_due"], {**COMMITMENTS, "overdue": True}),
            (letters, LETTERS),
            (letters, {**LETTERS, "subject": "case/7"}),
            (queries("rights")["guarded"].encode(), {"subjects": ["case/7", "case/8"]}),
            (queries("following")["added"].encode(), ADDED),
            (queries("versions")["limit_passed"].encode(), {"now": NOW, "subject": None}),
        ]
        for query, asked in questions:
            assert await scanned(connection, query, {**asked, **rights}) == set(), (asked, rights)


@pytest.fixture
async def side(connection: Connection, settings: Settings) -> AsyncIterator[ReadSide]:
    """The routes over cases with even numbers."""
    await project(connection, [_case(n, n) for n in range(10, 50, 2)])
    async with read_side(settings) as side:
        yield side


def _case(n: int, offset: int) -> Recorded:
    event = {
        "type": "CaseReported",
        "subject": f"case/{n}",
        "agency": random.Random(n).choice(OWNERS),
    }
    return recorded({**event, "occurred_at": "2026-03-02T09:00:00Z", "data": REPORT}, offset)


@pytest.mark.parametrize("path", ["subjects", "cases", "commitments", "custody"])
async def test_a_walk_gives_what_was_there_once_whatever_is_added_meanwhile(
    side: ReadSide, connection: Connection, path: str
) -> None:
    before = [one["subject"] for one in (await side.get(f"/{path}", limit=1000)).json()]
    walked: list[str] = []
    more = iter(random.Random(7).sample(range(11, 50, 2), 20))
    async with side.client() as client:
        answer = await client.get(f"/{path}", params={"limit": 3})
        while True:
            walked += [one["subject"] for one in answer.json()]
            if "next" not in answer.links:
                break
            for n in (next(more, None), next(more, None)):
                if n is not None:
                    await project(connection, [_case(n, 100 + n)])
            answer = await client.get(f"http://read{answer.links['next']['url']}")
    assert [one for one in walked if one in before] == before
    assert len(walked) == len(set(walked)) > len(before)


async def test_a_download_holds_what_was_there_when_it_began(
    side: ReadSide, connection: Connection
) -> None:
    async with side.client() as client, client.stream("GET", "/custody?format=jsonl") as answer:
        await project(connection, [_case(11, 200)])
        lines = [line async for line in answer.aiter_lines()]
    assert len(lines) == 20
    assert answer.headers["runut-positions"] == "0:49"
