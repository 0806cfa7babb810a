"""Bench of scrolling through 5,000 pictures in Chromium, and of timeline jumps.

BENCH_PICTURES=100000 takes a larger library.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.browser import FLAGS, chromium
from bench.dataset import READER, django_setup, loaded_library
from bench.report import Measurement, Report, percentile
from bench.search.pages import serving, session_key

PICTURES, TARGET = int(os.environ.get("BENCH_PICTURES", "20000")), 5_000
STEP, PAUSE = 900, 60  # pixels per turn of the wheel, milliseconds between turns
TIMEOUT = 20.0  # seconds without a new picture
WIDTH, HEIGHT = 1440, 900
JUMPS = 20
MAIN_THREAD = "CrRendererMain"
# From the click to the frame that shows the first pictures of the month.
JUMP = """
share => new Promise(resolve => {
  const timeline = document.querySelector("timeline-scrubber");
  const before = document.querySelector("#grid");
  const { index, months } = timeline;
  const other = Math.floor(share * months.length);
  timeline.show(other === index ? (other + 1) % months.length : other);
  const began = performance.now();
  timeline.jump();
  const look = () => {
    const grid = document.querySelector("#grid");
    if (!grid || grid === before || !grid.querySelector(".card")) return requestAnimationFrame(look);
    requestAnimationFrame(() => resolve(performance.now() - began));
  };
  look();
})
"""

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
    seen: int  # cards seen
    peak: int  # cards in the page at the same time
    longest: float  # longest task in milliseconds
    tasks: int  # tasks of more than 50 ms
    shift: float  # sum of layout shifts
    worst: str  # description of the longest frame
    seconds: float
    processor: float
    """Milliseconds of processor time of the longest task, without the time when other processes ran."""


def measure() -> Report:
    with (
        loaded_library(PICTURES) as library,
        django_setup(library),
        serving(library) as (host, port),
        page_at(f"http://{host}:{port}/", cookie=session_key(READER)) as page,
    ):
        result = scroll(page)
        return report(result, jump_times(page))


def report(result: ScrollResult, jumps: list[float]) -> Report:
    measurements = [
        Measurement(name="pictures scrolled through", value=result.seen, unit="", at_least=TARGET),
        Measurement(name="peak number of cards", value=result.peak, unit="", at_most=3_000),
        Measurement(name="longest task", value=result.longest, unit="ms", at_most=100),
        Measurement(name="most processor time of a task", value=result.processor, unit="ms", at_most=100),
        Measurement(name="cumulative layout shift", value=result.shift, unit="", at_most=0.02),
        Measurement(name="jump along the timeline, median", value=percentile(jumps, 0.5), unit="ms", at_most=200),
        Measurement(name="jump along the timeline, p95", value=percentile(jumps, 0.95), unit="ms"),
    ]
    notes = [
        f"{PICTURES:,} pictures; {result.seconds:.0f} s of wheel turns of {STEP} px, in a window of "
        f"{WIDTH} × {HEIGHT}; {result.tasks} tasks took more than 50 ms.",
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
    with traced_tasks(page) as tasks:
        while seen < TARGET and time.monotonic() - last_new < TIMEOUT:
            page.mouse.wheel(0, STEP)
            page.wait_for_timeout(PAUSE)
            before, seen = seen, page.evaluate("scrolled.seen.size")
            if seen > before:
                last_new = time.monotonic()
        seconds = time.monotonic() - began
    result = page.evaluate("({ ...scrolled, seen: scrolled.seen.size })")
    return ScrollResult(**result, seconds=seconds, processor=max(tasks, default=0.0))


@contextmanager
def traced_tasks(page: Page) -> Iterator[list[float]]:
    """A list that at the end has the processor time of the page's tasks, in ms."""
    session, events, tasks, ended = page.context.new_cdp_session(page), list[dict[str, Any]](), list[float](), []
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    session.send("Tracing.start", {"traceConfig": {"includedCategories": ["toplevel"]}})
    yield tasks
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(100)
    threads = {(event["pid"], event["tid"]) for event in events if event["args"].get("name") == MAIN_THREAD}
    tasks += [event["tdur"] / 1_000 for event in events if "tdur" in event and (event["pid"], event["tid"]) in threads]
    session.detach()


def jump_times(page: Page) -> list[float]:
    """Milliseconds of jumps to months across the library."""
    times = []
    for number in range(JUMPS):
        page.wait_for_function("document.querySelector('timeline-scrubber')?.months?.length")
        times.append(page.evaluate(JUMP, number * 7 % JUMPS / JUMPS))
        page.wait_for_timeout(500)  # the pause of a person who looks at the pictures
    return times


if __name__ == "__main__":
    print(measure().to_json())
