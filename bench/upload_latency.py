"""Bench of the time from the last uploaded byte to the labels, in Chromium."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urljoin

import psycopg
from playwright.sync_api import Page

from bench.browser import Site, running_site, signed_in_page
from bench.report import Measurement, Report, percentile
from imagelib import embedded
from imagelib.sample_images import write_samples

PICTURES = 15
TIMEOUT = 60_000  # milliseconds for one picture

# Records by file name when the last byte was sent, and when the row showed labels or finished without any.
OBSERVE = """
window.arrivals = {};
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  const file = body instanceof FormData ? body.get("file") : null;
  if (file) this.upload.addEventListener("load", () => { arrivals[file.name] = { sent: performance.now() }; });
  return send.call(this, body);
};
new MutationObserver(() => {
  for (const row of document.querySelectorAll("[data-section=added] li[data-image]")) {
    const arrival = arrivals[row.querySelector(".name").textContent.trim()];
    if (!arrival || arrival.shown) continue;
    const labels = row.querySelector(".upload-info .muted").textContent.trim();
    if (!labels && row.hasAttribute("data-pending")) continue;
    Object.assign(arrival, { shown: performance.now(), at: Date.now(), image: Number(row.dataset.image) });
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


@dataclass(frozen=True)
class Timing:
    """Seconds from the last byte to the labels, and the recognizer's part of them."""

    seconds: float
    recognizer: float

    @property
    def overhead(self) -> float:
        return self.seconds - self.recognizer


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="imagelib-bench-") as folder:
        write_samples(Path(folder))
        first, *others = sorted(Path(folder).iterdir())[: PICTURES + 1]
        with running_site() as site, signed_in_page(site) as page:
            page.add_init_script(OBSERVE)
            page.goto(urljoin(site.address, "/upload/"))
            warm_up = upload(page, first, site)
            return report(warm_up, [upload(page, path, site) for path in others])


def report(warm_up: Timing, timings: Sequence[Timing]) -> Report:
    seconds, recognizer = [timing.seconds for timing in timings], [timing.recognizer for timing in timings]
    overhead = [timing.overhead for timing in timings]
    measurements = [
        Measurement(name="last byte to labels, median", value=median(seconds), unit="s", baseline=median(recognizer)),
        Measurement(
            name="last byte to labels, p95",
            value=percentile(seconds, 0.95),
            unit="s",
            baseline=percentile(recognizer, 0.95),
        ),
        Measurement(name="beyond the recognizer, median", value=median(overhead), unit="s", at_most=1.0),
        Measurement(name="beyond the recognizer, p95", value=percentile(overhead, 0.95), unit="s"),
    ]
    notes = [
        f"{len(timings)} pictures one after another, web and worker as `manage.py run` starts them; a picture without "
        "labels counts until its row shows that.",
        "The baseline is the time that the recognizer worked until it returned the labels.",
        f"The first picture, for which the models are loaded: {warm_up.seconds:.1f} s, "
        f"of which the recognizer {warm_up.recognizer:.1f} s.",
    ]
    return Report("upload to labels in Chromium against the recognizer alone", measurements, notes)


def upload(page: Page, path: Path, site: Site) -> Timing:
    page.set_input_files("#files", path)
    page.wait_for_function("name => window.arrivals[name]?.shown", arg=path.name, timeout=TIMEOUT, polling=200)
    event = page.evaluate("name => window.arrivals[name]", path.name)
    shown_at = datetime.fromtimestamp(event["at"] / 1000, UTC)
    recognizer = recognizer_seconds(site.var, image_id=event["image"], until=shown_at)
    page.wait_for_function("() => !document.querySelector('[data-pending]')", timeout=TIMEOUT, polling=200)
    return Timing((event["shown"] - event["sent"]) / 1000, recognizer)


def recognizer_seconds(var: Path, *, image_id: int, until: datetime) -> float:
    """Seconds that the recognizer worked on a picture until it had labels."""
    with psycopg.connect(embedded.database_url(var)) as connection:
        rows = connection.execute(
            "SELECT api, finished_at, latency_ms FROM analysis_analysis WHERE image_id = %s AND finished_at <= %s",
            [image_id, until],
        ).fetchall()
    spans = [(finished_at - timedelta(milliseconds=latency), finished_at) for _, finished_at, latency in rows]
    labeled_at = next(finished_at for api, finished_at, _ in rows if api == "labels")
    return covered_seconds(spans, until=labeled_at)


def covered_seconds(spans: Iterable[tuple[datetime, datetime]], *, until: datetime) -> float:
    """Seconds covered by at least one of the spans.

    Analyses of one picture run in parallel, so their latencies can't simply be added.
    """
    seconds, covered_until = 0.0, datetime.min.replace(tzinfo=UTC)
    for span in sorted(spans):
        begin, end = max(span[0], covered_until), min(span[1], until)
        if end > begin:
            seconds, covered_until = seconds + (end - begin).total_seconds(), end
    return seconds


if __name__ == "__main__":
    print(measure().to_json())
