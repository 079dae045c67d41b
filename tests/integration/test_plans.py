"""At a million events no question of a reader or the projector reads a large table through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg import sql

from cli.web_reads import SESSION
from embedded.platform import Endpoints
from projections import rebuilding, row_tables
from projections.folds.rows import Commitment, Letter
from projections.install import install_views
from projections.portraits import SHOWN
from projections.present import query_of
from projections.queries import queries
from projections.rights import with_every_right, with_rights
from runut.adapters.postgres import Connection, connected
from tests.ledgers import own_settings

EVENTS = 1_000_000
SUBJECTS = 20_000
LARGE = {"history", "subject", "commitment", "letter", "custody_interval"}
FILLED = (
    "INSERT INTO history SELECT 'case/' || n % {subjects}, n / {subjects}, gen_random_uuid(),"
    " CASE WHEN n % 50 = 0 THEN 'DataShared' ELSE 'LetterSent' END, 'agency-' || n % 20,"
    " now(), now(), n % 8, n / 8, 0, 'EFFECTIVE', '{{}}', false, 'VALID', 1, '', '{{}}', 'ORDINARY'"
    " FROM generate_series(0, {events} - 1) n",
    "INSERT INTO subject SELECT 'case/' || n, 'case', 50, 0, 0, 0, now(),"
    " jsonb_build_object('status', 'IN_HANDLING', 'custodian', 'agency-' || n % 400)"
    " FROM generate_series(0, {subjects} - 1) n",
    "INSERT INTO custody_interval SELECT 'case/' || n / 3, n % 3, 'agency-' || n % 400, now(),"
    " CASE WHEN n % 3 < 2 THEN now() END, gen_random_uuid()"
    " FROM generate_series(0, 3 * {subjects} - 1) n",
    "INSERT INTO letter SELECT 'case/' || n / 5, 'L' || n, 'agency-1', '1', now(), 'MEMO',"
    " 'NORMAL', '', '{{agency-2}}', '{{}}', true, NULL, now(), '{{}}', '{{}}', '{{}}', 0"
    " FROM generate_series(0, 5 * {subjects} - 1) n",
    "INSERT INTO commitment SELECT 'case/' || n / 5, 'P' || n, 'P' || n, 'PROMISE',"
    " 'agency-' || n % 500, 'agency-' || n % 300, '', now() + n * interval '1 minute',"
    " CASE WHEN n % 50 = 0 THEN 'OPEN' ELSE 'FULFILLED' END, now(), gen_random_uuid(), NULL, NULL,"
    " NULL, NULL, NULL, NULL, 0, NULL, NULL, '{{}}' FROM generate_series(0, 5 * {subjects} - 1) n",
)
VIEWS = f"views_{uuid4().hex[:12]}"
NOW = datetime.now(UTC)
SOME = [f"case/{n}" for n in range(50)]
EVENT = "0192c3d4-0000-7000-8000-000000000000"
ASKED: dict[str, dict[str, dict[str, Any]]] = {
    "reading": {
        "load_subject": {"subject": "case/7"},
        "load_history": {"subject": "case/7", "after_seq": 0, "limit": 100},
        "load_entry": {"partition": 3, "offset": 5000},
        "next_subjects": {"after": "case/5", "kinds": ["case"], "changed_after": None, "limit": 50},
        "load_histories_until": {"subjects": SOME, "moment": NOW},
        "commitments": {"debtor": "agency-7", "overdue": False, "now": NOW},
        "subjects_of_commitment": {"commitment_id": "P7"},
        "cases_held": {"agency": "agency-7"},
        "commitments_of_agency": {"agency": "agency-7"},
    },
    "versions": {
        "limit_passed": {"now": NOW, "subject": None},
        "events_of": {"subject": "case/7"},
    },
    "rights": {"guarded": {"subjects": SOME}, "custodians": {"subjects": SOME}},
    "recorded": {"find_event": {"event_id": EVENT, "agency": "agency-1", "subject": "case/7"}},
    "following": {
        "added": {"partitions": [1, 2], "from_offsets": [9, 9], "to_offsets": [900, 900]},
    },
    "projector": {
        "load_subjects": {"subjects": SOME},
        "load_contents": {"subjects": SOME, "event_ids": [EVENT] * len(SOME)},
        "load_histories": {"subjects": SOME[:5]},
    },
}
NOT_ASKED = dict.fromkeys(
    (
        *("agency", "category", "country", "creditor", "custodian", "debtor", "kind"),
        *("participant", "seen", "since", "status", "still_since", "text", "until", "urgency"),
    )
)
NO = dict.fromkeys(("is_open", "overdue", "to_escalate", "unanswered", "is_auditor"), False)
PAGE: dict[str, Any] = NOT_ASKED | NO
PAGE |= {"now": NOW, "limit": 50, "offset": 0, "guarded_now": []}
OF_PAGES: list[tuple[str, dict[str, Any]]] = [
    ("overdue_by_agency", {}),
    ("owed_by_agency", {"since": NOW, "until": NOW + timedelta(days=1)}),
    ("held_by_agency", {}),
    ("held", {"custodian": "agency-7"}),
    ("cases", {"custodian": "agency-7"}),
    ("pending", {"debtor": "agency-7"}),
    ("commitments", {}),
    ("commitments", {"creditor": "agency-7"}),
    ("events_with_id", {"event_id": EVENT}),
]
COUNTING: list[tuple[str, dict[str, Any]]] = [
    ("open_cases", {"still_since": [NOW - timedelta(days=days) for days in (7, 14)]}),
    ("cases", {"is_open": True}),
    ("cases", {"is_open": True, "overdue": True}),
    ("letters", {}),
    ("subjects_like", {"text": "upah"}),
    ("edges", {"since": NOW - timedelta(days=30)}),
    ("monthly", {"since": NOW.date() - timedelta(days=365), "until": NOW.date()}),
]
COUNTED = LARGE - {"history"}
"""What says how many there are may read all cases, letters or commitments; never all events."""


@pytest.fixture(scope="module")
async def filled(
    platform: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Connection]:
    """Read models of a million events, loaded as a rebuild loads them."""
    settings = own_settings(platform, tmp_path_factory.mktemp("plans"))
    made = rebuilding.beside(settings)
    async with connected(made, name="tests", autocommit=True) as connection:
        await rebuilding.plan(connection, settings, {}, is_verifying=False)
        for statement in FILLED:
            counts = sql.SQL(statement).format(
                subjects=sql.Literal(SUBJECTS), events=sql.Literal(EVENTS)
            )
            await connection.execute(counts)
        await rebuilding.make_indexes([connection])
        await rebuilding.analyze(connection)
        await install_views(connection, made.model_copy(update={"views_schema": VIEWS}))
        yield connection
        await rebuilding.remove(connection, made.model_schema)


@pytest.fixture
async def as_pages_ask(filled: Connection) -> AsyncIterator[Connection]:
    """The same, with the settings of connections that pages ask."""
    for name, value in SESSION.items():
        setting = sql.SQL("SET {} TO {}").format(sql.Identifier(name), sql.Literal(value))
        await filled.execute(setting)
    yield filled
    await filled.execute("RESET ALL")


def read_through(plan: dict[str, Any]) -> Iterator[str]:
    """Tables that a plan reads from their first row to the last."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for child in plan.get("Plans", ()):
        yield from read_through(child)


