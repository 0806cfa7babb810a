"""People, sessions and a picture, made once for all tests of a module.

A module takes all of them: `from tests.web.shared_rows import *`.
"""

from __future__ import annotations

import copy
import io
import shutil
from http.cookies import SimpleCookie

import pytest
from django.test import Client
from django.utils import timezone

from analysis import pipeline
from analysis.exports import background
from analysis.library import uploads
from analysis.models import (
    Alert,
    Batch,
    BulkChange,
    Collection,
    CollectionImage,
    CollectionMember,
    Export,
    Image,
    SavedSearch,
    ShareLink,
    Sink,
    TrashDeletion,
)
from imagelib.accounts import api_tokens
from tests import environment, pictures
from tests.factories import create_analysis, create_bucket, create_user

__all__ = [
    "client_with",
    "colleague",
    "image",
    "image_rows",
    "owner",
    "people",
    "session_of",
    "sessions",
    "signed_in",
    "staff",
    "stranger",
]


@pytest.fixture(scope="module")
def people(module_rows):
    with module_rows():
        people = {name: create_user(name) for name in ("owner", "colleague", "stranger")}
        people["staff"] = create_user("staff", is_staff=True, is_superuser=True)
        return people


@pytest.fixture
def owner(db, people):
    return copy.copy(people["owner"])


@pytest.fixture
def colleague(db, people):
    return copy.copy(people["colleague"])


@pytest.fixture
def stranger(db, people):
    return copy.copy(people["stranger"])


@pytest.fixture
def staff(db, people):
    return copy.copy(people["staff"])


def session_of(person) -> SimpleCookie:
    client = Client()
    client.force_login(person)
    return client.cookies


def client_with(session: SimpleCookie) -> Client:
    client = Client()
    client.cookies = copy.deepcopy(session)
    return client


@pytest.fixture(scope="module")
def sessions(module_rows, people):
    """Cookies by user ID."""
    with module_rows():
        return {person.pk: session_of(person) for person in people.values()}


@pytest.fixture
def signed_in(sessions):
    return lambda person: client_with(sessions.get(person.pk) or session_of(person))


@pytest.fixture(scope="module")
def image_rows(module_rows, people, tmp_path_factory):
    """The owner's picture, and a copy of its files, as each test's are deleted."""
    owner = people["owner"]
    with module_rows():
        file = io.BytesIO(pictures.jpeg())
        image = pipeline.ingest_file(file, name="dog.jpg", owner_id=owner.pk, folder="Dogs").image
        create_analysis(image, api="moderation", state="done")
        BulkChange.objects.create(person=owner, action="trash")
        search = SavedSearch.objects.create(owner=owner, name="Dogs", query="dog", is_shared=True)
        Alert.objects.create(owner=owner, saved_search=search, channel="slack", address="https://example.com/hook")
        create_bucket(owner)
        TrashDeletion.objects.create(person=owner, owner_id=owner.pk, trashed_until=timezone.now())
        collection = Collection.objects.create(owner=owner, name="Dogs")
        CollectionImage.objects.create(collection=collection, image=image, position="5000000000", added_by=owner)
        CollectionMember.objects.create(collection=collection, user=people["colleague"])
        ShareLink.objects.create(owner=owner, image=image, allows_download=True)
        Sink.objects.create(name="Tags", channel="object_tags", is_active=False)
        background.run(background.create(Export(owner=owner, format="jsonl")).pk)
        api_tokens.create(owner, name="Test", scopes=["read"], days=30)
        uploads.issue(owner_id=owner.pk, filename="dog.jpg", size=1)
        Batch.objects.create(person=owner, recognizer="local", parameters={"labels": {}})
    files = tmp_path_factory.mktemp("shared") / "pictures"
    shutil.copytree(environment.VAR / "pictures", files)
    return image.pk, files


@pytest.fixture
def image(db, image_rows, owner, pictures_folder):
    pk, files = image_rows
    shutil.copytree(files, pictures_folder, dirs_exist_ok=True)
    image = Image.objects.get(pk=pk)
    image.owner = owner
    return image
