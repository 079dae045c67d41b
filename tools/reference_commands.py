"""Write docs/reference/commands.md from the `runut` command itself: every command and option.

Run after each change of the command line; a test refuses a page that says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer

from cli.main import app

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "commands.md"
HEAD: Final = """\
# Commands

Made from the program by `python tools/reference_commands.py`; do not edit.

Every command finds its platform by `--data DIR`, by `RUNUT_DATA`, or in `.runut` of the folder in
which it is typed; addresses of [external services](settings.md) go before what runs there. `-h`
shows a command's help. With `--json` there is one document on standard output; messages go to
standard error.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed, with one sentence that says what was expected and what was found; refused; not found |
| 2 | wrong usage |
| 3 | partly done: some of what was to be sent is malformed, or of what was to be verified missing |
| 4 | what was to be verified does not hold |
| 130 | ended by Ctrl-C |
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The whole page as Markdown."""
    root = typer.main.get_command(app)
    return "\n".join([HEAD, *(_section(path, command) for path, command in commands(root))])


def commands(command: Any, path: str = "runut") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from commands(one, f"{path} {name}")


def _section(path: str, command: Any) -> str:
    about, _, example = (command.help or "").partition("Example: ")
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    words = [path, *(_placed(one) for one in arguments), "[OPTIONS]"]
    parts = [f"## {path}", about.strip(), f"```\n{' '.join(words)}\n```"]
    context = typer.Context(command)
    rows = [_row(_placed(one), one) for one in arguments]
    rows += [_option(one, context) for one in options]
    if rows:
        parts.append("\n".join(["| | |", "|---|---|", *rows]))
    if example:
        parts.append(f"Example:\n\n```\n{' '.join(example.split())}\n```")
    return "\n\n".join(parts) + "\n"


def _placed(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()).strip("{}")
    more = "…" if argument.nargs == -1 else ""
    return f"{name}{more}" if argument.required else f"[{name}{more}]"


def _option(option: Any, context: typer.Context) -> str:
    takes = "" if option.is_flag else f" {_value(option, context)}"
    return _row(f"{'`, `'.join(option.opts)}{takes}", option)


def _value(option: Any, context: typer.Context) -> str:
    """What follows an option: its metavar, its choices, or its type."""
    shown = str(option.display_type(context)).strip("<>")
    return option.metavar or (shown if "|" in shown else shown.upper())


def _row(name: str, param: Any) -> str:
    notes = [(param.help or "").strip()]
    if param.required and param.param_type_name == "option":
        notes.append("Required.")
    if param.envvar:
        notes.append(f"Environment: `{param.envvar}`.")
    if param.show_default and param.default not in (None, False, True, ()):
        notes.append(f"Default: {param.default}.")
    said = " ".join(f"{note.rstrip('.')}." for note in notes if note).replace("|", "\\|")
    return f"| `{name.replace('|', chr(92) + '|')}` | {said} |"


if __name__ == "__main__":
    main()
