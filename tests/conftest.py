"""Fixtures for all tests; tests/environment.py starts their PostgreSQL and Redis."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from analysis.health import services
from tests import environment, factories, migrated_database, table_emptying
from tests.moto_server import moto_server

# On a busy machine, an example may take a second: that says nothing about the code.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores.

    The tests wait for servers and timeouts half of their time.
    """
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest tests first, so that no core is idle at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/browser/", "tests/test_run.py", "tests/embedded/")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test instead of skipping it, where all of them must run."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL_TESTS"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"REQUIRE_ALL_TESTS is set. {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _fast_settings() -> None:
    """Set once: each change of a setting calls about twenty receivers in Django."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    # Celery always waits the whole timeout for more workers to reply, and nearly all tests have none.
    services.PING_TIMEOUT = 0.1


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, django_db_blocker):
    """Before the test database is made."""
    with django_db_blocker.unblock():
        migrated_database.load()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """After it was made and migrated."""
    with django_db_blocker.unblock():
        migrated_database.save()
        _begin_ids_at(1_001)
    table_emptying.install()


def _begin_ids_at(number: int) -> None:
    """Let ids have more than three digits.

    Templates write numbers for people, as "1,001"; a form or a script that got an id like that would fail.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(seqrelid, %s, false) FROM pg_sequence", [number])


@pytest.fixture(autouse=True)
def pictures_folder() -> Iterator[Path]:
    """The storage of this process; empty at the start of each test."""
    folder = environment.VAR / "pictures"
    yield folder
    if folder.is_dir():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)  # some tests put a file in its place


@pytest.fixture(scope="module")
def module_rows(django_db_setup, django_db_blocker) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Makes rows once for a module: `with module_rows(): …` in a fixture of its scope.

    One transaction surrounds the module's tests from then on, each of which rolls back to its own savepoint. So all of
    them see these rows, and SQL's now() is when the transaction began.
    """
    with django_db_blocker.unblock():
        surrounding = transaction.atomic()
        surrounding.__enter__()
    yield django_db_blocker.unblock
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        surrounding.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def local_models():
    """The local recognizer's default models, whatever a test sets."""
    from analysis.recognition.local import configuration

    before = configuration.current()
    yield
    configuration.configure(before)


@pytest.fixture
def owner(db):
    """User who uploaded the pictures."""
    return factories.create_user("owner")


@pytest.fixture
def colleague(db):
    """User with other pictures."""
    return factories.create_user("colleague")


@pytest.fixture
def stranger(db):
    """User without pictures."""
    return factories.create_user("stranger")


@pytest.fixture
def staff(db):
    return factories.create_user("staff", is_staff=True, is_superuser=True)


@pytest.fixture
def signed_in():
    """Client of a signed-in user: signed_in(owner).get(…)."""

    def sign_in(person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return sign_in


@pytest.fixture
def nobody() -> Client:
    """Client of an anonymous visitor."""
    return Client()


@pytest.fixture
def rekognition(settings, monkeypatch):
    """Use Rekognition as the recognizer, served locally with scripted responses."""
    from analysis.recognition import registry
    from tests.rekognition_server import RekognitionServer, serving

    server = RekognitionServer()
    with serving(server) as address:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", address)
        settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "eu-central-1"
        settings.REKOGNITION_QUOTA = dict.fromkeys(("labels", "faces", "celebrities", "text", "moderation"), "1000")
        registry.reset()
        yield server
    registry.reset()


@pytest.fixture
def moto():
    """Address of an AWS that is served locally, and empty."""
    with moto_server() as address:
        yield address


@pytest.fixture
def s3(monkeypatch):
    """Local S3 server with a bucket "photos"; it can deny requests."""
    from tests.buckets import s3_server

    with s3_server(monkeypatch) as server:
        yield server


@pytest.fixture
def celery_worker_thread(transactional_db):
    """Celery worker for tests that commit; stops before their tables are truncated."""
    from tests import worker

    with worker.started():
        yield
