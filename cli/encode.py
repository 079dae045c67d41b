"""`runut encode`: one event as the signed record that another Kafka client may send."""

from __future__ import annotations

import shlex
from base64 import b64encode
from textwrap import fill
from typing import Annotated, Final, Literal

import typer

from cli.common import Json, run
from cli.given_event import (
    About,
    Emitter,
    EventTypeName,
    OccurredAt,
    PayloadOrDirectory,
    given_event,
    payload_and_directory,
)
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.encoded import EncodedRecord
from runut.errors import MissingKey
from runut.event import Event
from runut.keystore import KeyStore
from runut.outgoing import Envelope, demand_agencys, usable_key
from runut.partitioner import partition_of
from runut.settings import Settings, load_settings
from runut.signing import SIGNATURE_HEADER
from runut.text_signing import TextSigner

Form = Literal["text", "json", "kcat"]


def encode(
    event_type: EventTypeName,
    subject: About,
    agency: Emitter,
    data: PayloadOrDirectory = None,
    occurred_at: OccurredAt = None,
    form: Annotated[
        Form,
        typer.Option("--format", help="For people, for programs, or a shell script around kcat."),
    ] = "text",
    as_json: Json = False,
) -> None:
    """Print one event as the signed record that another Kafka client may send.

    Encoded under the ledger's schema and signed with the agency's local key; nothing is sent.
    Bytes are base64; the value is the frame and the Avro body. --format kcat prints a script that
    sends it with kcat, whose arguments it takes.

    Example: runut encode LetterReceived --subject case/X --agency kp2mi
    --data '{"letter_id": "L1"}' --format kcat | sh -s -- -b localhost:9092
    """
    payload, directory = payload_and_directory(data or [])
    event = given_event(event_type, subject, agency, payload, occurred_at)
    record = run(_encoded(load_settings(directory), event))
    if as_json or form == "json":
        typer.echo(record.to_json())
    elif form == "kcat":
        typer.echo(_kcat_script(record), nl=False)
    else:
        typer.echo(_text(record))


async def _encoded(settings: Settings, event: Event) -> EncodedRecord:
    """The event's record, signed where the ledger wants it and the key is here.

    Raises:
        BadInput: it is no event of an agency.
        MissingKey: the ledger requires signatures, and the agency has no usable key here.
    """
    async with DirectoryFollower(settings) as follower:
        directory = follower.log.latest
    ledger = founded(directory.ledger)
    keys = KeyStore(settings.keys)
    key = usable_key(keys, directory, event.agency)
    if key is None and ledger.require_signatures:
        raise MissingKey(event.agency, keys.path)
    envelope = Envelope.of(directory)
    draft = envelope.draft(event)
    demand_agencys(draft)
    signer = TextSigner(key.key_id, key.private_key) if key else None
    (outgoing,) = envelope.seal([draft], signer)
    return EncodedRecord(
        topic=settings.events_topic,
        partition=partition_of(outgoing.key, ledger.partitions),
        key=outgoing.key,
        value=outgoing.value,
        headers=dict(outgoing.headers),
    )


def _text(record: EncodedRecord) -> str:
    lines = [
        f"topic      {record.topic}",
        f"partition  {record.partition}",
        f"key        {_base64(record.key)}",
        f"value      {_base64(record.value)}",
        "headers",
        *(f"  {name:16} {_base64(value)}" for name, value in record.headers.items()),
    ]
    return "\n".join(lines)


def _kcat_script(record: EncodedRecord) -> str:
    """A POSIX shell script: the value comes from a file, since kcat splits what it is piped."""
    headers = " \\\n".join(f"  -H {_argument(*header)}" for header in record.headers.items())
    return _SCRIPT.format(
        value=fill(_base64(record.value), 76),
        topic=shlex.quote(str(record.topic)),
        key=shlex.quote(record.key.decode()),
        headers=headers,
    )


def _argument(name: str, value: bytes) -> str:
    """A header as an argument of kcat; only the signature's bytes are no text."""
    if name == SIGNATURE_HEADER:
        return f'"{name}=$(printf %s {_base64(value)} | base64 -d)"'
    return shlex.quote(f"{name}={value.decode()}")


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


_SCRIPT: Final = """\
#!/bin/sh
# Sends one signed record with kcat, whose other arguments it takes: sh THIS -b HOST:PORT
set -eu
value=$(mktemp)
trap 'rm -f "$value"' EXIT
base64 -d > "$value" <<'END'
{value}
END
kcat -P -t {topic} -X partitioner=murmur2_random -X enable.idempotence=true -k {key} \\
{headers} \\
  "$@" "$value"
"""
