"""Unknown parameters and fields, and addresses that are none, name what is wrong."""

from __future__ import annotations

import pytest
from django.core import signing
from django.db import connection
from django.test import Client

from analysis.api import pagination
from analysis.models import Export
from tests.factories import create_image, create_labeled_image

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/images", "/labels", "/batches", "/token"])
def test_a_misspelled_parameter_is_named(path, api):
    response = api.get(path, limt=5)
    assert (response.status_code, response["Content-Type"]) == (422, "application/problem+json")
    assert response.json()["errors"][0]["field"] == "limt"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("post", "/searches", {"name": "Dogs", "query": "dog", "shared": True}, "shared"),
        ("post", "/searches", {"name": "Dogs", "query": "dog", "is_shared": 0}, "is_shared"),
        ("post", "/images/search", {"query": {"text": "dog", "order": "oldest"}}, "query.order"),
        ("post", "/images/search", {"query": {"text": "dog"}, "limit": "5"}, "limit"),
        ("post", "/batches/estimate", {"apis": "labels"}, "apis"),
        ("post", "/batches/estimate", [None, None], "options"),
    ],
)
def test_an_unknown_field_or_a_wrong_type_is_named(method, path, body, field, api):
    response = api(method, path, body)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]


@pytest.fixture
def cursor(api, owner) -> str:
    """Of a list with two images."""
    create_image(owner), create_image(owner)
    return api.get("/images", limit=1).json()["next"]


@pytest.mark.parametrize(
    "tampered",
    [
        lambda cursor: cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        lambda cursor: "x" + cursor,
        lambda cursor: cursor.split(":")[0],
        lambda _cursor: signing.dumps(["1", "images "], salt="another"),
        lambda _cursor: signing.dumps("1", salt=pagination.SALT),
        lambda _cursor: "\x00",
    ],
    ids=["signature", "content", "unsigned", "another salt", "another form", "NUL"],
)
def test_a_tampered_cursor_is_refused(tampered, cursor, api):
    assert len(api.get("/images", limit=1, cursor=cursor).json()["items"]) == 1
    response = api.get("/images", limit=1, cursor=tampered(cursor))
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize(
    "path", ["/analyses", "/batches", "/buckets", "/exports", "/labels", "/labels/tree", "/searches"]
)
def test_a_cursor_of_another_list_is_refused(path, cursor, api):
    response = api.get(path, cursor=cursor)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("patch", "", {"rating": 5}),
        ("delete", "", None),
        ("post", "/restore", None),
        ("get", "/files/thumb", None),
        ("get", "/files/original", None),
        ("get", "/labels", None),
        ("post", "/labels", {"name": "Dog"}),
        ("get", "/tags", None),
        ("post", "/tags", {"name": "Dog"}),
        ("delete", "/tags/1", None),
        ("get", "/verdicts", None),
        ("put", "/verdicts/1", {"decision": "confirmed"}),
        ("delete", "/verdicts/1", None),
    ],
)
def test_a_picture_of_another_person_does_not_exist(method, path, body, api, colleague):
    image = create_labeled_image(colleague, {"Dog": 99.0})
    missing, others = (api(method, f"/images/{pk}{path}", body) for pk in (image.pk + 1, image.pk))
    assert (others.status_code, others.content) == (404, missing.content)


@pytest.mark.parametrize("path", ["/", "/nothing", "/images/%0A", "/images/1.5", "/images/-1", f"/images/{10**30}"])
def test_addresses_that_are_none_are_problems(path, api):
    response = api.get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_a_bug_is_a_problem(api):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE analysis_savedsearch RENAME TO renamed")
    headers = {"Authorization": f"Bearer {api.text}"}
    response = Client(raise_request_exception=False).get("/api/v1/searches", headers=headers)
    problem = response.json()
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert (
        problem["detail"]
        == "imagelib failed to respond. Its log has the cause, with the X-Request-ID of this response."
    )
    assert (problem["status"], problem["errors"], "X-Request-ID" in response) == (500, [], True)


def test_a_file_that_the_storage_lost_is_a_problem(api, owner):
    lost = {"state": Export.State.DONE, "key": "exports/lost.csv", "size": 1, "sha256": "0" * 64}
    export = Export.objects.create(owner=owner, format="csv", **lost)
    response = api.get(f"/exports/{export.pk}/file")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert int(response["RateLimit-Remaining"]) > 0
