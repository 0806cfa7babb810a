"""The world of the tests: embedded PostgreSQL and Redis of their own, and four people."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

# Before settings are read: services, pictures and secrets of the tests, apart from the developer's own.
os.environ["IMAGELIB_VAR"] = os.environ.get("IMAGELIB_TEST_VAR") or str(
    Path(tempfile.gettempdir()) / f"imagelib-tests-{os.getpid()}"
)
os.environ["IMAGELIB_EMBEDDED_FSYNC"] = "off"
for name in ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "RECOGNIZER", "AWS_STORAGE_BUCKET_NAME"):
    os.environ.pop(name, None)

import pytest
from django.conf import settings
from django.test import Client

from tests import factories


def pytest_configure() -> None:
    from imagelib import embedded

    embedded.start(settings.VAR)


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
    return factories.a_person("owner")


@pytest.fixture
def colleague(db):
    """Signed in, with pictures of their own."""
    return factories.a_person("colleague")


@pytest.fixture
def stranger(db):
    """Signed in for the first time, owns nothing."""
    return factories.a_person("stranger")


@pytest.fixture
def staff(db):
    return factories.a_person("staff", is_staff=True, is_superuser=True)


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
    from analysis.recognition import recognizers
    from tests.rekognition_server import RekognitionServer, serving

    server = RekognitionServer()
    with serving(server) as address:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", address)
        settings.RECOGNIZER, settings.AWS_REGION = "rekognition", "eu-central-1"
        settings.RECOGNITION_THREADS = next(_connections)  # a client of this test's own
        recognizers.named.cache_clear()
        yield server
    recognizers.named.cache_clear()


_connections = itertools.count(10)
