"""Scrolling through 5,000 pictures in Chromium: cards, long tasks, layout shift."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page, sync_playwright

from bench.browser import FLAGS, chromium
from bench.dataset import READER, django_setup, loaded_library
from bench.report import Measurement, Report
from bench.search.pages import serving, session_key

PICTURES, TARGET = 20_000, 5_000
STEP, PAUSE = 900, 60  # pixels for each turn of the wheel, milliseconds between two turns
TIMEOUT = 20.0  # seconds without a new picture
WIDTH, HEIGHT = 1440, 900

OBSERVE = """
window.scrolled = { seen: new Set(), peak: 0, longest: 0, tasks: 0, shift: 0, worst: "" };
let slowest = 0;
new PerformanceObserver(list => {
  for (const frame of list.getEntries()) {
    if (frame.duration <= slowest) continue;
    slowest = frame.duration;
    const rendering = Math.round(frame.startTime + frame.duration - frame.renderStart);
    const scripts = frame.scripts.map(script => `${script.invoker} ${Math.round(script.duration)} ms`).join(", ");
    scrolled.worst = `${Math.round(slowest)} ms, of these rendering ${rendering} ms and scripts ${scripts || "none"}`;
  }
}).observe({ type: "long-animation-frame", buffered: true });
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) scrolled.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    scrolled.longest = Math.max(scrolled.longest, entry.duration);
    scrolled.tasks += 1;
  }
}).observe({ type: "longtask", buffered: true });
new MutationObserver(changes => {
  for (const change of changes) {
    for (const node of change.addedNodes) {
      if (node.nodeType !== 1) continue;
      if (node.matches(".card[id]")) scrolled.seen.add(node.id);
      for (const card of node.querySelectorAll(".card[id]")) scrolled.seen.add(card.id);
    }
  }
  scrolled.peak = Math.max(scrolled.peak, document.getElementsByClassName("card").length);
}).observe(document, { subtree: true, childList: true });
"""


@dataclass(frozen=True)
class ScrollResult:
    seen: int  # cards
    peak: int  # cards in the page at the same time
    longest: float  # task, in milliseconds
    tasks: int  # of more than 50 ms
    shift: float  # of the layout, summed up
    worst: str  # description of the longest frame
    seconds: float


def measure() -> Report:
    with (
        loaded_library(PICTURES) as library,
        django_setup(library),
        serving(library) as (host, port),
        page_at(f"http://{host}:{port}/", cookie=session_key(READER)) as page,
    ):
        return report(scroll(page))


def report(result: ScrollResult) -> Report:
    measurements = [
        Measurement(name="pictures scrolled through", value=result.seen, unit="", at_least=TARGET),
        Measurement(name="peak number of cards", value=result.peak, unit="", at_most=3_000),
        Measurement(name="longest task", value=result.longest, unit="ms", at_most=200),
        Measurement(name="cumulative layout shift", value=result.shift, unit="", at_most=0.02),
    ]
    notes = [
        f"{result.seconds:.0f} s of wheel turns of {STEP} px, in a window of {WIDTH} × {HEIGHT}; "
        f"{result.tasks} tasks took more than 50 ms.",
        f"Longest frame: {result.worst or 'none over 50 ms'}.",
    ]
    return Report("scrolling through the library in Chromium", measurements, notes)


@contextmanager
def page_at(address: str, *, cookie: str) -> Iterator[Page]:
    """The library in Chromium, with a session's cookie."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
        page = context.new_page()
        page.add_init_script(OBSERVE)
        page.goto(address, wait_until="load")
        yield page
        browser.close()


def scroll(page: Page) -> ScrollResult:
    """Scroll until the target is reached or no new picture appears."""
    page.mouse.move(WIDTH * 2 / 3, HEIGHT / 2)
    began = last_new = time.monotonic()
    seen = 0
    while seen < TARGET and time.monotonic() - last_new < TIMEOUT:
        page.mouse.wheel(0, STEP)
        page.wait_for_timeout(PAUSE)
        before, seen = seen, page.evaluate("scrolled.seen.size")
        if seen > before:
            last_new = time.monotonic()
    result = page.evaluate("({ ...scrolled, seen: scrolled.seen.size })")
    return ScrollResult(**result, seconds=time.monotonic() - began)


if __name__ == "__main__":
    print(measure().to_json())
