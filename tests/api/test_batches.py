"""Bulk runs over the API: paid once, and within the token's limit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from analysis.models import Batch
from tests.factories import create_image, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(rekognition):
    """Analyses cost money; 0.0021 dollars each, with image properties."""
    return rekognition


def test_estimate_starts_nothing(paid, api, owner):
    ids = [create_image(owner).pk for _ in range(3)]
    estimate = api.post("/batches/estimate", {"image_ids": ids, "apis": ["labels"]}).json()
    assert (estimate["images"], estimate["calls"], Decimal(estimate["dollars"])) == (3, 3, Decimal("0.0063"))
    assert Decimal(estimate["token_remaining"]) == 10
    assert not Batch.objects.exists()


def test_started_once_for_one_key(paid, api, owner):
    create_image(owner)
    headers = {"Idempotency-Key": "monday"}
    first = api.post("/batches", {"q": "", "apis": ["labels"]}, headers=headers)
    again = api.post("/batches", {"q": "", "apis": ["labels"]}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert first["Location"].endswith(f"/api/v1/batches/{first.json()['id']}")
    other = api.post("/batches", {"apis": ["labels"]}, headers={"Idempotency-Key": "tuesday"})
    assert other.json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/batches", {"q": "dog", "apis": ["labels"]}),
        ("/batches", {"image_ids": [2], "apis": ["labels"]}),
        ("/batches", {"image_ids": [1], "apis": ["faces"]}),
        ("/batches", {"image_ids": [1], "apis": ["labels"], "scope": "missing"}),
        ("/batches", {"image_ids": [1], "apis": ["labels"], "force": True}),
        ("/analyses", {"image_id": 2, "apis": ["labels"]}),
    ],
)
def test_a_key_is_of_one_run(path, body, *, paid, api, owner, settings):
    settings.RECOGNIZER_APIS = ["labels", "faces"]
    ids = [create_image(owner).pk for _ in range(2)]
    headers = {"Idempotency-Key": "monday"}
    assert api.post("/batches", {"image_ids": ids[:1], "apis": ["labels"]}, headers=headers).status_code == 202
    # The bodies number the pictures.
    named = {"image_ids": [ids[number - 1] for number in body.get("image_ids", [])], "image_id": ids[1]}
    other = api.post(path, {name: named.get(name, value) for name, value in body.items()}, headers=headers)
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert Batch.objects.count() == 1


def test_a_token_cannot_spend_more_than_its_limit(paid, owner, api_of):
    ids = [create_image(owner).pk for _ in range(20)]
    api = api_of(owner, spending_limit=Decimal("0.06"))
    assert api.post("/batches", {"image_ids": ids, "apis": ["labels"], "budget": "0.08"}).status_code == 403
    assert not Batch.objects.exists()
    assert api.post("/batches", {"image_ids": ids, "apis": ["labels"]}).status_code == 202
    assert Batch.objects.get().budget == Decimal("0.05")
    refused = api.post("/batches", {"image_ids": ids, "apis": ["labels"], "force": True})
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["field"] == "budget"
    assert "$0.01" in refused.json()["detail"]
    assert Decimal(api.get("/token").json()["spending_remaining"]) == Decimal("0.01")
    assert Batch.objects.count() == 1


def test_what_an_ended_run_did_not_spend_is_free_again(paid, owner, api_of):
    create_image(owner)
    api = api_of(owner, spending_limit=Decimal(1))
    run = api.post("/batches", {"apis": ["labels"], "budget": "1"}).json()
    assert Decimal(api.get("/token").json()["spending_remaining"]) == 0
    assert api.post(f"/batches/{run['id']}/cancel").json()["state"] == "cancelled"
    assert Decimal(api.get("/token").json()["spending_remaining"]) == 1


def test_paused_resumed_cancelled(paid, api, owner):
    create_image(owner)
    run = api.post("/batches", {"apis": ["labels"]}).json()["id"]
    assert api.post(f"/batches/{run}/pause").json()["state"] == "paused"
    assert api.post(f"/batches/{run}/pause").status_code == 409
    assert api.post(f"/batches/{run}/resume").json()["state"] == "running"
    assert api.post(f"/batches/{run}/cancel").json()["state"] == "cancelled"
    assert api.post(f"/batches/{run}/cancel").status_code == 409
    assert api.get(f"/batches/{run}").json()["state"] == "cancelled"
    assert [item["id"] for item in api.get("/batches").json()["items"]] == [run]


def test_resuming_anothers_run_needs_room_below_the_limit(paid, owner, api_of):
    create_image(owner)
    run = api_of(owner).post("/batches", {"apis": ["labels"], "budget": "2"}).json()["id"]
    poor = api_of(owner, spending_limit=Decimal(1))
    poor.post(f"/batches/{run}/pause")
    assert poor.post(f"/batches/{run}/resume").status_code == 403
    rich = api_of(owner, spending_limit=Decimal(5))
    assert rich.post(f"/batches/{run}/resume").status_code == 200
    assert Decimal(rich.get("/token").json()["spending_remaining"]) == 3


def test_others_runs_do_not_exist(paid, api, owner, api_of):
    create_image(owner)
    run = api.post("/batches", {"apis": ["labels"]}).json()["id"]
    other = api_of(create_user())
    assert other.get(f"/batches/{run}").status_code == 404
    for action in ("pause", "resume", "cancel"):
        assert other.post(f"/batches/{run}/{action}").status_code == 404
    assert other.get("/batches").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"image_ids": [1], "q": "dog"}, 422),
        ({"image_ids": []}, 422),
        ({"image_ids": ["one"]}, 422),
        ({"q": "(("}, 422),
        ({"q": "dog", "query": {"text": "dog"}}, 422),
        ({"query": {"where": {"term": "(("}}}, 422),
        ({"apis": ["moods"]}, 422),
        ({"apis": []}, 422),
        ({"apis": ["faces"]}, 403),  # not in RECOGNIZER_APIS
        ({"budget": "-1"}, 422),
        ({"budget": "1e9"}, 422),
        ({"budget": "much"}, 422),
    ],
)
def test_bad_requests_start_nothing(body, status, paid, api, owner):
    create_image(owner)
    assert api.post("/batches", body).status_code == status
    assert not Batch.objects.exists()


def test_one_image_is_analyzed_within_the_limit(paid, api, owner):
    image = create_image(owner)
    estimate = api.post("/analyses/estimate", {"image_id": image.pk, "apis": ["labels"]}).json()
    assert (estimate["images"], Decimal(estimate["dollars"])) == (1, Decimal("0.0021"))
    headers = {"Idempotency-Key": "1"}
    runs = [api.post("/analyses", {"image_id": image.pk, "apis": ["labels"]}, headers=headers) for _ in range(2)]
    assert [run.status_code for run in runs] == [202, 202]
    batch = Batch.objects.get()
    assert (runs[1].json()["id"], batch.budget, batch.apis) == (batch.pk, Decimal("0.01"), ["labels"])
    assert list(batch.named.values_list("image_id", flat=True)) == [image.pk]
    too_much = api.post("/analyses", {"image_id": image.pk, "budget": "10.01"})
    assert (too_much.status_code, too_much.json()["errors"][0]["field"]) == (403, "budget")


def test_pictures_of_others_are_not_analyzed(paid, api_of, owner, colleague):
    private, shared = create_image(owner), create_image(owner, visibility=1)
    for image, status in ((private, 404), (shared, 403)):
        for path in ("/analyses/estimate", "/analyses"):
            assert api_of(colleague).post(path, {"image_id": image.pk}).status_code == status
    assert not Batch.objects.exists()


def test_a_run_takes_a_search_in_json(paid, api, owner):
    create_image(owner)
    run = api.post("/batches", {"query": {"where": {"not": {"term": "is:trashed"}}}, "apis": ["labels"]})
    assert run.json()["query"] == "-is:trashed"


def test_a_run_over_more_than_was_examined_needs_a_budget(paid, api, owner, monkeypatch):
    from analysis.api import batches

    monkeypatch.setattr(batches, "MAX_ESTIMATED", 1)
    for _ in range(3):
        create_image(owner)
    refused = api.post("/batches", {"apis": ["labels"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "budget")
    assert not Batch.objects.exists()
    assert api.post("/batches", {"apis": ["labels"], "budget": "1"}).status_code == 202
