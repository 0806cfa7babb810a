"""Images over the API: list, detail, files, upload, change, trash."""

from __future__ import annotations

import io
import json

import pytest
from django.urls import reverse

from analysis import pipeline
from analysis.models import Image
from analysis.storage import renditions
from tests import pictures
from tests.factories import create_embedding, create_image, create_labeled_image

pytestmark = pytest.mark.django_db
PRIVATE, SHARED, PUBLIC = Image.Visibility.values


def jpeg(name: str = "dog.jpg", seed: int = 0) -> io.BytesIO:
    file = io.BytesIO(pictures.encoded(pictures.photo(seed), "jpeg"))
    file.name = name
    return file


def test_list_follows_the_search_and_its_order_over_pages(api, owner, colleague):
    ids = [create_labeled_image(owner, {"Dog": 99.0 - number}).pk for number in range(5)]
    create_labeled_image(owner, {"Cat": 99.0})
    create_labeled_image(colleague, {"Dog": 99.0})
    matches, cursor = [], ""
    while cursor is not None:
        page = api.get("/images", q="dog", limit=2, cursor=cursor, count="true").json()
        assert (page["count"], page["is_count_capped"]) == (5, False)
        matches += [image["id"] for image in page["items"]]
        cursor = page["next"] or None
    assert matches == ids[::-1]


def test_fields_and_expand_choose_what_is_sent(api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0, "Pet": 80.5})
    [item] = api.get("/images", fields="filename,width", expand="labels").json()["items"]
    assert set(item) == {"id", "filename", "width", "labels"}
    assert [(label["name"], label["confidence"]) for label in item["labels"]] == [("Dog", 99.0), ("Pet", 80.5)]
    assert set(api.get(f"/images/{image.pk}").json()) >= {"id", "sha256", "urls", "visibility", "camera"}


@pytest.mark.parametrize("number", [1, 3])
def test_a_list_costs_as_many_queries_however_long_it_is(number, api, owner, django_assert_num_queries):
    for _ in range(number):
        create_labeled_image(owner, {"Dog": 99.0})
    api.get("/images")  # the first request of a token records its use
    with django_assert_num_queries(2):  # token, images
        assert len(api.get("/images", fields="filename").json()["items"]) == number
    with django_assert_num_queries(6):  # also ratings, owners, labels, boxes
        assert len(api.get("/images", expand="boxes").json()["items"]) == number


def test_addresses_of_an_image_are_those_of_its_views(api, owner):
    image = create_image(owner)
    urls = api.get(f"/images/{image.pk}", fields="urls").json()["urls"]
    files = {name: reverse("api-v1:image-file", args=[image.pk, name]) for name in ("thumb", "preview", "original")}
    expected = {"page": image.get_absolute_url(), **files}
    assert urls == {name: f"http://testserver{address}" for name, address in expected.items()}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"q": "(dog"}, "q"),
        ({"fields": "color"}, "fields"),
        ({"expand": "moods"}, "expand"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "tampered"}, "cursor"),
    ],
)
def test_bad_parameters_are_named(query, field, api):
    response = api.get("/images", **query)
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_cursor_of_another_search_is_refused(api, owner):
    create_image(owner), create_image(owner)
    cursor = api.get("/images", limit=1).json()["next"]
    response = api.get("/images", limit=1, cursor=cursor, q="is:favorite")
    assert response.status_code == 422
    assert "another list" in response.json()["detail"]


def test_searches_in_json_mean_the_same_as_typed_ones(api, owner):
    dog = create_labeled_image(owner, {"Dog": 95.0})
    both = create_labeled_image(owner, {"Dog": 95.0, "Cat": 95.0})
    where = {"all": [{"term": "dog>=90"}, {"not": {"any": [{"term": "cat"}, {"term": "is:trashed"}]}}]}
    response = api.post("/images/search", {"query": {"where": where}, "fields": "id"})
    assert [item["id"] for item in response.json()["items"]] == [dog.pk]
    response = api.post("/images/search", {"query": {"text": "dog", "sort": "oldest"}, "fields": "id"})
    assert [item["id"] for item in response.json()["items"]] == [dog.pk, both.pk]


def test_terms_in_json_are_exact_and_typed_words_are_read(api, owner):
    both, engine = (
        create_labeled_image(owner, {"Fire": 98, "Truck": 90}),
        create_labeled_image(owner, {"Fire Truck": 98}),
    )
    where = {"all": [{"term": "fire"}, {"term": "truck"}]}

    def matches(query: dict) -> list[int]:
        return [image["id"] for image in api.post("/images/search", {"query": query}).json()["items"]]

    assert matches({"where": where}) == [both.pk]
    assert matches({"where": {"term": "trucks"}}) == []
    assert matches({"text": "fire trucks"}) == [engine.pk]


