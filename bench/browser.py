"""A signed-in page in Debian's Chromium."""

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
STARTED = "Press Ctrl-C to stop."


@dataclass(frozen=True)
class Site:
    """imagelib as `manage.py run` starts it, in a folder of its own."""

    address: str
    password: str  # admin's
    var: Path


@contextmanager
def site(*, samples: bool = False) -> Iterator[Site]:
    command = [sys.executable, "manage.py", "run", "--port", "0", *(["--samples"] if samples else [])]
    with sandbox.var_folder() as var, sandbox.running_program(command, env=sandbox.environment(var)) as program:
        program.wait_for(STARTED, seconds=180)
        said = "".join(program.lines)
        yield Site(_after("imagelib is running at ", said), _after("as admin, password ", said), var)


@contextmanager
def page_of(site: Site, *, width: int = 1280, height: int = 800) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
        page = context.new_page()
        page.goto(urljoin(site.address, "/accounts/login/"))
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", site.password)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(site.address)
        yield page
        browser.close()


def chromium() -> str:
    """The browser on the path. Raises FileNotFoundError."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("There is no Chromium; on Debian: apt-get install chromium.")


def _after(words: str, said: str) -> str:
    found = re.search(rf"{re.escape(words)}(\S+)", said)
    if found is None:
        raise sandbox.Ended(f"It did not say {words!r}:\n{said}")
    return found[1]
