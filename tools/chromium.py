"""Say where there is a Chromium for tests and pictures, and install one where there is none.

`make test` runs this first: `python tools/chromium.py`. The system's is taken; else Playwright's
own, which is downloaded once; else, where that cannot be had and we may, Debian's package. A
machine that gets none of them fails here, loudly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
STDERR: Final = 2
INSTALL: Final = (sys.executable, "-m", "playwright", "install", "chromium")
DEBIAN: Final = (
    ("apt-get", "update", "--quiet"),
    ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"),
)
ADVICE: Final = (
    "no Chromium, which tests of the pages need, and Playwright could not install one: "
    "install the system's, on Debian with: apt-get install chromium"
)


def system_chromium() -> str | None:
    """The system's Chromium; None where it has none, and Playwright takes its own."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def own_chromium() -> str | None:
    """Playwright's own, of the version that it was made for; None where it is not installed."""
    with sync_playwright() as playwright:
        place = playwright.chromium.executable_path
    return place if Path(place).is_file() else None


def main() -> None:
    """Find one, or install one."""
    found = system_chromium() or own_chromium() or _installed()
    if found is None:
        sys.exit(ADVICE)
    sys.stdout.write(f"{found}\n")


def _installed() -> str | None:
    sys.stderr.write("no Chromium on this machine: Playwright installs its own\n")
    subprocess.run(INSTALL, check=False)
    found = own_chromium()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write("Playwright could not: apt-get installs Debian's\n")
        for command in DEBIAN:
            subprocess.run(command, check=False, stdout=STDERR)
        found = system_chromium()
    return found


if __name__ == "__main__":
    main()
