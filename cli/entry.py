"""The console script: says what to install where the commands' libraries are missing.

The base of the distribution is the library that agencies import; the commands come with the
extra `server` (architecture.md, Rooms).
"""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line, or say in a sentence why it cannot."""
    try:
        from cli.main import run as run_commands
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"runut: its commands need the extra 'server' (there is no module {error.name}); "
            "install it with: pip install 'runut[server]'\n"
        )
        sys.exit(1)
    run_commands()
