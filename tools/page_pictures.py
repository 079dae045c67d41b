"""Write docs/pictures/page-*.webp: pages as a browser shows them, of a small sample world.

Starts `runut up` for real, fills it with `runut demo --world`, and looks at it with the Chromium of
the tests. `python tools/page_pictures.py DIR` looks at what runs on a data directory already.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tools.chromium import system_chromium

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURES: Final = ROOT / "docs" / "pictures"
RUNUT: Final = (sys.executable, "-m", "cli.main")
WORLD: Final = ("--cases", "400", "--years", "1", "--seed", "7")
PATIENCE_S: Final = 600
LARGEST: Final = 150_000
"""Bytes of a picture at most."""
QUALITIES: Final = range(90, 40, -10)
DESK: Final = {"width": 1280, "height": 900}
TALL: Final = {"width": 1280, "height": 1180}
PHONE: Final = {"width": 390, "height": 844}


class Picture(NamedTuple):
    """A page, and how it is looked at. `{case}` stands for a late case that has gone far."""

    name: str
    path: str
    size: dict[str, int] = DESK
    scheme: str = "light"
    locale: str = "en-GB"
    scale: float = 1.5


WANTED: Final = (
    Picture("overview", "/"),
    Picture("case", "{case}"),
    Picture("agency", "/agencies/kp2mi"),
    Picture("network", "/network", TALL, scheme="dark", scale=1),
    Picture("phone", "{case}", PHONE, locale="id-ID"),
)


def main() -> None:
    """Start, fill, look, stop."""
    if len(sys.argv) > 1:
        look(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory(prefix="runut-pictures-") as folder, demonstration(folder):
        subprocess.run([*RUNUT, "demo", "--world", *WORLD, "--data", folder], check=True)
        look(Path(folder))


@contextmanager
def demonstration(folder: str) -> Iterator[None]:
    """A platform that runs as long as the block lasts, and lets in who is on this machine."""
    said = Path(folder).with_suffix(".out")
    with said.open("wb") as output:
        up = subprocess.Popen(
            [*RUNUT, "up", "--port", "0", "--data", folder],
            env={**os.environ, "RUNUT_WEB_DEMONSTRATION": "true"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_it_says("Ctrl-C", said, up)
        yield
    finally:
        up.terminate()
        up.wait(PATIENCE_S)
        said.unlink()


def wait_until_it_says(words: str, said: Path, up: subprocess.Popen[bytes]) -> None:
    """Wait for words in what a process writes; give up when it ends without them."""
    deadline = time.monotonic() + PATIENCE_S
    while words not in said.read_text():
        if up.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"runut up did not start:\n{said.read_text()}")
        time.sleep(0.2)


def look(data: Path) -> None:
    """Take all pictures of the demonstration on a data directory."""
    url = orjson.loads((data / "platform.json").read_bytes())["web_url"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=system_chromium(), args=["--no-sandbox"]
        )
        for picture in WANTED:
            take(browser, url, picture)
        browser.close()


def take(browser: Browser, url: str, picture: Picture) -> None:
    """One picture, by somebody who has just signed in."""
    options: dict[str, Any] = {"color_scheme": picture.scheme, "device_scale_factor": picture.scale}
    context = browser.new_context(viewport=picture.size, locale=picture.locale, **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.goto(f"{url}/sign-in?lang={picture.locale[:2]}")
    page.locator(".demonstration button").click()
    page.wait_for_url(f"{url}/")
    page.goto(url + picture.path.format(case=late_case(page, url)))
    keep(page.screenshot(), PICTURES / f"page-{picture.name}.webp")
    context.close()


def late_case(page: Page, url: str) -> str:
    """The page of a late case: that which most agencies were responsible for."""
    lines = page.request.get(f"{url}/api/v1/cases?format=jsonl").text().splitlines()
    late = [case for case in map(orjson.loads, lines) if case["commitments"]["overdue"]]
    found = max(late, key=lambda case: (len(case["custody"]), case["subject"]))
    return f"/cases/{found['subject'].removeprefix('case/')}"


def keep(screenshot: bytes, file: Path) -> None:
    """Write a picture, as good as it can be in so many bytes."""
    with Image.open(BytesIO(screenshot)) as image:
        for quality in QUALITIES:
            image.convert("RGB").save(file, "WEBP", quality=quality, method=6)
            if (size := file.stat().st_size) <= LARGEST:
                sys.stdout.write(f"{file.relative_to(ROOT)} {size} bytes, quality {quality}\n")
                return
    sys.exit(f"{file}: expected {LARGEST} bytes at most, found {size}")


if __name__ == "__main__":
    main()
