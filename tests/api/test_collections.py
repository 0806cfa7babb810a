"""Collections and share links over the API."""

from __future__ import annotations

import pytest
from django.test import Client

from analysis.models import Collection, CollectionMember, Image, SavedSearch, ShareLink
from tests.factories import create_image

pytestmark = pytest.mark.django_db

PRIVATE, SHARED, PUBLIC = Image.Visibility.values


@pytest.fixture
def images(owner):
    return [create_image(owner) for _ in range(4)]


def create(api, name="Trips/Paris", **fields) -> str:
    """The path of a new collection."""
    return f"/collections/{api.post('/collections', {'name': name, **fields}).json()['id']}"


def test_collection_from_creation_to_deletion(api, owner, images):
    ids = [image.pk for image in images]
    created = api.post("/collections", {"name": " Trips / Paris", "description": "Spring\x00", "image_ids": ids[:2]})
    path = f"/collections/{created.json()['id']}"
    assert (created.status_code, created["Location"].endswith(path)) == (201, True)
    names = ("name", "description", "owner", "is_own", "is_shared", "shares_private", "cover_id")
    assert [api.get(path).json()[name] for name in names] == [
        *("Trips/Paris", "Spring", "owner", True, False, False, None)
    ]
    assert api.post(f"{path}/images", {"image_ids": ids[1:]}).json() == {"changed": 2}
    assert api.post(f"{path}/images/move", {"image_ids": [ids[3]], "before": ids[0]}).json() == {"changed": 1}
    assert api.post(f"{path}/images/remove", {"image_ids": [ids[1], 10**12]}).json() == {"changed": 1}
    first = api.get(f"{path}/images", limit=2).json()
    second = api.get(f"{path}/images", limit=2, cursor=first["next"]).json()
    assert (first["image_ids"], second) == ([ids[3], ids[0]], {"image_ids": [ids[2]], "next": ""})
    changed = api("patch", path, {"name": "Travel", "is_shared": True}).json()
    assert (changed["name"], changed["is_shared"], changed["description"]) == ("Travel", True, "Spring")
    assert api("delete", path).status_code == 204
    assert api.get(path).status_code == 404
    assert Image.objects.count() == 4


def test_others_read_and_arrange_what_is_shared_with_them(api, api_of, owner, colleague, images):
    path = create(api, image_ids=[image.pk for image in images])
    other = api_of(colleague)
    assert other.get(path).status_code == 404
    member = CollectionMember.objects.create(collection=Collection.objects.get(), user=colleague)
    Image.objects.filter(pk=images[1].pk).update(visibility=SHARED)
    for cover, shown in ((images[0], None), (images[1], images[1].pk)):
        Collection.objects.update(cover=cover)
        listed = [reader.get("/collections").json()["items"][0]["cover_id"] for reader in (api, other)]
        assert [*listed, other.get(path).json()["cover_id"]] == [cover.pk, shown, shown]
    assert other.get("/collections").json()["items"][0]["is_own"] is False
    assert other.get(f"{path}/images").json()["image_ids"] == [images[1].pk]
    assert other.post(f"{path}/images", {"image_ids": [images[1].pk]}).status_code == 403
    member.can_edit = True
    member.save()
    own = create_image(colleague)
    assert other.post(f"{path}/images", {"image_ids": [own.pk, images[0].pk]}).json() == {"changed": 1}
    assert other.post(f"{path}/images/move", {"image_ids": [images[0].pk], "before": None}).status_code == 409
    assert other("patch", path, {"name": "Mine"}).status_code == 404
    assert other("delete", path).status_code == 404
    assert own.pk not in api.get(f"{path}/images").json()["image_ids"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 422),
        ({"name": "x" * 201}, 422),
        ({"name": " / "}, 409),
        ({"name": "Trips", "image_ids": ["1"]}, 422),
        ({"name": "Trips", "image_ids": [0]}, 422),
        ({"name": "Trips", "description": "x" * 5_001}, 422),
        ({"name": "PARIS"}, 409),
        ({"name": "\x00"}, 422),
        ({"name": "Trips", "pictures": []}, 422),
    ],
)
def test_bad_collections_are_not_saved(body, status, api):
    create(api, name="Paris")
    assert api.post("/collections", body).status_code == status
    assert Collection.objects.count() == 1


def test_list_has_pages(api, owner):
    for number in range(3):
        Collection.objects.create(owner=owner, name=f"Number {number}")
    first = api.get("/collections", limit=2).json()
    second = api.get("/collections", limit=2, cursor=first["next"]).json()
    assert [row["name"] for row in first["items"] + second["items"]] == ["Number 2", "Number 1", "Number 0"]


def test_scopes_are_needed(api_of, owner):
    reader = api_of(owner, scopes=["read"])
    assert reader.get("/collections").status_code == reader.get("/share-links").status_code == 200
    assert reader.post("/collections", {"name": "Trips"}).status_code == 403
    assert reader.post("/share-links", {"image_id": 1}).status_code == 403


def test_share_link_from_creation_to_revocation(api, owner):
    image = create_image(owner, visibility=SHARED)
    created = api.post(
        "/share-links",
        {"image_id": image.pk, "password": "open sesame", "expires_at": "2099-01-01T00:00:00Z", "shows_metadata": True},
    )
    row = created.json()
    path = f"/share-links/{row['id']}"
    assert (created.status_code, created["Location"].endswith(path)) == (201, True)
    assert (row["has_password"], row["shows_metadata"], row["includes_private"]) == (True, True, False)
    assert (api.get(path).json(), api.get("/share-links").json()["items"]) == (row, [row])
    address = row["url"].removeprefix("http://testserver")
    assert 'type="password"' in Client().get(address).content.decode()
    assert api("delete", path).status_code == 204
    assert Client().get(address).status_code == 404
    assert api.get(path).json()["revoked_at"] is not None


def test_only_what_one_may_share_gets_a_link(api, colleague, owner):
    targets = {
        "image_id": create_image(colleague, visibility=SHARED).pk,
        "collection_id": Collection.objects.create(owner=colleague, name="All", is_shared=True).pk,
        "search_id": SavedSearch.objects.create(owner=colleague, name="All", is_shared=True).pk,
    }
    for name, pk in targets.items():
        assert api.post("/share-links", {name: pk}).status_code == 404
    image = create_image(owner).pk
    too_late = {"image_id": image, "expires_at": "9999-12-31T23:59:59-12:00"}
    no_offset = {"image_id": image, "expires_at": "2099-01-01T00:00:00"}
    passed = {"image_id": image, "expires_at": "2020-01-01T00:00:00Z"}
    for body in ({}, {"image_id": image, "search_id": 1}, no_offset, too_late, passed):
        assert api.post("/share-links", body).status_code == 422
    assert not ShareLink.objects.exists()
    own = {
        "collection_id": Collection.objects.create(owner=owner, name="All").pk,
        "search_id": SavedSearch.objects.create(owner=owner, name="All").pk,
    }
    assert [api.post("/share-links", {name: pk}).status_code for name, pk in own.items()] == [201, 201]
    theirs = ShareLink.objects.create(owner=colleague, image_id=targets["image_id"])
    assert (
        api.get(f"/share-links/{theirs.pk}").status_code
        == api("delete", f"/share-links/{theirs.pk}").status_code
        == 404
    )
