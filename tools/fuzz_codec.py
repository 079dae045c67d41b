"""Feed the codec rubbish for ten minutes: nothing but NotAnEvent may come out, in little memory.

Coverage-guided (atheris), so it is no part of the tests: `make fuzz`, or
`python tools/fuzz_codec.py -max_total_time=600 -rss_limit_mb=200`. The first input byte picks the
schema, the rest is a body; every third input is a whole framed value or a signature header.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
with atheris.instrument_imports(include=["runut"]):
    from runut import codec
    from runut.avro_reader import Reader
    from runut.catalogue import catalogue
    from runut.errors import BadInput, NotAnEvent
    from runut.json_form import from_json, json_bytes
    from runut.signing import parse_signature

TYPES = list(catalogue())
READERS = {one: Reader(one.schema) for one in TYPES}
for reader in READERS.values():
    # Readers are compiled at run time, where instrument_imports does not see them.
    reader._read = atheris.instrument_func(reader._read)
codec._readers.update(READERS)


def decode_body(data: bytes) -> None:
    """What decodes is the same read plainly and after encoding it again, and has a JSON form."""
    event_type = TYPES[data[0] % len(TYPES)]
    try:
        event = codec.decode(event_type, data[1:])
    except NotAnEvent:
        return
    if READERS[event_type].read_plainly(data[1:]) != {"meta": event.meta, **event.data}:
        raise AssertionError(event_type.name)
    if codec.decode(event_type, codec.encode(event_type, event)) != event:
        raise AssertionError(event_type.name)
    json_bytes(event)


def read_value(data: bytes) -> None:
    """Frames, signatures and JSON lines fail as bad input or not at all."""
    for parse in (codec.unframe, parse_signature, from_json):
        try:
            parse(data)
        except BadInput:
            continue


def one_input(data: bytes) -> None:
    """What atheris calls."""
    if len(data) < 2:
        return
    if data[0] % 3:
        decode_body(data[1:])
    else:
        read_value(data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
