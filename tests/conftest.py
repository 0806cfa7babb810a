"""The world of the tests: embedded PostgreSQL and Redis of their own (tests/environment.py), and four people."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first, so that no core waits for another at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/browser/", "tests/test_run.py", "tests/embedded/")))


@pytest.fixture(autouse=True)
def pictures_folder(settings, tmp_path):
    """Each test has its own storage."""
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": tmp_path / "pictures"}
    settings.STORAGES = {
        "default": {**settings.STORAGES["default"], "OPTIONS": options},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path / "pictures"


@pytest.fixture
def owner(db):
    """Brought the pictures in."""
    return factories.create_user("owner")


@pytest.fixture
def colleague(db):
    """Signed in, with pictures of their own."""
    return factories.create_user("colleague")


@pytest.fixture
def stranger(db):
    """Signed in for the first time, owns nothing."""
    return factories.create_user("stranger")


@pytest.fixture
def staff(db):
    return factories.create_user("staff", is_staff=True, is_superuser=True)


@pytest.fixture
def signed_in():
    """A browser's session by person: signed_in(owner).get(…)."""

    def sign_in(person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return sign_in


@pytest.fixture
def nobody() -> Client:
    """Not signed in."""
    return Client()


@pytest.fixture
def rekognition(settings, monkeypatch):
    """The recognizer is Rekognition, and Rekognition is here: say what it answers, see what it was asked."""
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
def s3(monkeypatch):
    """S3 with a bucket "photos": put objects there, have it refuse."""
    from tests.buckets import s3_server

    with s3_server(monkeypatch) as server:
        yield server


@pytest.fixture
def celery_worker_thread(transactional_db):
    """The worker, for tests that commit. It ends before their tables are emptied, and takes no other test's tasks."""
    from tests import worker

    with worker.started():
        yield
