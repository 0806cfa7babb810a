"""Fixtures: Chromium, the server and a worker. Browser errors fail the test."""

from __future__ import annotations

import functools
import io
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from analysis.ingest.examine import examine
from analysis.library import images
from tests import factories, pictures

# The first has no windows, which costs a third less processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
MISSING = "no Chromium was found; set CHROMIUM to its path or install the package chromium-headless-shell or chromium"
HERE = Path(__file__).parent
LOOKS, IDLE = 750, 30


def chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not chromium():
                item.add_marker(pytest.mark.skip(reason=MISSING))


def pytest_terminal_summary(terminalreporter):
    if any(MISSING in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(f"Browser tests were skipped: {MISSING}.", yellow=True)


def then_scripts(action: Callable) -> Callable:
    """Wait for the scripts of the page that an action opens.

    Playwright itself waits for the first byte of the page.
    """

    @functools.wraps(action)
    def with_scripts(locator: Locator, *arguments, **options) -> None:
        action(locator, *arguments, **options)
        if not locator.page.is_closed():
            locator.page.wait_for_load_state("domcontentloaded")

    return with_scripts


@pytest.fixture(scope="package", autouse=True)
def actions_wait_for_scripts():
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("click", "dblclick", "press"):
            monkeypatch.setattr(Locator, name, then_scripts(getattr(Locator, name)))
        yield


@pytest.fixture(scope="package")
def browser():
    path = chromium()
    # Playwright keeps an event loop running in this thread, which Django would take for an asynchronous caller.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


class Visit:
    """A browser window with its own session."""

    def __init__(self, browser: Browser, address: str, **options) -> None:
        self.address = address
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        self.context = browser.new_context(base_url=address, **options)
        self.context.set_default_timeout(15_000)
        self.context.grant_permissions(["clipboard-write"])  # as of a window that one clicks in
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self._counts = True
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._add(str(error)))

    def _heard(self, message) -> None:
        if message.type == "error":
            self._add(message.text)

    def _add(self, complaint: str) -> None:
        if self._counts:
            self.complaints.append(complaint)

    def forget_complaints(self) -> None:
        """At the end of a test that provoked some.

        Those that are still on their way do not count either: a page that retries complains again.
        """
        self._counts = False
        self.complaints.clear()

    def sign_in(self, name: str = "owner") -> Page:
        self.page.goto("/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill("word")
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url("**/")  # and until it is loaded: keys work from then on
        return self.page


class Underway:
    """Requests in progress; closing a window does not end them."""

    def __init__(self) -> None:
        self._number, self._turn = 0, threading.Lock()
        request_started.connect(self._began)
        request_finished.connect(self._ended)

    def _began(self, **_) -> None:
        with self._turn:
            self._number += 1

    def _ended(self, **_) -> None:
        with self._turn:
            self._number -= 1

    def forget(self) -> None:
        """Reset the counter: tests without a browser may leave requests unfinished."""
        with self._turn:
            self._number = 0

    def wait_for_none(self) -> None:
        """Until three looks in a row have seen none, for one may just have been accepted.

        Of a request whose window is gone while it is answered Django says no end; then it has to be the database that
        is at work for nobody, and for longer.
        """
        quiet = 0
        for _ in range(LOOKS):
            time.sleep(0.02)
            if self._number <= 0:
                quiet += IDLE // 3
            else:
                quiet = quiet + 1 if is_database_idle() else 0
            if quiet >= IDLE:
                return


def is_database_idle() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""
        )
        return cursor.fetchone() == (0,)


@pytest.fixture(scope="package")
def underway():
    return Underway()  # referenced here, since signals hold their receivers weakly


@pytest.fixture
def visit(browser, live_server, transactional_db, underway):
    """Open windows: visit(), visit(java_script_enabled=False), visit(viewport=…)."""
    visits: list[Visit] = []
    underway.forget()

    def open_window(**options) -> Visit:
        visits.append(Visit(browser, live_server.url, **options))
        return visits[-1]

    yield open_window
    for window in visits:
        window.context.close()
    underway.wait_for_none()  # emptying tables they still read would deadlock
    assert [complaint for window in visits for complaint in window.complaints] == []


@pytest.fixture
def owner(transactional_db):
    return factories.create_user("owner")


@pytest.fixture
def renditions(owner, pictures_folder):
    """One set of blobs, for all rows together."""
    file = io.BytesIO(pictures.jpeg())
    added = images.add(images.store_files(examine(file, name="first.jpg"), file, owner_id=owner.pk)).image
    return {"renditions_id": added.renditions_id, "placeholder": added.placeholder}


@pytest.fixture
def dogs(owner, renditions):
    """The first of them last: three with grass, one without."""
    labels = [{"Dog": 98, "Grass": 90}] * 3 + [{"Dog": 95}, {"Cat": 99}]
    return [factories.create_labeled_image(owner, confidences, **renditions) for confidences in labels]
