"""What a report of a verification tells, in Indonesian and in English, so that a court can read it.

Pure. Says what was examined step by step, what was found, whose keys were trusted for it, and how
to do it again; a verification that failed is told as well as one that holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from audit.policy import Policy
from audit.report.telling import Both, Report, Table, same, term, terms, when
from audit.verify import Check, VerificationFailed, Verified

_STEP_SHARES: Final = (0.05, 0.41, 0.14, 0.4)
_KEY_SHARES: Final = (0.25, 0.75)
_TREE_SHARES: Final = (0.25, 0.12, 0.63)


class Examination(msgspec.Struct, frozen=True):
    """A verification, to be told."""

    outcome: Verified | VerificationFailed
    at: datetime
    release: str
    """Of Runut, that verified."""
    policy: Policy | None
    command: str
    """That does it again."""
    file: str | None = None
    """The name of the bundle; None of the live ledger."""
    sha256: str = ""
    """Of the bundle."""
    full: bool = True
    """Whether the ledger was read from its first record."""

    @property
    def result(self) -> str:
        """VERIFIED, UNANCHORED, INCOMPLETE or FAILED."""
        if isinstance(self.outcome, VerificationFailed):
            return "FAILED"
        return self.outcome.result


def told_examination(found: Examination) -> Report:
    """The report of a verification."""
    verified = found.outcome if isinstance(found.outcome, Verified) else None
    tables = [_steps(found), _signatures(verified), _trees(verified), _keys(found.policy)]
    return Report(
        term("examination"),
        _title(found, verified),
        term("examination_intro"),
        tuple(_facts(found)),
        (),
        tuple(table for table in tables if table.rows),
        verified.note if verified else "",
        term("examination_how"),
        found.command,
        term("examination_remark"),
    )


def _title(found: Examination, verified: Verified | None) -> Both:
    if found.file is not None:
        about = f" {verified.subject}" if verified else f" {found.file}"
        kind = term("examination_of_bundle")
    else:
        about = f" {verified.ledger}" if verified else ""
        kind = term("examination_of_ledger")
    return Both(kind.id + about, kind.en + about)


def _facts(found: Examination) -> Iterator[tuple[Both, Both]]:
    yield term("result"), term(f"result_{found.result}")
    if isinstance(found.outcome, VerificationFailed):
        yield term("failed_step"), same(f"{found.outcome.step}, {found.outcome.what}")
        yield term("failed_reason"), same(str(found.outcome.cause))
    else:
        yield term("ledger"), same(found.outcome.ledger)
        yield term("seal"), same(str(found.outcome.seal))
        yield term("sealed_at"), when(found.outcome.sealed_at)
        if found.outcome.cosigned is not None:
            yield term("cosigned_seal"), same(str(found.outcome.cosigned))
    if found.file is not None:
        yield term("file"), same(found.file)
        yield term("file_sha256"), same(found.sha256)
    else:
        yield term("scope"), term("scope_full" if found.full else "scope_since")
    yield term("examined_at"), when(found.at)
    yield term("release"), same(found.release)
    if found.policy is not None:
        quorum = f"{found.policy.quorum} / {len(found.policy.witnesses)}"
        yield term("quorum"), same(quorum)


def _steps(found: Examination) -> Table:
    """Every step: also those before one that failed, which held, and those behind it."""
    says = [Both(**one) for one in terms()["examined"]["bundle" if found.file else "ledger"]]
    rows, flagged = [], set[int]()
    for number, what in enumerate(says, 1):
        result, finding = _result(found.outcome, number)
        if result not in {"HOLDS", "NOT_DONE"}:
            flagged.add(number - 1)
        rows.append((same(str(number)), what, term(result), same(finding)))
    columns = tuple(map(term, ("number", "step_says", "result", "finding")))
    return Table(term("steps"), columns, tuple(rows), frozenset(flagged), _STEP_SHARES)


def _result(outcome: Verified | VerificationFailed, number: int) -> tuple[str, str]:
    if isinstance(outcome, Verified):
        check: Check = outcome.checks[number - 1]
        return check.status, check.says
    if number == outcome.step:
        return "FAILED", str(outcome.cause)
    return ("HOLDS", "") if number < outcome.step else ("NOT_DONE", "")


def _signatures(verified: Verified | None) -> Table:
    counted = sorted(verified.signatures.items()) if verified else []
    rows = tuple((Both(**terms()["signatures"][name]), same(str(n))) for name, n in counted)
    flagged = frozenset(at for at, (name, _) in enumerate(counted) if name != "VALID")
    columns = (term("signature"), term("records"))
    return Table(term("signature_counts"), columns, rows, flagged, (0.6, 0.4))


def _trees(verified: Verified | None) -> Table:
    rows = tuple(
        (same(one.name), same(str(one.records)), same(one.root))
        for one in (verified.trees if verified else ())
    )
    columns = tuple(map(term, ("tree", "records", "root")))
    return Table(term("trees"), columns, rows, shares=_TREE_SHARES)


def _keys(policy: Policy | None) -> Table:
    keys: Sequence[tuple[str, str]] = ()
    if policy is not None:
        keys = (
            ("ledger_key", str(policy.ledger)),
            *(("root_key", one.hex()) for one in sorted(policy.root_keys)),
            *(("witness_key", str(one)) for one in policy.witnesses),
        )
    rows = tuple((term(role), same(key)) for role, key in keys)
    return Table(term("trusted"), (term("role"), term("key")), rows, shares=_KEY_SHARES)
