"""Write protocols/protocol.schema.json from the types that protocol files are read with.

Run after each change of these types; a test refuses a schema that says otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from runut.protocol import protocol_schema

FILE: Final = Path(__file__).resolve().parents[1] / "protocols" / "protocol.schema.json"


def main() -> None:
    """Write the file."""
    FILE.write_text(text())


def text() -> str:
    """The schema as it is published."""
    return json.dumps(protocol_schema(), indent=2) + "\n"


if __name__ == "__main__":
    main()
