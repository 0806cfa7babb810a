"""From the last uploaded byte to the labels on the upload page in Chromium, against the recognizer's own time."""

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

from bench.browser import Site, page_of, site
from bench.report import Measurement, Report, percentile
from imagelib import embedded
from imagelib.sample_images import write_samples

PICTURES = 15
PATIENCE = 60_000  # milliseconds for one picture

# Notes by file name when its last byte was sent, and when its row first showed labels, or was finished without any.
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
class Arrival:
    """Seconds from the last byte to the labels, and of them the recognizer's own."""

    seconds: float
    recognizer: float

    @property
    def above(self) -> float:
        return self.seconds - self.recognizer


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="imagelib-bench-") as folder:
        write_samples(Path(folder))
        first, *others = sorted(Path(folder).iterdir())[: PICTURES + 1]
        with site() as running, page_of(running) as page:
            page.add_init_script(OBSERVE)
            page.goto(urljoin(running.address, "/upload/"))
            warm_up = arrival_of(page, first, running)
            return report(warm_up, [arrival_of(page, path, running) for path in others])


def report(warm_up: Arrival, arrivals: Sequence[Arrival]) -> Report:
    seconds, recognizer = [each.seconds for each in arrivals], [each.recognizer for each in arrivals]
    above = [each.above for each in arrivals]
    figures = [
        Measurement(what="last byte to labels, median", ours=median(seconds), unit="s", rival=median(recognizer)),
        Measurement(
            what="last byte to labels, p95",
            ours=percentile(seconds, 0.95),
            unit="s",
            rival=percentile(recognizer, 0.95),
        ),
        Measurement(what="above the recognizer, median", ours=median(above), unit="s", at_most=1.0),
        Measurement(what="above the recognizer, p95", ours=percentile(above, 0.95), unit="s"),
    ]
    notes = [
        f"{len(arrivals)} pictures one after another, web and worker as `manage.py run` starts them; a picture without "
        "labels counts until its row says so.",
        "The recognizer's time is what it worked until it knew the labels.",
        f"The first picture after the start, which loads the models: {warm_up.seconds:.1f} s, "
        f"of which the recognizer's {warm_up.recognizer:.1f} s.",
    ]
    return Report("upload to labels in Chromium against the recognizer alone", figures, notes)


def arrival_of(page: Page, path: Path, running: Site) -> Arrival:
    page.set_input_files("#files", path)
    page.wait_for_function("name => window.arrivals[name]?.shown", arg=path.name, timeout=PATIENCE, polling=200)
    seen = page.evaluate("name => window.arrivals[name]", path.name)
    shown_at = datetime.fromtimestamp(seen["at"] / 1000, UTC)
    own = recognizer_seconds(running.var, image_id=seen["image"], until=shown_at)
    page.wait_for_function("() => !document.querySelector('[data-pending]')", timeout=PATIENCE, polling=200)
    return Arrival((seen["shown"] - seen["sent"]) / 1000, own)


def recognizer_seconds(var: Path, *, image_id: int, until: datetime) -> float:
    """How long the recognizer was at work on a picture until its labels were found, whichever APIs it was asked for."""
    with psycopg.connect(embedded.database_url(var)) as connection:
        rows = connection.execute(
            "SELECT api, finished_at, latency_ms FROM analysis_analysis WHERE image_id = %s AND finished_at <= %s",
            [image_id, until],
        ).fetchall()
    spans = [(finished_at - timedelta(milliseconds=latency), finished_at) for _, finished_at, latency in rows]
    labeled_at = next(finished_at for api, finished_at, _ in rows if api == "labels")
    return at_work(spans, until=labeled_at)


def at_work(spans: Iterable[tuple[datetime, datetime]], *, until: datetime) -> float:
    """Seconds covered by at least one of the spans; analyses run side by side, so their times do not add up."""
    seconds, covered_until = 0.0, datetime.min.replace(tzinfo=UTC)
    for span in sorted(spans):
        begin, end = max(span[0], covered_until), min(span[1], until)
        if end > begin:
            seconds, covered_until = seconds + (end - begin).total_seconds(), end
    return seconds


if __name__ == "__main__":
    print(measure().to_json())
