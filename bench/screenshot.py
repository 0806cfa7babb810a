"""Takes the README's screenshot of the library: bench/screenshot.py [FILE]."""

from __future__ import annotations

import sys
import time
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # started as a file, so only bench/ is on the path

import psycopg
from PIL import Image
from playwright.sync_api import Page

from bench.browser import Site, running_site, signed_in_page
from imagelib import embedded

TARGET = ROOT / "docs" / "library.webp"
MAX_BYTES = 150_000
TIMEOUT = 120.0  # seconds until every sample is analyzed


def main(target: Path) -> None:
    with running_site(samples=True) as site:
        wait_until_analyzed(site)
        with signed_in_page(site, width=1280, height=800) as page:
            wait_for_images(page)
            content = encode(page.screenshot())
    target.write_bytes(content)
    print(f"{target}: {len(content):,} bytes")


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
    """WebP of at most MAX_BYTES, in the best quality that allows this."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    for quality in range(90, 30, -10):
        buffer = BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
