"""`runut-verify`: verify a case bundle where nothing of the ledger is installed but this.

An entry point of its own, so that a court or an auditor needs neither Kafka's nor PostgreSQL's
libraries: pip install runut[verify]. `runut verify FILE` does the same and prints the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from audit.archive import MAX_BYTES
from audit.policy import Policy, read_policy
from audit.report import FORMS, laid_out
from audit.report.examination import Examination, told_examination
from audit.verify import VerificationFailed, Verified, verify_bundle
from runut.errors import BadFile, BadInput, RunutError
from runut.rfc3339 import format_time, parse_time

INCOMPLETE: Final = 3
"""Nothing is wrong, but what should be there by now is not; of the live ledger alone."""
FAILED: Final = 4
_MARKS: Final = {"HOLDS": "ok", "UNANCHORED": "??", "NOT_SHOWN": "--"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify; gives the exit code: 0 every step holds, 4 one does not, 1 and 2 nothing was done."""
    given = _parser().parse_args(arguments)
    try:
        found = outcome_of(given.file, given.policy, given.not_before)
        if given.report is not None:
            write_report(given.report, bundle_examination(found, given.file, given.policy))
    except RunutError as error:
        print(f"runut-verify: {error}", file=sys.stderr)
        return 1
    if isinstance(found, VerificationFailed):
        _say(given.json, failed_document(found), f"FAILED: {found}")
        return FAILED
    _say(given.json, document(found), "\n".join(lines(found)))
    return 0


def outcome_of(
    file: Path, policy: Path | None, not_before: datetime | None
) -> Verified | VerificationFailed:
    """As `verify_file`; what does not hold is given, not raised."""
    try:
        return verify_file(file, policy, not_before)
    except VerificationFailed as error:
        return error


def verify_file(file: Path, policy: Path | None, not_before: datetime | None) -> Verified:
    """Verify the bundle in a file by the policy in another.

    Raises:
        VerificationFailed: naming the first step that does not hold.
        BadFile: one of them cannot be read, or the policy is wrong.
    """
    trust: Policy | None = None if policy is None else read_policy(policy)
    try:
        with file.open("rb") as bundle:
            data = bundle.read(MAX_BYTES + 1)  # one too many is refused
    except OSError as error:
        raise BadFile(str(file), "a readable file", error.strerror) from None
    return verify_bundle(data, trust, not_before=not_before)


def bundle_examination(
    found: Verified | VerificationFailed, file: Path, policy: Path | None
) -> Examination:
    """What a report of a bundle's verification tells."""
    return Examination(
        *(found, datetime.now(UTC), version("runut")),
        *(None if policy is None else read_policy(policy), "runut-verify FILE --policy POLICY"),
        file=file.name,
        sha256=sha256(file.read_bytes()).hexdigest(),
    )


def report_form(path: Path) -> str:
    """In which form a report goes into a file, by its name.

    Raises:
        BadInput: in none that there is.
    """
    form = path.suffix.removeprefix(".").lower()
    if form not in FORMS:
        raise BadInput("report", "the name of a .html or .pdf file", path.name)
    return form


def write_report(path: Path, examination: Examination) -> None:
    """Write a report of a verification, as a court reads it.

    Raises:
        BadFile: the file cannot be written.
        PlatformError: what lays it out is not installed.
    """
    content = laid_out(told_examination(examination), report_form(path))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadFile(str(path), "a file that can be written", error.strerror) from None


def lines(found: Verified) -> Iterator[str]:
    """One line a check, and what that comes to."""
    for check in found.checks:
        yield f"{_MARKS[check.status]}  {check.step:2}. {check.what}: {check.says}"
    yield f"seal {found.seal} of {found.ledger}, {format_time(found.sealed_at)} (UTC)"
    about = found.subject or "the whole ledger"
    if found.missing:
        yield f"INCOMPLETE: what is there holds together; missing are {', '.join(found.missing)}"
    elif found.cosigned is not None and found.cosigned < found.seal:
        yield f"VERIFIED: {about}, all that was recorded until seal {found.cosigned}"
        yield "what came later the ledger alone has signed as yet: verify it again"
    elif found.anchored:
        yield f"VERIFIED: {about}, all that was recorded until then"
    else:
        yield f"UNANCHORED: {about} holds together; who made it only a policy can tell"


def document(found: Verified) -> dict[str, Any]:
    """What was found, for programs."""
    return {"result": found.result, **msgspec.to_builtins(found)}


def failed_document(error: VerificationFailed) -> dict[str, Any]:
    """What does not hold, for programs."""
    cause = error.cause
    named = (
        {"thing": cause.thing, "expected": cause.expected, "found": str(cause.found)}
        if isinstance(cause, BadInput)
        else {}
    )
    about = {"step": error.step, "what": error.what, "reason": str(cause)}
    return {"result": "FAILED", **about, **named}


def _say(as_json: bool, document: dict[str, Any], text: str) -> None:
    print(msgspec.json.format(msgspec.json.encode(document)).decode() if as_json else text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="runut-verify", description="Verify a case bundle of a Runut ledger, offline."
    )
    parser.add_argument("file", type=Path, help="the bundle, as runut export wrote it")
    parser.add_argument("--policy", type=Path, help="whom to trust (TOML); without it: UNANCHORED")
    parser.add_argument(
        "--not-before", type=_moment, metavar="T", help="refuse an older seal: 2025-05-08T10:00:00Z"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write a report for people: .html or .pdf"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser


def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
