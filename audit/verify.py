"""Verify a case bundle offline: numbered steps in the order of integrity.md.

Pure, and reaches no server library: what is verified is what the bundle and the policy hold. Each
step says what it relies on; the first that does not hold ends the verification and names the
thing, what was expected and what was found. What cannot be shown is said, never passed over.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from audit import witnessed_time
from audit.bundle import SCHEMAS, Bundle, markers_key, read_bundle, schema_files
from audit.completeness import demand_all_of_key, demand_whole_tree
from audit.documents import documents, moment_of
from audit.judging import judge, pairs
from audit.policy import Policy
from audit.report import reports_of
from audit.report.content import Content
from audit.trusted import demand_trusted
from projections.folds.subject import FoldedSubject, fold_subject
from runut.directory import Directory, Ledger, founded
from runut.directory_log import DirectoryLog
from runut.errors import BadInput, LedgerMismatch, RunutError
from runut.event import LEDGER_KINDS, Recorded, is_subject
from runut.notes import parse_note
from runut.partitioner import partition_of
from runut.rfc3339 import format_time
from runut.seals import Seal, origin_of

Status = Literal["HOLDS", "UNANCHORED", "NOT_SHOWN"]
Result = Literal["VERIFIED", "UNANCHORED", "INCOMPLETE"]

HEADINGS: Final = (
    "files of the bundle",
    "checkpoint and cosignatures",
    "seal under the checkpoint",
    "directory, whole",
    "founding and root keys",
    "markers, whole",
    "records of the subject, whole",
    "signatures",
    "time",
    "state and history",
    "schemas and report",
)


class Check(msgspec.Struct, frozen=True):
    """What one step showed."""

    step: int
    what: str
    status: Status
    says: str


class VerificationFailed(RunutError):
    """A step does not hold: which, and why."""

    def __init__(self, step: int, cause: RunutError, what: str | None = None) -> None:
        self.step = step
        self.what = what or HEADINGS[step - 1]
        self.cause = cause
        super().__init__(f"step {step}, {self.what}: {cause}")


class TreeShown(msgspec.Struct, frozen=True):
    """A partition as far as it was verified."""

    name: str
    """`TOPIC/PARTITION`."""
    records: int
    root: str
    """Of the tree of its leaves, in hex."""


class Verified(msgspec.Struct):
    """A bundle, or the live ledger, of which every step holds."""

    subject: str
    """What the bundle is about; empty of the whole ledger."""
    ledger: str
    seal: int
    sealed_at: datetime
    anchored: bool
    """Whether a policy said whom to trust; else it holds together, whoever made it."""
    checks: list[Check]
    note: str = ""
    """The checkpoint that it hangs on, with its signatures; empty where none was read."""
    trees: list[TreeShown] = []
    """Of the live ledger: every partition."""
    signatures: dict[str, int] = {}
    """Of the events that were read: how many signatures are of which status."""
    cosigned: int | None = None
    """Of the live ledger: the newest seal that the policy's witnesses cosigned."""
    missing: list[str] = []
    """Of the live ledger: what should be there by now to be verified, and is not."""

    @property
    def result(self) -> Result:
        """What it comes to."""
        if self.missing:
            return "INCOMPLETE"
        return "VERIFIED" if self.anchored else "UNANCHORED"


def verify_bundle(
    data: bytes, policy: Policy | None, *, not_before: datetime | None = None
) -> Verified:
    """Verify a bundle; without a policy all that hangs on trust is UNANCHORED.

    Args:
        not_before: refuse a bundle whose seal is older: a later one may say more.

    Raises:
        VerificationFailed: naming the first step that does not hold.
    """
    run = _Run(policy)
    run.take(data)
    for step, check in enumerate(_STEPS, 1):
        try:
            status, says = check(run)
        except (BadInput, LedgerMismatch) as error:
            raise VerificationFailed(step, error) from None
        run.checks.append(Check(step, HEADINGS[step - 1], status, says))
    sealed_at = moment_of(run.seal.sealed_at_ms)
    if not_before is not None and sealed_at < not_before:
        expected = f"not before {format_time(not_before)}"
        found = BadInput("time of the seal", expected, format_time(sealed_at))
        raise VerificationFailed(3, found)
    manifest = run.bundle.manifest
    anchored = policy is not None
    return Verified(
        *(manifest.subject, manifest.ledger, run.seal.index, sealed_at, anchored, run.checks),
        note=run.bundle.evidence.seal.note,
        signatures=dict(Counter(str(one.signature) for one in run.recorded)),
    )


