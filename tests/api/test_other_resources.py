"""Saved searches, uploads, buckets, analyses, status and idempotency over the API."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from analysis.api import idempotency
from analysis.models import Image, SavedSearch
from analysis.storage import blobs
from tests import pictures
from tests.factories import create_analysis, create_bucket, create_image

pytestmark = pytest.mark.django_db
SEARCH = {"name": "Dogs", "query": "dog>=90"}


def test_saved_search_from_creation_to_deletion(api, owner):
    created = api.post("/searches", SEARCH)
    assert created.status_code == 201
    path = f"/searches/{created.json()['id']}"
    assert created["Location"].endswith(path)
    assert api.get(path).json()["query"] == "dog>=90"
    changed = api("patch", path, {"name": "All dogs", "is_shared": True}).json()
    assert (changed["name"], changed["is_shared"], changed["query"]) == ("All dogs", True, "dog>=90")
    assert api("delete", path).status_code == 204
    assert api.get(path).status_code == 404


def test_a_search_changed_since_it_was_read_stays(api):
    path = f"/searches/{api.post('/searches', SEARCH).json()['id']}"
    read = api.get(path)
    assert api("get", path, headers={"If-None-Match": read["ETag"]}).status_code == 304
    changed = api("patch", path, {"name": "All dogs"}, headers={"If-Match": read["ETag"]})
    assert (changed.status_code, changed["ETag"] != read["ETag"]) == (200, True)
    assert api("patch", path, {"name": "No dogs"}, headers={"If-Match": read["ETag"]}).status_code == 412
    assert api("delete", path, headers={"If-Match": read["ETag"]}).status_code == 412
    assert api("delete", path, headers={"If-Match": changed["ETag"]}).status_code == 204


def test_shared_searches_are_read_by_others_and_changed_by_none(api, api_of, colleague):
    path = f"/searches/{api.post('/searches', SEARCH | {'is_shared': True}).json()['id']}"
    other = api_of(colleague)
    assert other.get(path).json()["is_own"] is False
    assert other("patch", path, {"name": "Mine"}).status_code == 404
    assert other("delete", path).status_code == 404


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"name": ""}, 422, "name"),
        ({"name": "  "}, 422, "name"),
        ({"name": "x" * 101}, 422, "name"),
        ({"query": "(dog"}, 422, "q"),
        ({"name": 7}, 422, "name"),
        ({"is_shared": "perhaps"}, 422, "is_shared"),
    ],
)
def test_bad_searches_are_not_saved(changed, status, field, api):
    response = api.post("/searches", SEARCH | changed)
    assert response.status_code == status
    assert response.json()["errors"][0]["field"] == field
    assert not SavedSearch.objects.exists()


def test_a_name_is_used_once(api):
    api.post("/searches", SEARCH)
    response = api.post("/searches", SEARCH | {"name": "DOGS"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (409, "name")


def test_a_key_is_of_one_body_in_any_content_type(api):
    def post(body: dict[str, str]):
        headers = {"Idempotency-Key": "a", "Authorization": f"Bearer {api.text}"}
        return Client().post("/api/v1/searches", json.dumps(body), content_type="text/plain", headers=headers)

    assert [post(body).status_code for body in (SEARCH, SEARCH, {"name": "Cats", "query": "cat"})] == [201, 201, 422]
    assert [search["name"] for search in api.get("/searches").json()["items"]] == [SEARCH["name"]]


def test_repeated_requests_count_against_the_rate_limit(settings, api):
    settings.API_REQUESTS_PER_MINUTE = 3
    headers = {"Idempotency-Key": "a"}
    responses = [api.post("/searches", SEARCH, headers=headers) for _ in range(2)]
    left = [int(response["RateLimit-Remaining"]) for response in responses]
    assert left in ([2, 1], [2, 2], [1, 2])  # a minute may end before or in between
    statuses = {api.post("/searches", SEARCH, headers=headers).status_code for _ in range(7)}
    assert 429 in statuses


def test_a_repeated_request_gets_the_first_response(api):
    headers = {"Idempotency-Key": "a"}
    first, again = (api.post("/searches", SEARCH, headers=headers) for _ in range(2))
    assert (first.content, first.status_code, first["Location"]) == (again.content, 201, again["Location"])
    assert again["Idempotent-Replayed"] == "true"
    assert SavedSearch.objects.count() == 1
    other = api.post("/searches", {"name": "Cats", "query": "cat"}, headers=headers)
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_a_key_stays_free_after_a_refused_request(api):
    headers = {"Idempotency-Key": "a"}
    assert api.post("/searches", {"name": "Dogs", "query": "(("}, headers=headers).status_code == 422
    assert api.post("/searches", SEARCH, headers=headers).status_code == 201


def test_a_key_belongs_to_its_token(api, api_of, colleague):
    headers = {"Idempotency-Key": "a"}
    api.post("/searches", SEARCH, headers=headers)
    assert not api_of(colleague).post("/searches", SEARCH, headers=headers).has_header("Idempotent-Replayed")


def test_a_request_in_progress_is_not_started_again(api, owner, monkeypatch):
    seen = []

    def second_request(row, respond):
        seen.append(api.post("/searches", SEARCH, headers={"Idempotency-Key": "a"}))
        return original(row, respond)

    original = idempotency._first_response
    monkeypatch.setattr(idempotency, "_first_response", second_request)
    assert api.post("/searches", SEARCH, headers={"Idempotency-Key": "a"}).status_code == 201
    assert [(response.status_code, response["Retry-After"]) for response in seen] == [(409, "2")]


def test_a_slow_request_does_not_free_the_key_of_its_repetition(api, monkeypatch):
    headers = {"Idempotency-Key": "a"}

    def slow_request(row, respond):
        monkeypatch.setattr(idempotency, "_first_response", original)
        type(row).objects.update(created_at=timezone.now() - idempotency.IN_PROGRESS)
        assert api.post("/searches", SEARCH, headers=headers).status_code == 201
        return original(row, respond)

    original = idempotency._first_response
    monkeypatch.setattr(idempotency, "_first_response", slow_request)
    assert api.post("/searches", SEARCH, headers=headers).status_code == 409  # the name is in use by now
    again = api.post("/searches", SEARCH, headers=headers)
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")


def test_keys_are_forgotten_after_a_day(api):

    from analysis.models import IdempotentRequest

    api.post("/searches", SEARCH, headers={"Idempotency-Key": "a"})
    IdempotentRequest.delete_expired()
    assert IdempotentRequest.objects.exists()
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(days=2))
    IdempotentRequest.delete_expired()
    assert not IdempotentRequest.objects.exists()


def test_a_file_is_uploaded_in_three_steps(api, owner):
    content = pictures.encoded(pictures.photo(3), "jpeg")
    digest = hashlib.sha256(content).hexdigest()
    request = {"filename": "beach.jpg", "size": len(content), "sha256": digest}
    ticket = api.post("/uploads", request)
    assert ticket.status_code == 201
    values = ticket.json()
    assert (values["state"], values["needs_token"]) == ("issued", True)
    file = io.BytesIO(content)
    file.name = "beach.jpg"
    assert api.upload(f"/uploads/{values['id']}/file", file).status_code == 204
    api.post(f"/uploads/{values['id']}/complete")
    done = api.get(f"/uploads/{values['id']}").json()
    assert (done["state"], done["is_new"]) == ("taken", True)
    assert Image.objects.get(pk=done["image_id"]).filename == "beach.jpg"
    assert api.post("/uploads", request).json()["image_id"] == done["image_id"]


def test_an_upload_says_that_its_picture_is_in_the_trash(api, owner):
    """A program may delete its copy of a file that was taken."""
    content = pictures.encoded(pictures.photo(3), "jpeg")
    digest = hashlib.sha256(content).hexdigest()
    image = create_image(owner, sha256=digest, trashed_at=timezone.now())
    blobs.put(image.key, content)
    request = {"filename": "beach.jpg", "size": len(content)}
    at_once = api.post("/uploads", request | {"sha256": digest}).json()
    upload = api.post("/uploads", request).json()
    assert upload["trashed_at"] is None
    file = io.BytesIO(content)
    file.name = "beach.jpg"
    api.upload(f"/uploads/{upload['id']}/file", file)
    checked = api.post(f"/uploads/{upload['id']}/complete").json()
    times = [datetime.fromisoformat(values["trashed_at"]) for values in (at_once, checked)]
    assert (at_once["image_id"], checked["image_id"]) == (image.pk, image.pk)
    assert {abs(time - image.trashed_at) < timedelta(milliseconds=2) for time in times} == {True}


def test_an_upload_in_steps_takes_a_sidecar(api):
    content = pictures.encoded(pictures.photo(3), "jpeg")
    packet = pictures.xmp_of("<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Größe</rdf:li></rdf:Alt></dc:title>")
    request = {"filename": "beach.jpg", "size": len(content)}
    broken = api.post("/uploads", request | {"sidecar": "not xml"})
    assert (broken.status_code, broken.json()["errors"][0]["field"]) == (422, "sidecar")
    upload = api.post("/uploads", request | {"sidecar": packet.decode()}).json()["id"]
    file = io.BytesIO(content)
    file.name = "beach.jpg"
    api.upload(f"/uploads/{upload}/file", file)
    done = api.post(f"/uploads/{upload}/complete").json()
    assert Image.objects.get(pk=done["image_id"]).title == "Größe"


def test_an_upload_in_steps_takes_the_date_of_the_file(api):
    content = pictures.encoded(pictures.photo(3), "jpeg")
    request = {"filename": "beach.jpg", "size": len(content), "modified": "2019-04-12T16:30:00+02:00"}
    upload = api.post("/uploads", request).json()["id"]
    file = io.BytesIO(content)
    file.name = "beach.jpg"
    api.upload(f"/uploads/{upload}/file", file)
    image = api.get(f"/images/{api.post(f'/uploads/{upload}/complete').json()['image_id']}").json()
    assert (image["taken_at"], image["taken_source"]) == ("2019-04-12T16:30:00+02:00", "file")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"modified": "next Tuesday"}, "modified"),
        ({"size": 0}, "size"),
        ({"size": "big"}, "size"),
        ({"sha256": "abc"}, "sha256"),
        ({"filename": ""}, "filename"),
    ],
)
def test_impossible_uploads_are_named(changed, field, api):
    response = api.post("/uploads", {"filename": "a.jpg", "size": 10} | changed)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_uploads_of_others_do_not_exist(api, api_of, colleague):
    ticket = api.post("/uploads", {"filename": "a.jpg", "size": 10}).json()["id"]
    other = api_of(colleague)
    assert other.get(f"/uploads/{ticket}").status_code == 404
    assert other.post(f"/uploads/{ticket}/complete").status_code == 404


def test_analyses_are_told_to_people_who_may_edit_the_picture(api, api_of, owner, colleague):
    image = create_image(owner, visibility=Image.Visibility.PUBLIC)
    analysis = create_analysis(image, state="done", answer={"Labels": []})
    [item] = api.get("/analyses", image=image.pk).json()["items"]
    assert (item["id"], item["state"], "response" in item) == (analysis.pk, "done", False)
    assert api.get(f"/analyses/{analysis.pk}").json()["response"] == {"Labels": []}
    assert api_of(colleague).get("/analyses").json()["items"] == []
    assert api_of(colleague).get(f"/analyses/{analysis.pk}").status_code == 404


def test_buckets_of_others_do_not_exist(api, api_of, owner, colleague):
    bucket = create_bucket(owner)
    assert [item["name"] for item in api.get("/buckets").json()["items"]] == ["photos"]
    assert api.post(f"/buckets/{bucket.pk}/sync").status_code == 202
    other = api_of(colleague)
    assert other.get("/buckets").json()["items"] == []
    assert other.post(f"/buckets/{bucket.pk}/sync").status_code == 404


def test_roles_of_buckets_are_for_staff(api_of, owner, staff):
    bucket = create_bucket(owner, role_arn=(role := "arn:aws:iam::222222222222:role/imagelib"))
    seen = [api_of(user).get(f"/buckets/{bucket.pk}").json() for user in (owner, staff)]
    assert [(resource["role_arn"], resource["external_id"]) for resource in seen] == [
        ("", ""),
        (role, bucket.external_id),
    ]


def test_spending_and_health_are_for_staff(api, api_of, staff):
    assert (api.get("/spending").status_code, api.get("/health").status_code) == (404, 404)
    spending = api_of(staff).get("/spending").json()
    assert (spending["recognizer"], spending["spent"]) == ("local", "0")
    health = api_of(staff).get("/health").json()
    assert health["state"] in {"ok", "warning", "failed"}
    assert {"database", "redis"} <= {check["subject"] for check in health["checks"]}
