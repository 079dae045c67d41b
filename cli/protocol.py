"""`runut protocol`: check a protocol file, publish it, show the one in force."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from cli.common import Data, Json, moment, print_json
from runut import publishing
from runut.directory import Directory, PublishedProtocol, founded
from runut.directory_file import read_directory_file
from runut.directory_follower import DirectoryFollower
from runut.errors import BadFile, LedgerMismatch, NotFound, SettingError, Unreachable
from runut.protocol import Protocol
from runut.protocol_check import Finding, Known, check_protocol
from runut.protocol_words import LANGS, Lang, sentences
from runut.rfc3339 import format_time
from runut.settings import Settings, load_settings

protocol_app = typer.Typer(no_args_is_help=True, help="Who owes what to whom by when.")

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Protocol file (TOML)."),
]
Language = Annotated[
    Lang | None, typer.Option("--lang", help="Say it in this language alone. Default: in both.")
]


@protocol_app.command("check")
def check(
    file: File,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Check its agencies against a directory file. Default: the ledger, if one runs.",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
) -> None:
    """Check a protocol file without publishing it, and say in words what it says.

    Finds everything that is wrong, each with its line: what the file may not hold, what
    contradicts itself, what contradicts the directory. Warnings alone do not fail.

    Example: runut protocol check protocols/pmi.toml
    """
    text = publishing.read_text(file)
    against = _directory_file(directory) if directory else _ledger(load_settings(data))
    findings = check_protocol(text, against.known)
    errors = sum(finding.severity == "ERROR" for finding in findings)
    protocol = None if errors else Protocol(text)
    if as_json:
        print_json(_checked(file, against.name, findings, protocol))
    else:
        _print_findings(file, findings)
        if protocol is not None:
            typer.echo(f"{file}: protocol {protocol.version}")
            _print_sentences(protocol, lang)
    if against.missing:
        typer.echo(f"not checked against a directory: {against.missing}", err=True)
    if errors:
        raise BadFile(str(file), "a protocol without errors", errors)


@protocol_app.command("publish")
def publish(
    file: File,
    effective_from: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            metavar="T",
            parser=moment,
            help="In force for what happens from then on. Default: from now on.",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Publish a protocol file. What was due under an earlier one stays as it was.

    Example: runut protocol publish protocols/pmi.toml --from 2026-01-01T00:00:00+07:00
    """
    settings = load_settings(data)
    published = asyncio.run(publishing.publish_protocol(settings, file, effective_from))
    if as_json:
        print_json({"published": published})
    else:
        typer.echo("published" if published else "this is the protocol in force already")


@protocol_app.command("show")
def show(
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at", metavar="T", parser=moment, help="For what happens at a moment. Default: now."
        ),
    ] = None,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="The file as it was published, to make another of.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
) -> None:
    """Show the protocol that is in force for what happens now, or at a moment.

    Example: runut protocol show --toml > mine.toml
    """
    directory = asyncio.run(_read_directory(load_settings(data)))
    when = at or datetime.now(UTC)
    found = directory.published_at(when)
    if found is None:
        raise NotFound("protocol", f"expected one in force at {format_time(when)}, found none")
    protocol = found.protocol
    if as_json:
        print_json(_shown(found, when, directory))
    elif as_toml:
        typer.echo(protocol.text, nl=False)
    else:
        typer.echo(f"protocol {protocol.version}, since {format_time(found.effective_from)}")
        _print_sentences(protocol, lang)


class _Against(NamedTuple):
    """What a file is checked against, or why against nothing."""

    known: Known | None
    name: str | None
    missing: str | None = None


def _directory_file(path: Path) -> _Against:
    return _Against(Known.among(read_directory_file(path).agencies), str(path))


def _ledger(settings: Settings) -> _Against:
    try:
        directory = asyncio.run(_read_directory(settings))
    except (Unreachable, LedgerMismatch, SettingError) as error:
        return _Against(None, None, str(error))
    return _Against(Known.of(directory), f"ledger {founded(directory.ledger).name}")


async def _read_directory(settings: Settings) -> Directory:
    async with DirectoryFollower(settings) as follower:
        founded(follower.log.latest.ledger)
        return follower.log.latest


def _checked(
    file: Path, against: str | None, findings: Iterable[Finding], protocol: Protocol | None
) -> dict[str, Any]:
    return {
        "file": str(file),
        "ok": protocol is not None,
        "version": protocol.version if protocol else None,
        "checked_against": against,
        "findings": [msgspec.structs.asdict(finding) for finding in findings],
        "says": _said(protocol) if protocol else None,
    }


def _shown(found: PublishedProtocol, when: datetime, directory: Directory) -> dict[str, Any]:
    return {
        **_named(found),
        "at": format_time(when),
        "says": _said(found.protocol),
        "text": found.protocol.text,
        "published": [_named(one) for one in reversed(directory.protocols)],
    }


def _named(published: PublishedProtocol) -> dict[str, str]:
    return {
        "version": published.protocol.version,
        "effective_from": format_time(published.effective_from),
        "sha256": sha256(published.protocol.text.encode()).hexdigest(),
    }


def _said(protocol: Protocol) -> dict[str, list[str]]:
    return {lang: sentences(protocol, lang) for lang in LANGS}


def _print_findings(file: Path, findings: Iterable[Finding]) -> None:
    for finding in findings:
        place = f"{file}:{finding.line}" if finding.line else str(file)
        typer.echo(f"{place}: {finding.severity.lower()}: {finding}")


def _print_sentences(protocol: Protocol, lang: Lang | None) -> None:
    for one in (lang,) if lang else LANGS:
        typer.echo()
        for sentence in sentences(protocol, one):
            typer.echo(f"- {''.join(char for char in sentence if char.isprintable())}")
