"""Unknown parameters and fields, and addresses that are none, name what is wrong."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("path", ["/", "/nothing", "/images/%0A", "/images/1.5", "/images/-1", f"/images/{10**30}"])
def test_addresses_that_are_none_are_problems(path, api):
    response = api.get(path)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
