"""Chromium scrolls through five thousand pictures of a library of twenty thousand: cards kept, long tasks, shifts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page, sync_playwright

from bench.browser import FLAGS, chromium
from bench.dataset import READER, django_on, loaded
from bench.report import Measurement, Report
from bench.search.pages import serving, session

PICTURES, SEEN = 20_000, 5_000
STEP, PAUSE = 900, 60  # pixels of one turn of the wheel, milliseconds between two
PATIENCE = 20.0  # seconds without another picture
WIDTH, HEIGHT = 1440, 900

OBSERVE = """
window.scrolled = { seen: new Set(), most: 0, longest: 0, tasks: 0, shift: 0, worst: "" };
let slowest = 0;
new PerformanceObserver(list => {
  for (const frame of list.getEntries()) {
    if (frame.duration <= slowest) continue;
    slowest = frame.duration;
    const rendering = Math.round(frame.startTime + frame.duration - frame.renderStart);
    const scripts = frame.scripts.map(each => `${each.invoker} ${Math.round(each.duration)} ms`).join(", ");
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
  scrolled.most = Math.max(scrolled.most, document.getElementsByClassName("card").length);
}).observe(document, { subtree: true, childList: true });
"""


@dataclass(frozen=True)
class Scrolled:
    """Cards that were there, most at once; milliseconds of the longest task, long tasks; shift of the layout.

    `worst`: what the browser says of the longest frame.
    """

    seen: int
    maximum: int
    longest: float
    tasks: int
    shift: float
    worst: str
    seconds: float


def measure() -> Report:
    with (
        loaded(PICTURES) as library,
        django_on(library),
        serving(library) as (host, port),
        page_at(f"http://{host}:{port}/", cookie=session(READER)) as page,
    ):
        return report(scroll(page))


def report(found: Scrolled) -> Report:
    figures = [
        Measurement(what="pictures scrolled through", ours=found.seen, unit="", at_least=SEEN),
        Measurement(what="cards at once, most", ours=found.maximum, unit="", at_most=3_000),
        Measurement(what="longest task", ours=found.longest, unit="ms", at_most=200),
        Measurement(what="layout shift, summed up", ours=found.shift, unit="", at_most=0.02),
    ]
    notes = [
        f"{found.seconds:.0f} s by the wheel, {STEP} px at a time, in a window of {WIDTH} × {HEIGHT}; "
        f"{found.tasks} tasks took more than 50 ms.",
        f"The longest frame: {found.worst or 'none was long'}.",
    ]
    return Report("scrolling through the library in Chromium", figures, notes)


@contextmanager
def page_at(address: str, *, cookie: str) -> Iterator[Page]:
    """The library, for who holds the session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
        page = context.new_page()
        page.add_init_script(OBSERVE)
        page.goto(address, wait_until="load")
        yield page
        browser.close()


def scroll(page: Page) -> Scrolled:
    """Until enough was seen, or nothing more comes."""
    page.mouse.move(WIDTH * 2 / 3, HEIGHT / 2)
    began = last_new = time.monotonic()
    seen = 0
    while seen < SEEN and time.monotonic() - last_new < PATIENCE:
        page.mouse.wheel(0, STEP)
        page.wait_for_timeout(PAUSE)
        before, seen = seen, page.evaluate("scrolled.seen.size")
        if seen > before:
            last_new = time.monotonic()
    found = page.evaluate("({ ...scrolled, seen: scrolled.seen.size })")
    return Scrolled(**found, seconds=time.monotonic() - began)


if __name__ == "__main__":
    print(measure().to_json())
