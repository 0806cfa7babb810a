"""Exports in the background, by programs."""

from __future__ import annotations

import json

import pytest

from analysis.curation import verdicts
from analysis.exports import background
from analysis.models import Export
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def dog(owner):
    return create_labeled_image(owner, {"Dog": 99.0}, filename="dog.jpg")


def test_export_from_start_to_deletion(api, dog):
    started = api.post("/exports", {"q": "dog", "name": "Dogs", "kinds": ["label"], "palette": "contrast"})
    assert (started.status_code, started.json()["state"], started.json()["version"]) == (202, "queued", 1)
    path = f"/exports/{started.json()['id']}"
    assert started["Location"].endswith(path)
    early = api.get(f"{path}/file")
    assert (early.status_code, early.json()["detail"]) == (409, "The file is not ready: the export is “queued”.")
    background.run(started.json()["id"])
    finished = api.get(path).json()
    assert (finished["state"], finished["written"], finished["expires_at"]) == ("done", 1, None)
    assert finished["file_url"].endswith(f"{path}/file")
    rest = api("get", f"{path}/file", headers={"Range": "bytes=1-"})
    assert rest.status_code == 206
    assert json.loads(b"{" + b"".join(rest.streaming_content))["id"] == dog.pk
    assert api.post(f"{path}/cancel").status_code == 409
    assert [row["id"] for row in api.get("/exports").json()["items"]] == [finished["id"]]
    assert api("delete", path).status_code == 204
    assert api.get(path).status_code == 404


def test_a_finished_export_has_a_manifest(api, dog):
    started = api.post("/exports", {"query": {"where": {"term": "dog"}}, "name": "Dogs"}).json()
    assert api.get(f"/exports/{started['id']}/manifest").status_code == 409
    background.run(started["id"])
    manifest = api.get(f"/exports/{started['id']}/manifest").json()
    assert (manifest["query"], manifest["images"], manifest["version"]) == ('"dog"', 1, 1)
    assert manifest["sha256"] == Export.objects.get().sha256


def test_a_canceled_export_is_started_again(api, dog):
    path = f"/exports/{api.post('/exports', {'q': 'dog'}).json()['id']}"
    assert api.post(f"{path}/retry").status_code == 409
    api.post(f"{path}/cancel")
    again = api.post(f"{path}/retry")
    assert (again.status_code, again.json()["state"]) == (202, "queued")


@pytest.mark.parametrize(("query", "names"), [("cat", []), ("", ["dog.jpg"])])
def test_streams_of_nothing_and_of_everything(api, dog, query, names):
    response = api.get("/export", q=query, format="names")
    assert response["Content-Disposition"].endswith('-names.json"')
    assert [file["file_name"] for file in json.loads(b"".join(response.streaming_content))] == names


def test_versions_of_one_dataset_are_listed_alone(api, dog):
    for name in ("Dogs", "Cats", "Dogs"):
        api.post("/exports", {"q": "dog", "name": name})
    assert [row["version"] for row in api.get("/exports", name="Dogs").json()["items"]] == [2, 1]


def test_a_stream_has_the_same_options(api, owner, dog):
    verdicts.add(dog.pk, name="Rex", by_id=owner.pk)
    query = {"format": "csv", "kind": ["tag", "face"], "column": ["label", "kind"], "palette": "contrast"}
    response = api.get("/export", **query)
    assert b"".join(response.streaming_content).decode("utf-8-sig").splitlines() == ["label,kind", "Rex,tag"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"kind": ["tag", "smell"]}, "kind.1"),
        ({"column": "secret"}, "column.0"),
        ({"line_width": 21}, "line_width"),
        ({"palette": "pink"}, "palette"),
        ({"min_confidence": "high"}, "min_confidence"),
        ({"q": "(("}, "q"),
    ],
)
def test_bad_options_of_a_stream_name_their_field(api, query, field):
    response = api.get("/export", **query)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_same_key_starts_one_export(api, dog):
    answers = [api.post("/exports", {"image_ids": [dog.pk]}, headers={"Idempotency-Key": "1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Export.objects.get().image_ids == [dog.pk]


def test_exports_of_others_are_not_found(api_of, owner, colleague):
    export = background.create(Export(owner=owner, format="csv"))
    others = api_of(colleague)
    for method, path in [
        *(("get", ""), ("get", "/file"), ("get", "/manifest")),
        *(("post", "/cancel"), ("post", "/retry"), ("delete", "")),
    ]:
        assert others(method, f"/exports/{export.pk}{path}").status_code == 404
    assert others.get("/exports").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"q": "(("}, "q"),
        ({"query": {"where": {"term": "(("}}}, "query.where.term"),
        ({"q": "dog", "query": {"text": "dog"}}, "query"),
        ({"image_ids": [1], "q": "dog"}, "image_ids"),
        ({"format": "exe"}, "format"),
        ({"columns": ["x"]}, "columns"),
        ({"line_width": 0}, "line_width"),
    ],
)
def test_bad_options_name_their_field(api, body, field):
    response = api.post("/exports", body)
    assert response.status_code == 422
    assert field in json.dumps(response.json())


def test_more_than_the_limit_wait(api, monkeypatch):
    monkeypatch.setattr(background, "MAX_UNFINISHED", 0)
    assert api.post("/exports", {}).status_code == 409
