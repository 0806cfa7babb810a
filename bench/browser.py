"""Signed-in pages in Debian's Chromium, of an imagelib started by `manage.py run`."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, sync_playwright

from bench import sandbox

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
STARTED = "Ctrl-C"  # in the line that the command prints once the site is up


@dataclass(frozen=True)
class Site:
    """A running imagelib in a temporary folder."""

    address: str
    password: str  # admin's
    var: Path


@contextmanager
def running_site(*, samples: bool = False) -> Iterator[Site]:
    command = [sys.executable, "manage.py", "run", "--port", "0", *(["--samples"] if samples else [])]
    with sandbox.var_folder() as var, sandbox.running_program(command, env=sandbox.environment(var)) as program:
        program.wait_for(STARTED, seconds=180)
        output = "".join(program.lines)
        yield Site(_first_match(r"(http://\S+)", output), _first_match(r"password:? (\S+)", output), var)


@contextmanager
def signed_in_page(site: Site, *, width: int = 1280, height: int = 800) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
        page = context.new_page()
        sign_in(page, site)
        yield page
        browser.close()


def sign_in(page: Page, site: Site) -> None:
    page.goto(urljoin(site.address, "/accounts/login/"))
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", site.password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(site.address)


def chromium() -> str:
    """Path of the browser. Raises FileNotFoundError."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("Chromium was not found. On Debian, run: apt-get install chromium")


def _first_match(pattern: str, output: str) -> str:
    match = re.search(pattern, output)
    if match is None:
        raise sandbox.ProgramEnded(f"No line matches {pattern!r}:\n{output}")
    return match[1]
