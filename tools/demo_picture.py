"""Write docs/pictures/demonstration.svg: the demonstration as a terminal shows it.

Runs `runut up --demo --once` for real and draws what it prints, shortened in the middle.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

PICTURE: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "demonstration.svg"
WIDTH: Final = 112
FIRST_AND_LAST: Final = ("Demonstration", "TransferAccepted")
OUTCOME: Final = ("FulfilmentReported", "Coordination history")
CUT: Final = Text("  …", style="dim")


def main() -> None:
    """Play the demonstration and draw it."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), ("make demo", "bold")))
    for line in shown(play()):
        console.print(line, no_wrap=True, crop=True)
    drawn = console.export_svg(title="runut")
    # Rich names a font on the web; a picture in a repository fetches nothing.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))


def play() -> list[Text]:
    """The demonstration's output, line by line, with its colours."""
    look = {"LC_ALL": "en_US.UTF-8", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    with tempfile.TemporaryDirectory(prefix="runut-picture-") as data:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "up", "--demo", "--once", "--port", "0"],
            env={**os.environ, **look, "FORCE_COLOR": "1", "RUNUT_DATA": data},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return [Text.from_ansi(line) for line in done.stdout.splitlines()]


def shown(lines: Sequence[Text]) -> Iterator[Text]:
    """The beginning and the end of the story, and the outcome without the history."""
    for first, last in (FIRST_AND_LAST, OUTCOME):
        start = next(n for n, line in enumerate(lines) if first in line.plain)
        end = next(n for n, line in enumerate(lines) if last in line.plain)
        yield from lines[start : end + (last == FIRST_AND_LAST[1])]
        yield CUT


if __name__ == "__main__":
    main()
