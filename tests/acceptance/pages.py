"""Pages of the documentation as tests follow them, block by block.

A fenced `console` block holds commands after `$ ` and what they print; `…` stands for anything,
alone on a line for any number of lines. A block with a file name after its language, such as
```toml agencies.toml, is a file to save. All other blocks are not followed.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.acceptance.running import ANSWER_S, until

FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENDED = "the command ended with"


class File(NamedTuple):
    """Something to save."""

    name: str
    content: str


class Command(NamedTuple):
    """Something to type, and what the page says it prints."""

    text: str
    printed: str


def steps(page: Path) -> Iterator[File | Command]:
    """What a reader of the page does, in order."""
    for language, name, content in FENCE.findall(page.read_text()):
        if name:
            yield File(name, content)
        elif language == "console":
            for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
                text = re.match(r"(?:.*\\\n)*.*", part)
                assert text
                yield Command(text[0], part[text.end() + 1 :])


def says(printed: str, found: str) -> bool:
    """Whether what was printed is what the page says."""
    pattern = "\n".join(
        "(?:.*\n)*?.*" if line == "…" else re.escape(line).replace("…", ".*")
        for line in _lines(printed)
    )
    return re.fullmatch(pattern, "\n".join(_lines(found))) is not None


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


class Reader:
    """Someone with a shell in an empty folder who does what a page says."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        folder.mkdir()
        self._folder = folder
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def follow(self, page: Path) -> None:
        """Do every step; each must print what the page says, and fail only where it says so."""
        for step in steps(page):
            if isinstance(step, File):
                self._save(step)
            elif step.text.startswith("runut up"):
                self._start(step)
            else:
                found, code = self._type(step.text)
                assert says(step.printed, found), f"$ {step.text}\n{found}"
                refused = step.printed.startswith("runut: ")
                assert refused == (code != 0), f"$ {step.text}\n{found}ended with {code}"

    def leave(self) -> int:
        """Close the shell when what it started has ended; gives the exit code of that."""
        assert self._shell.stdin
        self._shell.stdin.write(b"wait $!; exit $?\n")
        self._shell.stdin.close()
        return self._shell.wait(ANSWER_S)

    def _save(self, file: File) -> None:
        here = Path(f"/proc/{self._shell.pid}/cwd")
        (here / file.name).write_text(file.content)

    def _type(self, command: str) -> tuple[str, int]:
        """Type a command; gives what it prints and its exit code."""
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f'{command}\necho "{ENDED} $?"\n'.encode())
        self._shell.stdin.flush()
        found = b""
        while (ended := re.search(rb"%s (\d+)\n$" % ENDED.encode(), found)) is None:
            ready, _, _ = select.select([self._shell.stdout], [], [], ANSWER_S)
            more = os.read(self._shell.stdout.fileno(), 65536) if ready else b""
            found += more
            assert more, f"expected an end of `{command}`, found {found.decode()}"
        return found[: ended.start()].decode(), int(ended[1])

    def _start(self, step: Command) -> None:
        """Have a command run in the background, as in a terminal of its own."""
        output = self._folder.with_suffix(".background")
        output.touch()
        self._type(f"{step.text} > {output} 2>&1 &")
        until(
            lambda: says(step.printed, output.read_text()),
            expected=f"{step.text} to print what the page says",
        )