async def large_read_through(
    connection: Connection, query: bytes, asked: Any, how: bytes = b"FORMAT JSON"
) -> set[str]:
    cursor = await connection.execute(b"EXPLAIN (" + how + b") " + query, asked)
    [(plan,)] = await cursor.fetchall()
    return LARGE & set(read_through(plan[0]["Plan"]))


@pytest.mark.parametrize(
    ("file", "name"), [(file, name) for file, asked in ASKED.items() for name in asked]
)
async def test_a_query_reads_no_large_table_through(
    filled: Connection, file: str, name: str
) -> None:
    query = queries(file)[name].encode()
    assert await large_read_through(filled, query, ASKED[file][name]) == set()


@pytest.mark.parametrize("condition", ["by_key", "by_source", "unsettled", "by_subject"])
async def test_rows_of_subjects_are_found_by_their_keys(filled: Connection, condition: str) -> None:
    asked = {"subjects": SOME, "idents": ["L1"] * len(SOME)}
    for table in (Commitment, Letter) if condition in {"by_key", "by_subject"} else (Commitment,):
        query = row_tables.select(table, condition)
        assert await large_read_through(filled, query, asked) == set()


@pytest.mark.parametrize("kind", sorted(SHOWN))
async def test_present_states_are_found_by_their_keys_by_the_plan_for_all(
    filled: Connection, kind: str
) -> None:
    query = query_of(kind).replace(b"%(subjects)s", b"$1").replace(b"%(agencies)s", b"$2")
    assert await large_read_through(filled, query, None, b"GENERIC_PLAN, FORMAT JSON") == set()


@pytest.mark.parametrize("limited_to", [None, "agency-3"])
async def test_rights_are_looked_up_subject_by_subject(
    filled: Connection, limited_to: str | None
) -> None:
    query = with_rights(queries("rights")["visible"])
    asked = {"subjects": SOME, "limited_to": limited_to}
    assert await large_read_through(filled, query, asked) == set()


@pytest.mark.parametrize("limited_to", [None, "agency-3"])
async def test_pages_read_no_large_table_through_but_those_that_they_count(
    as_pages_ask: Connection, limited_to: str | None
) -> None:
    rights = with_every_right if limited_to is None else with_rights
    for name, more in OF_PAGES + COUNTING:
        query = rights(queries("worklists")[name], views=sql.Identifier(VIEWS))
        asked = PAGE | {"limited_to": limited_to} | more
        may = COUNTED if (name, more) in COUNTING else set()
        assert await large_read_through(as_pages_ask, query, asked) <= may, name
