"""Lighthouse scores of the library, a picture and a shared collection.

Lighthouse is installed from npm into a temporary folder, where later runs find it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import BrowserContext, Page, sync_playwright

from bench import sandbox
from bench.browser import FLAGS, Site, chromium, running_site, sign_in
from bench.report import Measurement, Report
from bench.viewer import seed

PACKAGE = "lighthouse@12.8.2"  # the last one for Node.js 20
CATEGORIES = {"performance": "performance", "accessibility": "accessibility", "best-practices": "best practices"}
MIN_SCORE = 95
TIMEOUT = 240.0  # seconds for one page


@dataclass(frozen=True)
class Scores:
    """Scores from 0 to 100 by category, and the audits that lowered them."""

    points: dict[str, float]
    losses: tuple[str, ...]


def measure() -> Report:
    program, port = installed(), sandbox.free_port()
    with running_site(samples=True) as site, browser(port) as context:
        page = context.new_page()
        sign_in(page, site)
        picture = picture_address(page, site)
        page.close()  # it would keep polling
        results = {"library": run(program, site.address, port=port), "picture": run(program, picture, port=port)}
        shared = urljoin(site.address, seed(site, "print(share_all())").strip())
        context.clear_cookies()
        results["shared collection"] = run(program, shared, port=port)
    return report(results)


@contextmanager
def browser(port: int) -> Iterator[BrowserContext]:
    """A signed-in Chromium, in which Lighthouse can open pages with the same cookies."""
    with sandbox.temporary_folder() as folder, sync_playwright() as playwright:
        arguments = [*FLAGS, f"--remote-debugging-port={port}"]
        context = playwright.chromium.launch_persistent_context(folder, executable_path=chromium(), args=arguments)
        yield context
        context.close()


def report(results: dict[str, Scores]) -> Report:
    measurements = [
        Measurement(name=f"{page}: {CATEGORIES[category]}", value=value, unit="", at_least=MIN_SCORE)
        for page, scores in results.items()
        for category, value in scores.points.items()
    ]
    notes = [f"{page}: {', '.join(scores.losses) or 'no audit lost points'}." for page, scores in results.items()]
    return Report(f"{PACKAGE}, for a phone with a slow connection", measurements, notes)


def installed() -> Path:
    """The program, installed on first use. Raises FileNotFoundError without npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm was not found. On Debian, run: apt-get install npm")
    folder = Path(tempfile.gettempdir()) / f"imagelib-bench-{PACKAGE.replace('@', '-')}"
    program = folder / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        folder.mkdir(exist_ok=True)
        command = [npm, "install", "--prefix", folder, "--prefer-offline", "--ignore-scripts", "--no-audit", PACKAGE]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT)
    return program


def picture_address(page: Page, site: Site) -> str:
    page.goto(site.address)
    return urljoin(site.address, page.locator(".card a").first.get_attribute("href") or "")


def run(program: Path, url: str, *, port: int) -> Scores:
    """Rate a page. Raises subprocess.CalledProcessError if Lighthouse fails."""
    command = [str(program), url, f"--port={port}", "--disable-storage-reset", "--quiet", "--output=json"]
    command.append(f"--only-categories={','.join(CATEGORIES)}")
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT).stdout
    result = json.loads(output)
    points = {name: round(100 * (result["categories"][name]["score"] or 0)) for name in CATEGORIES}
    return Scores(points, tuple(losses(result)))


def losses(result: dict[str, Any]) -> list[str]:
    """The ids of audits with weight that are not perfect, with their scores."""
    weights = {audit["id"]: audit["weight"] for name in CATEGORIES for audit in result["categories"][name]["auditRefs"]}
    scores = {audit_id: result["audits"][audit_id]["score"] for audit_id, weight in weights.items() if weight}
    return [f"{audit_id} {score:.2f}" for audit_id, score in scores.items() if score is not None and score < 1]


if __name__ == "__main__":
    print(measure().to_json())
