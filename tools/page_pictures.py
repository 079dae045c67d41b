"""Write docs/pictures/page-*.png: pages as a browser shows them, of a small sample world.

Starts `runut up --demo` for real, fills it with `runut demo --world`, and takes the pictures with
the system's Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson
from playwright.sync_api import Page, sync_playwright

PICTURES: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures"
RUNUT: Final = (sys.executable, "-m", "cli.main")
WORLD: Final = ("--cases", "400", "--years", "1", "--seed", "7")
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
SIZE: Final = {"width": 1280, "height": 860}
PLACES: Final = {
    "overview": "/",
    "agency": "/agencies/kp2mi",
    "network": "/network",
}
LATE: Final = "/cases?overdue=1"


def main() -> None:
    """Start, fill, look, stop."""
    with tempfile.TemporaryDirectory(prefix="runut-pictures-") as folder, ledger(folder) as url:
        runut("demo", "--world", *WORLD, "--data", folder)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, locale="en", color_scheme="light")  # type: ignore[arg-type]
            page.set_default_timeout(120_000)
            look(page, url)
            browser.close()


@contextmanager
def ledger(folder: str) -> Iterator[str]:
    """A running demonstration; gives the address of its pages."""
    up = subprocess.Popen(
        [*RUNUT, "up", "--demo", "--port", "0", "--data", folder], stdout=subprocess.PIPE, text=True
    )
    try:
        assert up.stdout  # noqa: S101 - it was asked for
        for line in up.stdout:
            sys.stderr.write(line)
            if "Ctrl-C" in line:
                break
        yield orjson.loads((Path(folder) / "platform.json").read_bytes())["web_url"]
    finally:
        up.terminate()
        up.wait()


def runut(*arguments: str) -> None:
    """A command that has to succeed."""
    subprocess.run([*RUNUT, *arguments], check=True)


def chromium() -> str:
    """Where the system's Chromium is."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("no Chromium: install one, on Debian with: apt-get install chromium")
    return found


def look(page: Page, url: str) -> None:
    """Take a picture of each place, and of the first case that is late."""
    page.goto(f"{url}/?lang=en")
    page.get_by_role("main").get_by_role("button").last.click()
    page.wait_for_url(f"{url}/**")
    for name, path in PLACES.items():
        take(page, f"{url}{path}", name)
    page.goto(f"{url}{LATE}")
    case = page.get_by_role("main").locator("a[href^='/cases/']").first.get_attribute("href")
    take(page, f"{url}{case}", "case")


def take(page: Page, address: str, name: str) -> None:
    """One picture."""
    page.goto(address)
    page.screenshot(path=PICTURES / f"page-{name}.png")


if __name__ == "__main__":
    main()
