"""The README's picture: the library page with the samples, as `make demo` shows it; bench/screenshot.py [FILE]."""

from __future__ import annotations

import sys
import time
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # called as a file

import psycopg  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Page  # noqa: E402

from bench.browser import Site, page_of, site  # noqa: E402
from imagelib import embedded  # noqa: E402

TARGET = ROOT / "docs" / "library.webp"
MOST_BYTES = 150_000
PATIENCE = 120.0  # seconds until every sample is analyzed


def main(target: Path) -> None:
    with site(samples=True) as running:
        wait_until_analyzed(running)
        with page_of(running, width=1280, height=800) as page:
            settle(page)
            content = small(page.screenshot())
    target.write_bytes(content)
    print(f"{target}: {len(content):,} bytes")


def wait_until_analyzed(running: Site) -> None:
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(embedded.database_url(running.var), autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM analysis_analysis WHERE finished_at IS NULL LIMIT 1").fetchone():
            if time.monotonic() > deadline:
                raise TimeoutError(f"After {PATIENCE:.0f} s the samples are not all analyzed.")
            time.sleep(0.2)


def settle(page: Page) -> None:
    """Every picture in sight is there."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => [...document.images].every(image => image.complete || image.loading === 'lazy')")


def small(png: bytes) -> bytes:
    """As WebP of at most MOST_BYTES, as good as that allows."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    for quality in range(90, 30, -10):
        buffer = BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MOST_BYTES:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
