"""Bench of the picture page: server time, next picture, tiles of 100 megapixels."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from urllib.parse import urlsplit

from playwright.sync_api import Page

from bench import sandbox
from bench.browser import Site, running_site, signed_in_page
from bench.report import Measurement, Report, percentile

PICTURES, REQUESTS, TURNS, ZOOMS = 12, 200, 10, 10
TIMEOUT = 60_000  # milliseconds

# Measured in the page: from the key press to the frame that shows the next picture, decoded.
NEXT = """
key => new Promise(resolve => {
  const before = document.querySelector("h1").closest(".image-page");
  const began = performance.now();
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const look = async () => {
    if (document.querySelector(".image-page") === before) return requestAnimationFrame(look);
    await document.querySelector(".preview").decode();
    requestAnimationFrame(() => resolve(performance.now() - began));
  };
  look();
})
"""
ZOOM = """
() => new Promise(resolve => {
  const began = performance.now();
  document.querySelector("picture-zoom").zoomToActualSize();
  const look = () => {
    const tiles = [...document.querySelectorAll(".tile")];
    if (tiles.some(tile => tile.complete && tile.naturalWidth)) resolve(performance.now() - began);
    else requestAnimationFrame(look);
  };
  look();
})
"""


def measure() -> Report:
    with running_site() as site:
        seed(site, f"fill({PICTURES})")
        large = int(seed(site, "print(add_large())"))
        with signed_in_page(site, width=1440, height=900) as page:
            first = large - 1
            cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == "sessionid")
            pages = request_times(site, f"/images/{first}/", cookie=cookie["value"])
            turns = turn_times(page, f"{site.address}images/{first}/")
            cold, warm = zoom_times(page, f"{site.address}images/{large}/")
    return report(pages, turns, cold=cold, warm=warm)


def report(pages: list[float], turns: list[float], *, cold: float, warm: list[float]) -> Report:
    measurements = [
        Measurement(name="picture page, p95", value=percentile(pages, 0.95), unit="ms", at_most=40),
        Measurement(name="next picture after the key, p95", value=percentile(turns, 0.95), unit="ms", at_most=150),
        Measurement(name="1:1 of 100 megapixels, warm, median", value=percentile(warm, 0.5), unit="ms", at_most=300),
        Measurement(name="the same for the first time", value=cold, unit="ms"),
    ]
    notes = [
        f"{REQUESTS} requests of a page with 100 boxes and 20 analyses (median {percentile(pages, 0.5):.0f} ms); "
        f"{TURNS} arrow keys in Chromium until the preview is decoded; {ZOOMS} zooms until the first tile is there.",
    ]
    return Report("the picture page and its viewer", measurements, notes)


def seed(site: Site, call: str) -> str:
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", f"from bench.seed_viewer import *; {call}"]
    env = sandbox.environment(site.var)
    result = subprocess.run(command, cwd=sandbox.ROOT, env=env, check=True, capture_output=True, text=True, timeout=300)
    return result.stdout


def request_times(site: Site, path: str, *, cookie: str) -> list[float]:
    """Milliseconds of sequential requests over one connection."""
    connection = http.client.HTTPConnection(urlsplit(site.address).netloc, timeout=60)
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"sessionid={cookie}", "Accept-Encoding": "gzip"})
        response = connection.getresponse()
        response.read()
        times.append((time.perf_counter() - began) * 1_000)
        if response.status != 200:
            raise RuntimeError(f"{path} returned status {response.status}.")
    return times


def turn_times(page: Page, url: str) -> list[float]:
    page.goto(url, wait_until="networkidle")
    times = []
    for _ in range(TURNS):
        times.append(page.evaluate(NEXT, "ArrowRight"))
        page.wait_for_timeout(700)  # the pause of a person who views the picture
    return times


def zoom_times(page: Page, url: str) -> tuple[float, list[float]]:
    """Milliseconds of the first zoom, which renders the tiles, and of later ones."""
    page.set_default_timeout(TIMEOUT)
    times = []
    for _ in range(1 + ZOOMS):
        page.goto(url, wait_until="networkidle")
        times.append(page.evaluate(ZOOM))
    return times[0], times[1:]


if __name__ == "__main__":
    print(measure().to_json())
