"""Sinks over the API: life of a sink, bad input, rights."""

from __future__ import annotations

import pytest

from analysis.delivery import sink_runs
from analysis.models import Delivery, Sink
from tests.delivery.aws_services import REGION
from tests.delivery.conftest import *
from tests.factories import create_bucket, create_bucket_image, create_labeled_image, create_user

pytestmark = pytest.mark.django_db
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/pictures"
NEW = {"channel": "sqs", "name": "Queue", "query": "dog", "address": QUEUE, "options": {"form": "simple"}}


@pytest.fixture
def staff_api(api_of, staff):
    return api_of(staff, scopes=["admin"])


def test_life_of_a_sink(staff_api, aws, owner):
    create_labeled_image(owner, {"Dog": 99.0})
    created = staff_api.post("/sinks", NEW | {"address": aws.create_queue("pictures")})
    sink = created.json()
    address = f"/sinks/{sink['id']}"
    assert (created.status_code, created["Location"]) == (201, f"http://testserver/api/v1{address}")
    assert (sink["options"], sink["is_active"]) == ({"region": "", "form": "simple", "kilobytes": 256}, True)
    assert staff_api.get(address).json() == sink
    assert staff_api.post(f"{address}/test").json() == {"is_delivered": True, "error": "", "note": ""}
    changed = staff_api("patch", address, {"name": "Other", "options": {"kilobytes": 64}}).json()
    assert (changed["name"], changed["query"], changed["options"]) == (
        "Other",
        "dog",
        {**sink["options"], "kilobytes": 64},
    )
    assert staff_api.post(f"{address}/run").json()["run"]["state"] == "running"
    assert staff_api.post(f"{address}/run").status_code == 409
    assert staff_api("delete", f"{address}/run").json()["run"]["state"] == "canceled"
    staff_api.post(f"{address}/run")
    sink_runs.queue_due()
    sink_json = staff_api.get(address).json()
    assert (sink_json["run"]["state"], sink_json["run"]["queued"], sink_json["waiting"]) == ("done", 1, 1)
    assert staff_api.post(f"{address}/pause").json()["is_active"] is False
    assert staff_api.post(f"{address}/run").status_code == 409
    assert staff_api.post(f"{address}/resume", {}).json()["is_active"] is True
    assert staff_api("delete", address).status_code == 204
    assert (staff_api.get(address).status_code, Delivery.objects.count()) == (404, 0)


def test_tags_are_activated_by_the_approval_of_the_dry_run(staff_api, aws, owner):
    aws.create_bucket("pictures")
    image = create_bucket_image(create_bucket(owner, name="pictures", region=REGION, may_tag=True), "dog.jpg")
    aws.clients["s3"].put_object(Bucket="pictures", Key="dog.jpg", Body=b"x", Tagging="imagelib%3AOld=label")
    options = {"labels": ["Dog", "Cat"], "max_tags": 3}
    sink = staff_api.post("/sinks", {"channel": "object_tags", "name": "Tags", "options": options}).json()
    assert (sink["is_active"], sink["options"]["labels"]) == (False, ["Dog", "Cat"])
    assert staff_api.post(f"/sinks/{sink['id']}/resume", {"approval": "x"}).status_code == 409
    dry_run = staff_api.get(f"/sinks/{sink['id']}/dry-run").json()
    assert dry_run["items"] == [
        {
            "image_id": image.pk,
            "object": "pictures/dog.jpg",
            "added": {},
            "removed": {"imagelib:Old": "label"},
            "unchanged": {},
            "error": "",
        }
    ]
    activated = staff_api.post(f"/sinks/{sink['id']}/resume", {"approval": dry_run["approval"]}).json()
    assert activated["is_active"] is True


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "pictures"}, "address"),
        ({"query": "width:"}, "query"),
        ({"name": "Taken"}, "name"),
        ({"name": " "}, "name"),
        ({"channel": "email"}, "channel"),
        ({"options": {"color": "red"}}, "options.color"),
        ({"options": {"form": "other"}}, "options.form"),
        ({"options": {"kilobytes": 0}}, "options.kilobytes"),
        ({"options": {"form": ["full", "\x00"]}}, "options.form"),
        ({"extra": 1}, "extra"),
    ],
)
def test_error_names_the_field(staff_api, changes, field):
    Sink.objects.create(name="Taken", channel="sqs", address=QUEUE)
    response = staff_api.post("/sinks", NEW | changes)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)
    assert Sink.objects.count() == 1


def test_list_has_pages(staff_api):
    for number in range(3):
        Sink.objects.create(name=f"Sink {number}", channel="sqs", address=QUEUE)
    first = staff_api.get("/sinks", limit=2).json()
    second = staff_api.get("/sinks", limit=2, cursor=first["next"]).json()
    assert [sink["name"] for sink in first["items"] + second["items"]] == ["Sink 2", "Sink 1", "Sink 0"]
    assert second["next"] == ""


def test_others_get_nothing(api_of, owner, staff):
    sink = Sink.objects.create(name="Queue", channel="sqs", address=QUEUE)
    for person in (owner, create_user(is_staff=True)):
        api = api_of(person)
        for method, path in (("get", ""), ("post", ""), ("get", f"/{sink.pk}"), ("post", f"/{sink.pk}/test")):
            assert api(method, f"/sinks{path}", NEW if (method, path) == ("post", "") else None).status_code == 404
    assert api_of(staff, scopes=["read", "write"]).get("/sinks").status_code == 403
