"""Requests that arrive while another change of the same row is being saved."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connection, transaction

from analysis.curation import verdicts
from analysis.models import Alert, Image, Label, SavedSearch, Sink
from tests.factories import create_labeled_image, label_rows

pytestmark = pytest.mark.django_db(transaction=True)


def is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def status_during(change, send_request) -> int:
    """The status of a request that arrives before the change is committed."""
    responses = []

    def send() -> None:
        try:
            responses.append(send_request())
        finally:
            connection.close()

    other = threading.Thread(target=send)
    with transaction.atomic():
        change()
        other.start()
        while other.is_alive() and not is_waiting():
            other.join(0.01)
    other.join(20)
    return responses[0].status_code


@pytest.mark.parametrize(("method", "body"), [("patch", {"query": "cat"}), ("delete", None)])
def test_a_search_that_is_being_changed_stays(method, body, api, owner):
    path = f"/searches/{api.post('/searches', {'name': 'Dogs', 'query': 'dog'}).json()['id']}"
    headers = {"If-Match": api.get(path)["ETag"]}
    theirs = partial(SavedSearch.objects.update, name="Theirs")
    assert status_during(theirs, lambda: api(method, path, body, headers=headers)) == 412
    assert (api.get(path).json()["name"], api.get(path).json()["query"]) == ("Theirs", "dog")


@pytest.mark.parametrize(("method", "body"), [("patch", {"title": "Mine"}), ("delete", None)])
def test_a_picture_that_is_being_changed_stays(method, body, api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0})
    path = f"/images/{image.pk}"
    headers = {"If-Match": api.get(path)["ETag"]}
    theirs = partial(Image.objects.update, title="Theirs")
    assert status_during(theirs, lambda: api(method, path, body, headers=headers)) == 412
    image.refresh_from_db()
    assert (image.title, image.trashed_at) == ("Theirs", None)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("put", "/verdicts/{label}", {"decision": "rejected"}),
        ("delete", "/verdicts/{label}", None),
        ("post", "/labels", {"name": "Rex"}),
        ("delete", "/tags/{tag}", None),
    ],
)
def test_labels_that_are_being_changed_stay(method, path, body, api, owner):
    image = create_labeled_image(owner, {"Dog": 99.0, "Cat": 60.0})
    tag = verdicts.add(image.pk, name="Holiday", by_id=owner.pk).label_id
    dog, cat = (Label.objects.get(name=name).pk for name in ("Dog", "Cat"))
    path = f"/images/{image.pk}{path.format(label=dog, tag=tag)}"
    headers = {"If-Match": api.get(f"/images/{image.pk}/labels")["ETag"]}
    theirs = partial(verdicts.reject, image.pk, label_id=cat, by_id=owner.pk)
    assert status_during(theirs, lambda: api(method, path, body, headers=headers)) == 412
    assert set(label_rows(image)) == {"Dog", "Holiday"}


def test_fields_of_an_alert_are_changed_at_the_same_time(api, owner):
    search = api.post("/searches", {"name": "Dogs", "query": "dog"}).json()["id"]
    new = {"search": search, "channel": "webhook", "address": "https://example.com/1"}
    path = f"/alerts/{api.post('/alerts', new).json()['id']}"
    theirs = partial(Alert.objects.update, frequency="daily")
    assert status_during(theirs, lambda: api("patch", path, {"address": "https://example.com/2"})) == 200
    assert Alert.objects.values_list("frequency", "address").get() == ("daily", "https://example.com/2")


def test_fields_of_a_sink_are_changed_at_the_same_time(api_of, staff):
    api = api_of(staff)
    new = {"channel": "webhook", "name": "Hook", "address": "https://example.com/1"}
    path = f"/sinks/{api.post('/sinks', new).json()['id']}"
    theirs = partial(Sink.objects.update, query="dog")
    assert status_during(theirs, lambda: api("patch", path, {"address": "https://example.com/2"})) == 200
    assert Sink.objects.values_list("query", "address").get() == ("dog", "https://example.com/2")