@pytest.mark.parametrize("query", [{"text": "similar:{}"}, {"where": {"term": "similar:{}"}}])
def test_similar_images_come_in_order_over_pages(api, owner, query):
    image, *others = [create_image(owner) for _ in range(4)]
    for number, similar in enumerate([image, *others]):
        create_embedding(similar, [1, number / 10])
    query = json.loads(json.dumps(query).replace("{}", str(image.pk)))
    matches, cursor = [], ""
    while cursor is not None:
        body = {"query": query, "fields": "id", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.post("/images/search", body).json()
        matches += [item["id"] for item in page["items"]]
        cursor = page["next"] or None
    assert matches == [other.pk for other in others]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "query"),
        ({"text": "dog", "where": {"term": "cat"}}, "query"),
        ({"where": {}}, "query.where"),
        ({"where": {"all": []}}, "query.where.all"),
        ({"where": {"all": [{"term": "dog cat"}]}}, "query.where.all.0.term"),
        ({"where": {"not": {"term": "(("}}}, "query.where.not.term"),
        ({"text": "dog", "sort": "luck"}, "query.sort"),
        ({"text": 5}, "query.text"),
    ],
)
def test_broken_searches_in_json_name_the_place(query, field, api):
    response = api.post("/images/search", {"query": query})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_json_search_nested_too_deeply_is_refused(api):
    where: dict = {"term": "dog"}
    for _level in range(30):
        where = {"not": where}
    assert api.post("/images/search", {"query": {"where": where}}).status_code == 422


@pytest.mark.parametrize(("visibility", "status"), [(PRIVATE, 404), (SHARED, 200), (PUBLIC, 200)])
def test_others_see_what_they_may_on_the_page(visibility, status, owner, colleague, api_of):
    image = create_image(owner, visibility=visibility)
    api = api_of(colleague)
    assert api.get(f"/images/{image.pk}").status_code == status
    assert api.get(f"/images/{image.pk}/labels").status_code == status
    assert api("patch", f"/images/{image.pk}", {"visibility": "public"}).status_code == (404 if status == 404 else 403)
    assert api("delete", f"/images/{image.pk}").status_code == (404 if status == 404 else 403)
    assert [item["id"] for item in api.get("/images").json()["items"]] == ([] if status == 404 else [image.pk])


def test_upload_creates_an_image_once(api, owner):
    response = api.upload("/images", jpeg())
    assert response.status_code == 201
    image = Image.objects.get()
    assert response["Location"].endswith(f"/api/v1/images/{image.pk}")
    assert response.json()["filename"] == "dog.jpg"
    assert image.owner == owner
    again = api.upload("/images", jpeg("copy.jpg"))
    assert (again.status_code, again.json()["id"]) == (200, image.pk)
    thumb = api.get(f"/images/{image.pk}/files/thumb")
    assert (thumb.status_code, thumb["Content-Type"]) == (200, "image/webp")
    assert b"".join(thumb.streaming_content)[:4] == b"RIFF"
    original = api.get(f"/images/{image.pk}/files/original")
    assert b"".join(original.streaming_content)[:2] == b"\xff\xd8"


def test_what_is_no_picture_is_refused_with_its_reason(api):
    file = io.BytesIO(b"<html>")
    file.name = "page.jpg"
    response = api.upload("/images", file)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "file"
    assert not Image.objects.exists()
    assert api.post("/images", {"file": "text"}).status_code == 422