class _Run:
    """A verification under way: what the steps so far have shown, for those that rely on it."""

    bundle: Bundle
    seal: Seal
    log: DirectoryLog
    recorded: list[Recorded]
    by_gateway: frozenset[int]
    folded: FoldedSubject

    def __init__(self, policy: Policy | None) -> None:
        self.policy = policy
        self.checks: list[Check] = []

    def take(self, data: bytes) -> None:
        """Step 1 is done on the bytes: there is no bundle before it."""
        try:
            self.bundle = read_bundle(data)
        except BadInput as error:
            raise VerificationFailed(1, error) from None

    @property
    def directory(self) -> Directory:
        return self.log.latest

    @property
    def content(self) -> Content:
        """What the report is made from."""
        at, note = moment_of(self.seal.sealed_at_ms), self.bundle.evidence.seal.note
        manifest = self.bundle.manifest
        return Content(
            manifest.ledger,
            manifest.subject,
            self.seal.index,
            at,
            note,
            self.folded,
            self.directory,
            self.by_gateway,
        )


Shown = tuple[Status, str]


def _files(run: _Run) -> Shown:
    """Step 1 (§9). Relies on nothing: the archive is its files, each of its hash and form."""
    manifest = run.bundle.manifest
    if not is_subject(manifest.subject):  # one that looks like another would be denied instead
        expected = f"KIND/ID, a kind of {', '.join(sorted(LEDGER_KINDS))}"
        raise BadInput("subject of the bundle", expected, manifest.subject)
    return "HOLDS", f"{len(manifest.files) + 1} files, {manifest.subject}"


def _checkpoint(run: _Run) -> Shown:
    """Step 2 (§3, §5, §8). Relies on the policy: the ledger's key and enough witnesses signed."""
    note = parse_note(run.bundle.evidence.seal.note.encode())
    checkpoint = run.bundle.evidence.seal.checkpoint()
    origin = origin_of(run.bundle.manifest.ledger)
    if checkpoint.origin != origin:
        raise BadInput("origin of the checkpoint", origin, checkpoint.origin)
    if run.policy is None:
        keys = ", ".join(f"{one.name} ({one.key_hash.hex()})" for one in note.signatures)
        return "UNANCHORED", f"no policy was given; signed by {keys or 'nobody'}"
    witnesses = demand_trusted(run.bundle.evidence.seal, run.policy)
    cosigned = f", cosigned by {', '.join(witnesses)}" if witnesses else ""
    return "HOLDS", f"size {checkpoint.size}, signed by {run.policy.ledger.name}{cosigned}"


def _seal(run: _Run) -> Shown:
    """Step 3 (§3). Relies on step 2: the seal is in the log of seals, and of this ledger."""
    run.seal = run.bundle.evidence.seal.seal()
    manifest = run.bundle.manifest
    for thing, expected, found in (
        ("seal of the bundle", manifest.seal, run.seal.index),
        ("ledger of the seal", manifest.ledger_id, run.seal.ledger_id.hex()),
    ):
        if expected != found:
            raise BadInput(thing, str(expected), found)
    return (
        "HOLDS",
        f"seal {run.seal.index} of {moment_of(run.seal.sealed_at_ms):%Y-%m-%d %H:%M:%S} UTC",
    )


def _directory(run: _Run) -> Shown:
    """Step 4 (§3). Relies on step 3: every record of the directory up to the seal, none else."""
    head = run.seal.head(run.bundle.manifest.directory_topic, 0)
    demand_whole_tree(run.bundle.directory, head)
    run.log = DirectoryLog()
    for record in run.bundle.directory:
        run.log.append(record)
    rejected = f", {len(run.log.rejected)} of them without effect" if run.log.rejected else ""
    return "HOLDS", f"{head.size} records{rejected}"


def _founding(run: _Run) -> Shown:
    """Step 5 (§8). Relies on step 4 and the policy: founded by the trusted root keys."""
    ledger = founded(run.directory.ledger)
    manifest = run.bundle.manifest
    for thing, expected, found in (
        ("name of the ledger", manifest.ledger, ledger.name),
        ("id of the ledger", run.seal.ledger_id.hex(), ledger.ledger_id.hex()),
        (
            f"partition of {manifest.subject}",
            partition_of(manifest.subject.encode(), ledger.partitions),
            manifest.partition,
        ),
    ):
        if expected != found:
            raise BadInput(thing, str(expected), found)
    _demand_topics(run, ledger)
    roots = ", ".join(key.hex()[:16] for key in ledger.root_keys)
    if run.policy is None:
        return "UNANCHORED", f"{ledger.name}, root keys {roots}…"
    if not set(ledger.root_keys) <= set(run.policy.root_keys):
        trusted = ", ".join(key.hex()[:16] for key in sorted(run.policy.root_keys))
        raise BadInput("root keys of the ledger", f"those of the policy, {trusted}…", f"{roots}…")
    return "HOLDS", f"{ledger.name}, root keys that are trusted: {len(ledger.root_keys)}"


