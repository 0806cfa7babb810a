"""Alerts, by programs."""

from __future__ import annotations

import json

import pytest

from analysis.delivery import sender
from analysis.models import Alert, AlertMatch, Delivery, SavedSearch
from tests.delivery.test_alert_matching import change
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db
HOOK = "https://example.com/hook?key=word"


@pytest.fixture
def dogs(owner) -> SavedSearch:
    return SavedSearch.objects.create(owner=owner, name="Dogs", query="dog", is_shared=True)


@pytest.fixture
def hook(api, dogs) -> dict:
    return api.post("/alerts", {"search": dogs.pk, "channel": "webhook", "address": HOOK}).json()


def test_alert_from_creation_to_deletion(api, owner, dogs):
    old = create_labeled_image(owner, {"Dog": 99.0})
    created = api.post("/alerts", {"search": dogs.pk, "channel": "webhook", "address": HOOK})
    alert = created.json()
    assert (created.status_code, alert["receiver"], alert["secret"][:6]) == (201, "example.com", "whsec_")
    assert alert["search"] == {"id": dogs.pk, "name": "Dogs", "query": "dog"}
    path = f"/alerts/{alert['id']}"
    assert created["Location"].endswith(path)
    # The secret and the rest of the address let one write to the receiver: a token that may only read has neither.
    assert (api.get(path).json()["secret"], "word" in api.get(path).content.decode()) == (None, False)
    new = create_labeled_image(owner, {"Dog": 99.0})
    change(old, new)
    [delivery] = api.get(f"{path}/deliveries").json()["items"]
    assert (delivery["image_id"], delivery["count"], delivery["state"]) == (new.pk, 1, "waiting")
    changed = api("patch", path, {"frequency": "daily"}).json()
    assert (changed["frequency"], changed["channel"]) == ("daily", "webhook")
    assert [row["id"] for row in api.get("/alerts").json()["items"]] == [alert["id"]]
    assert api("delete", path).status_code == 204
    assert (api.get(path).status_code, AlertMatch.objects.count()) == (404, 0)


def test_pause_resume_and_test(api, hook):
    path = f"/alerts/{hook['id']}"
    assert api.post(f"{path}/pause").json()["is_active"] is False
    refused = api.post(f"{path}/test")
    assert (refused.status_code, refused.json()["detail"]) == (409, "Not sent: the alert is paused. Resume it first.")
    assert api.post(f"{path}/resume").json()["is_active"] is True
    test = api.post(f"{path}/test")
    assert (test.status_code, test.json()["kind"], test.json()["state"]) == (202, "test", "waiting")


def test_failed_delivery_is_sent_again(api, hook, dogs, settings):
    Alert.objects.update(address="http://127.0.0.1:1/")
    path = f"/alerts/{hook['id']}/deliveries"
    api.post(f"/alerts/{hook['id']}/test")
    sender.send_due()
    [failed] = api.get(path).json()["items"]
    assert (failed["state"], failed["error"]) == ("failed", "127.0.0.1 is at 127.0.0.1, which is not a public address.")
    again = api.post(f"{path}/{failed['id']}/send-again").json()
    assert (again["id"], again["state"], again["attempts"]) == (failed["id"], "waiting", 0)
    assert api.post(f"{path}/00000000-0000-0000-0000-000000000000/send-again").status_code == 404


def test_preview(api, owner, dogs):
    from django.utils import timezone

    image = create_labeled_image(owner, {"Dog": 99.0}, added_at=timezone.now())
    assert api.post("/alerts/preview", {"search": dogs.pk, "channel": "webhook"}).json() == {
        "days": 30,
        "messages": 1,
        "pictures": 1,
        "is_capped": False,
        "image_ids": [image.pk],
    }
    assert Alert.objects.count() == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"channel": "email"}, (422, "channel")),
        ({"channel": "slack"}, (422, "address")),
        ({"channel": "webhook", "address": "https://name:word@example.com/"}, (422, "address")),
        ({"channel": "pigeon"}, (422, "channel")),
        ({"channel": "webhook", "address": HOOK, "frequency": "often"}, (422, "frequency")),
        ({"channel": "webhook", "address": HOOK, "colour": 1}, (422, "colour")),
        ({"channel": "webhook", "address": HOOK}, (409, "")),
    ],
)
def test_mistakes_name_their_field(api, hook, dogs, values, expected):
    status, field = expected
    answer = api.post("/alerts", {"search": dogs.pk, **values})
    assert (answer.status_code, field in json.dumps(answer.json()["errors"])) == (status, True)
    assert Alert.objects.count() == 1


def test_same_key_creates_one_alert(api, dogs):
    body = {"search": dogs.pk, "channel": "webhook", "address": HOOK}
    answers = [api.post("/alerts", body, headers={"Idempotency-Key": "1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Alert.objects.count() == 1


def test_alerts_of_others_are_not_found(api_of, colleague, hook, dogs):
    others, path = api_of(colleague), f"/alerts/{hook['id']}"
    for method, end in [("get", ""), ("delete", ""), ("post", "/pause"), ("post", "/test"), ("get", "/deliveries")]:
        assert others(method, path + end).status_code == 404
    assert others("patch", path, {}).status_code == 404
    assert others.get("/alerts").json()["items"] == []
    SavedSearch.objects.filter(pk=dogs.pk).update(is_shared=False)
    assert others.post("/alerts", {"search": dogs.pk, "channel": "email"}).status_code == 404


def test_reading_token_changes_nothing(api_of, owner, hook):
    reader = api_of(owner, scopes=["read"])
    assert reader.get("/alerts").status_code == 200
    assert reader.post(f"/alerts/{hook['id']}/test").status_code == 403
    assert (reader("delete", f"/alerts/{hook['id']}").status_code, Delivery.objects.count()) == (403, 0)


def test_second_page_of_each_list(api, hook, dogs):
    for number in range(2):
        api.post("/alerts", {"search": dogs.pk, "channel": "slack", "address": f"https://example.com/{number}"})
        api.post(f"/alerts/{hook['id']}/test")
    for path, total in [("/alerts", 3), (f"/alerts/{hook['id']}/deliveries", 2)]:
        first = api.get(path, limit=1).json()
        second = api.get(path, limit=200, cursor=first["next"]).json()
        assert (len(first["items"]) + len(second["items"]), second["next"]) == (total, "")