def test_changes_need_the_state_that_was_read(api, owner):
    image = create_image(owner)
    etag = api.get(f"/images/{image.pk}")["ETag"]
    changed = api("patch", f"/images/{image.pk}", {"rating": 4, "is_favorite": True}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert (changed.json()["rating"], changed.json()["is_favorite"]) == (4, True)
    assert changed["ETag"] != etag
    stale = api("patch", f"/images/{image.pk}", {"visibility": "public"}, headers={"If-Match": etag})
    assert stale.status_code == 412
    image.refresh_from_db()
    assert image.visibility == PRIVATE
    unchanged = api("get", f"/images/{image.pk}", headers={"If-None-Match": changed["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_files_are_read_again_after_they_changed(api, owner):
    """The address of a file has no version, other than on pages."""
    image = pipeline.ingest_file(jpeg(), name="dog.jpg", owner_id=owner.pk).image
    path = f"/images/{image.pk}/files/thumb"
    first = api.get(path)
    first.getvalue()
    assert first["Cache-Control"] == "private, no-cache"
    headers = {"If-None-Match": first["ETag"]}
    same = api("get", path, headers=headers)
    assert (same.status_code, same["Cache-Control"]) == (304, "private, no-cache")
    renditions.remake(image, turns=1)
    changed = api("get", path, headers=headers)
    changed.getvalue()
    assert changed.status_code == 200


def test_a_missing_file_is_a_problem(api, owner):
    response = api.get(f"/images/{create_image(owner).pk}/files/thumb")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_states_read_compressed_are_known(api, owner):
    image = create_image(owner)
    path, compressed = f"/images/{image.pk}", {"Accept-Encoding": "gzip"}
    etag = api("get", path, headers=compressed)["ETag"]
    assert etag.startswith("W/")  # by GZipMiddleware; most HTTP libraries ask for compressed responses
    unchanged = api("get", path, headers=compressed | {"If-None-Match": etag})
    assert (unchanged.status_code, unchanged["ETag"]) == (304, etag.removeprefix("W/"))
    assert api("patch", path, {"rating": 4}, headers=compressed | {"If-Match": etag}).status_code == 200
    assert api("patch", path, {"rating": 5}, headers=compressed | {"If-Match": etag}).status_code == 412


def test_details_are_edited_and_reset(api, owner):
    image = create_image(owner, title="From the file", latitude=1.5, longitude=2.5)
    changes = {"title": " Mine ", "taken_at": "2021-06-05T14:30:00+02:00", "location": None, "place": "Here"}
    changed = api("patch", f"/images/{image.pk}", changes).json()
    assert [changed.get(name) for name in changes] == ["Mine", "2021-06-05T14:30:00+02:00", None, "Here"]
    reset = api("patch", f"/images/{image.pk}", {"reset": ["title", "location"], "taken_at": None}).json()
    assert [reset.get(name) for name in ("title", "taken_at", "place")] == ["From the file", None, "Here"]
    assert reset["location"] == {"latitude": 1.5, "longitude": 2.5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": "x" * 10_000}, "A title can have at most 200 characters; this one has 10,000."),
        ({"taken_at": "0000-01-01T00:00:00"}, "Enter a date and time"),
        ({"taken_at": "9999-12-31T23:59:59Z"}, "This date is in the future."),
        ({"location": {"latitude": 91, "longitude": 0}}, "Latitudes are between -90 and 90 degrees"),
        ({"reset": ["visibility"]}, "'location'"),
    ],
    ids=["title", "year-0", "year-9999", "location", "reset"],
)
def test_refused_details_change_nothing(changes, message, api, owner):
    image = create_image(owner)
    before = Image.objects.values().get()
    response = api("patch", f"/images/{image.pk}", changes)
    assert (response.status_code, message in response.content.decode()) == (422, True)
    assert Image.objects.values().get() == before


def test_details_of_others_are_refused(api, colleague):
    image = create_image(colleague, visibility=SHARED)
    assert api("patch", f"/images/{image.pk}", {"title": "Mine"}).status_code == 403


@pytest.mark.parametrize("changes", [{"visibility": "all"}, {"rating": 6}, {"rating": -1}, {"is_favorite": "perhaps"}])
def test_impossible_changes_change_nothing(changes, api, owner):
    image = create_image(owner)
    response = api("patch", f"/images/{image.pk}", changes)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == list(changes)


def test_trash_and_restore(api, owner):
    image = create_image(owner)
    assert api("delete", f"/images/{image.pk}").status_code == 204
    assert api.get("/images").json()["items"] == []
    assert api.get(f"/images/{image.pk}").json()["trashed_at"] is not None
    assert api.post(f"/images/{image.pk}/restore").json()["trashed_at"] is None
    assert len(api.get("/images").json()["items"]) == 1


def test_an_upload_takes_the_sidecar_beside_it(api):
    file = io.BytesIO(pictures.encoded(pictures.photo(), "jpeg"))
    file.name = "beach.jpg"
    packet = pictures.xmp_of("<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Beach</rdf:li></rdf:Alt></dc:title>")
    broken = api.upload("/images", file, sidecar=io.BytesIO(b"not xml"))
    assert (broken.status_code, broken.json()["errors"][0]["field"]) == (422, "sidecar")
    assert not Image.objects.exists()
    file.seek(0)
    created = api.upload("/images", file, sidecar=io.BytesIO(packet))
    assert (created.status_code, created.json()["title"]) == (201, "Beach")
