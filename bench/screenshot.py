"""Takes the screenshots of README and docs: bench/screenshot.py [NAME…]."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, so only bench/ is on the path

import psycopg
from PIL import Image
from playwright.sync_api import Page

from bench.browser import Site, running_site, signed_in_page
from imagelib import embedded

MAX_BYTES = 120_000
TIMEOUT = 120.0  # seconds until every sample is analyzed
DESKTOP, PHONE = (1280, 800), (390, 844)


def _nothing(_page: Page) -> None:
    """No step: the page as it opens."""


def _open_cat(page: Page) -> None:
    page.locator("main a[href*='/images/']").first.click()
    page.wait_for_selector("button[id^=confirm-]")


def _review_cat(page: Page) -> None:
    _open_cat(page)
    page.locator("button[id^=confirm-]").first.click()
    page.wait_for_selector(".label-row.confirmed")
    page.locator("button[id^=reject-]").last.click()
    page.wait_for_selector("text=Rejected")


@dataclass(frozen=True)
class Shot:
    """A screenshot: its file below docs/, the URL, and steps on the page."""

    file: str
    address: str = "/"
    steps: Callable[[Page], None] = _nothing
    size: tuple[int, int] = DESKTOP
    scheme: Literal["light", "dark"] = "light"

    @property
    def path(self) -> Path:
        return ROOT / "docs" / self.file


SHOTS = (
    Shot("library.webp", "/?q=sort:name"),
    Shot("images/library-dark.webp", "/?q=sort:name", scheme="dark"),
    Shot("images/search.webp", "/?q=color:grey%20-person"),
    Shot("images/picture.webp", "/?q=cat", steps=_open_cat, scheme="dark"),
    Shot("images/review.webp", "/?q=cat", steps=_review_cat),
    Shot("images/dashboard.webp", "/dashboard/"),
    Shot("images/admin.webp", "/admin/"),
    Shot("images/phone.webp", size=PHONE),
    Shot("images/phone-dark.webp", size=PHONE, scheme="dark"),
)


def main(names: list[str]) -> None:
    chosen = [shot for shot in SHOTS if not names or shot.path.stem in names]
    with running_site(samples=True) as site:
        wait_until_analyzed(site)
        with signed_in_page(site) as page:
            page.click("[aria-label=Dismiss]")  # the notice about the first password
            for shot in chosen:
                content = take(page, shot, site)
                shot.path.parent.mkdir(exist_ok=True)
                shot.path.write_bytes(content)
                print(f"{shot.path}: {len(content):,} bytes")


def take(page: Page, shot: Shot, site: Site) -> bytes:
    width, height = shot.size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=shot.scheme, reduced_motion="reduce")
    page.goto(urljoin(site.address, shot.address))
    shot.steps(page)
    wait_for_images(page)
    return encode(page.screenshot())


def wait_until_analyzed(site: Site) -> None:
    deadline = time.monotonic() + TIMEOUT
    with psycopg.connect(embedded.database_url(site.var), autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM analysis_analysis WHERE finished_at IS NULL LIMIT 1").fetchone():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not all samples were analyzed within {TIMEOUT:.0f} s.")
            time.sleep(0.2)


def wait_for_images(page: Page) -> None:
    """Wait until all images but lazy ones outside the window are loaded."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => [...document.images].every(image => image.complete || image.loading === 'lazy')")


def encode(png: bytes) -> bytes:
    """A WebP of at most MAX_BYTES, in the best possible quality."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    for quality in range(90, 30, -10):
        buffer = BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