def _demand_topics(run: _Run, ledger: Ledger) -> None:
    """That what is taken for the events is: no other tree of the seal has so many partitions."""
    manifest, places = run.bundle.manifest, [one.place for one in run.seal.heads]
    expected = {(manifest.topic, partition) for partition in range(ledger.partitions)}
    if {*expected, (manifest.directory_topic, 0)} != {*places} or len(places) == len(expected):
        trees = f"{len(expected)} of the bundle's topic of events, and its directory's"
        raise BadInput("trees of the seal", trees, ", ".join(f"{t}/{p}" for t, p in places))


def _markers(run: _Run) -> Shown:
    """Step 6 (§3). Relies on step 3: every announcement of the directory in this partition."""
    bundle = run.bundle
    key = markers_key(bundle.manifest.partition)
    evidence = bundle.evidence
    demand_all_of_key(bundle, key, bundle.markers, evidence.markers, evidence.of_markers)
    return "HOLDS", f"{len(bundle.markers)} in partition {bundle.manifest.partition}"


def _records(run: _Run) -> Shown:
    """Step 7 (§2, §3). Relies on step 3: each record at its place, and all that there are."""
    bundle = run.bundle
    key = bundle.manifest.subject
    evidence = bundle.evidence
    demand_all_of_key(bundle, key, bundle.records, evidence.records, evidence.of_subject)
    if not bundle.records:
        return "HOLDS", f"NONE: the ledger has no record of {key}"
    return "HOLDS", f"{len(bundle.records)}, and the ledger has no more of {key}"


def _signatures(run: _Run) -> Shown:
    """Step 8 (§1). Relies on steps 4, 6 and 7: who signed, by the directory announced there."""
    bundle, evidence = run.bundle, run.bundle.evidence
    placed = [*pairs(bundle.records, evidence.records), *pairs(bundle.markers, evidence.markers)]
    judged = judge(bundle.manifest.partition, placed, run.log)
    run.recorded = judged.events
    status = Counter(str(one.signature) for one in judged.events)
    said = [f"{count} {name}" for name, count in sorted(status.items())]
    run.by_gateway = judged.by_gateway
    if judged.by_gateway:
        said.append(f"{len(judged.by_gateway)} signed by the gateway for their agencies")
    if judged.rejected:
        said.append(f"{judged.rejected} records that are no event")
    return "HOLDS", ", ".join(said) or "no event"


def _time(run: _Run) -> Shown:
    """Step 9 (§6). Relies on steps 2 to 4 and 7: recorded when the witnesses' seals allow it."""
    evidence, policy = run.bundle.evidence, run.policy
    if policy is None or not policy.witnesses:
        return "UNANCHORED", "time not witnessed"
    seals = witnessed_time.seals_of(evidence.witnessed, evidence.seal, policy)
    manifest = run.bundle.manifest
    times = witnessed_time.directory_times(run.bundle.directory, founded(run.directory.ledger))
    witnessed_time.demand_times(times, seals, (manifest.directory_topic, 0))
    place = (manifest.topic, manifest.partition)
    apart = witnessed_time.demand_times(run.recorded, seals, place)
    if unheld := len(run.recorded) - len(apart):
        return "NOT_SHOWN", f"time not witnessed of {unheld} of {len(run.recorded)} records"
    said = f"{len(apart)} records between {len(seals)} seals that witnesses saw"
    return "HOLDS", f"{said}, at most {max(apart, default=timedelta())} apart"


def _documents(run: _Run) -> Shown:
    """Step 10 (§10). Relies on step 8: folded again, state and history are those in the bundle."""
    subject, at = run.bundle.manifest.subject, moment_of(run.seal.sealed_at_ms)
    run.folded = fold_subject(run.recorded, run.log.at)
    state, history = documents(subject, run.folded, run.directory, at)
    for name, expected, found in (
        ("state", state, run.bundle.state),
        ("history", history, run.bundle.history),
    ):
        if expected != found:
            raise BadInput(f"{name} in the bundle", "what the records give", "something else")
    counts = run.folded.counts()
    return "HOLDS", f"{counts['events']} events, {counts['irregular']} irregular"


def _reports(run: _Run) -> Shown:
    """Step 11 (§9). Relies on steps 8 and 10: what is there to be read says the same."""
    expected = schema_files(one.event.type for one in run.recorded)
    if expected != run.bundle.schemas:
        names = ", ".join(sorted(expected)) or "none"
        raise BadInput(f"{SCHEMAS} of the bundle", f"those of its events: {names}", "others")
    made = reports_of(run.bundle.manifest.release, run.content)
    if made is None:
        return "NOT_SHOWN", "the report is another release's: it was not compared with the records"
    for name, content in made.items():
        if run.bundle.reports[name] != content:
            raise BadInput(name, "what the records give", "something else")
    return "HOLDS", ", ".join(made)


_STEPS: Final = (
    _files,
    _checkpoint,
    _seal,
    _directory,
    _founding,
    _markers,
    _records,
    _signatures,
    _time,
    _documents,
    _reports,
)
