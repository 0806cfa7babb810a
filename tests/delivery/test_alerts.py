"""Alerts: create, change, pause, resume, test, delete and restore."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from analysis.delivery import alert_digests, alerts, outbox, sender
from analysis.delivery.alerts import AlertOptions, AlertRefused
from analysis.models import Alert, AlertMatch, Delivery, Image, SavedSearch
from tests.delivery.test_alert_matching import change, create_alert, sent
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db
EMAIL = AlertOptions("email")
HOOK = AlertOptions("webhook", "at_once", "https://example.com/hook")


@pytest.fixture
def owner(owner):
    owner.email = "owner@example.com"
    owner.save()
    return owner


@pytest.fixture
def dogs(owner) -> SavedSearch:
    return SavedSearch.objects.create(owner=owner, name="Dogs", query="dog", is_shared=True)


def test_new_alert_starts_with_pictures_that_match_already(owner, dogs):
    dog = create_labeled_image(owner, {"Dog": 99.0})
    alert = alerts.create(owner, dogs, HOOK)
    assert (alert.query, alert.secret[:6], alert.address) == ("dog", "whsec_", "https://example.com/hook")
    assert list(AlertMatch.objects.values_list("image_id", "matched_at")) == [(dog.pk, None)]
    email = alerts.create(owner, dogs, AlertOptions("email", "daily", "https://example.com/ignored"))
    assert (email.secret, email.address, email.frequency) == ("", "", "daily")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (AlertOptions("slack", address="ftp://example.com"), "address"),
        (AlertOptions("webhook", address=""), "address"),
        (AlertOptions("webhook", address="https://name:word@example.com/"), "address"),
    ],
)
def test_address_is_checked(owner, dogs, options, field):
    with pytest.raises(AlertRefused) as refused:
        alerts.create(owner, dogs, options)
    assert (refused.value.field, Alert.objects.count()) == (field, 0)


def test_email_needs_an_address_of_the_account(colleague, dogs):
    with pytest.raises(AlertRefused, match="no email address"):
        alerts.create(colleague, dogs, EMAIL)


def test_same_alert_twice_is_refused(owner, dogs):
    first = alerts.create(owner, dogs, EMAIL)
    with pytest.raises(AlertRefused, match="already have"):
        alerts.create(owner, dogs, AlertOptions("email", "weekly"))
    hook = alerts.create(owner, dogs, HOOK)
    with pytest.raises(AlertRefused, match="already have"):
        alerts.change(hook, EMAIL)
    alerts.change(first, AlertOptions("email", "weekly"))
    first.refresh_from_db()
    assert first.frequency == "weekly"


def test_number_of_alerts_is_limited(owner, dogs, monkeypatch):
    monkeypatch.setattr(alerts, "MAX_ALERTS", 1)
    alerts.create(owner, dogs, EMAIL)
    with pytest.raises(AlertRefused, match="the limit"):
        alerts.create(owner, dogs, HOOK)


def test_shared_search_of_someone_else_is_copied(colleague, dogs):
    SavedSearch.objects.create(owner=colleague, name="dogs", query="cat")
    alert = alerts.create(colleague, dogs, HOOK)
    assert (alert.saved_search.owner, alert.saved_search.name, alert.query) == (colleague, "Dogs (2)", "dog")
    other = alerts.create(colleague, dogs, AlertOptions("slack", address="https://example.com/slack"))
    assert other.saved_search == alert.saved_search
    dogs.delete()
    assert colleague.alerts.count() == 2


def test_change_keeps_the_secret_and_forgets_the_receiver_before(owner, dogs):
    alert = alerts.create(owner, dogs, HOOK)
    secret = alert.secret
    Alert.objects.filter(pk=alert.pk).update(last_error="The receiver returned HTTP 500.", failures=3)
    alerts.change(alert, AlertOptions("webhook", "daily", HOOK.address))
    assert (alert.secret, alert.last_error, alert.frequency) == (secret, "The receiver returned HTTP 500.", "daily")
    alerts.change(alert, AlertOptions("webhook", "daily", "https://example.com/other"))
    assert (alert.secret, alert.last_error, alert.failures) == (secret, "", 0)
    alerts.renew_secret(alert)
    alert.refresh_from_db()
    assert alert.secret != secret
    alerts.change(alert, AlertOptions("slack", "daily", "https://example.com/other"))
    assert alert.secret == ""


def test_new_frequency_moves_the_waiting_message(owner):
    alert = create_alert(owner, "dog", channel="email", frequency="weekly")
    change(create_labeled_image(owner, {"Dog": 99.0}))
    alert.refresh_from_db()
    weekly = alert.next_message_at
    alerts.change(alert, AlertOptions("email", "hourly"))
    assert alert.next_message_at < weekly


def test_matches_during_a_pause_are_not_sent(owner, dogs):
    alert = alerts.create(owner, dogs, HOOK)
    alerts.pause(alert)
    during = create_labeled_image(owner, {"Dog": 99.0})
    change(during)
    alerts.resume(alert)
    after = create_labeled_image(owner, {"Dog": 99.0})
    change(during, after)
    assert sent(alert) == [after.pk]


def test_receiver_that_is_gone_pauses_it_until_it_is_resumed(owner, dogs, receiver):
    alert = alerts.create(owner, dogs, AlertOptions("webhook", "at_once", receiver.url))
    receiver.status = 410
    change(create_labeled_image(owner, {"Dog": 99.0}))
    sender.send_due()
    alert.refresh_from_db()
    assert (alert.is_active, alert.last_error) == (
        False,
        "The receiver returned HTTP 410: it no longer accepts messages.",
    )
    alerts.resume(alert)
    alert.refresh_from_db()
    assert (alert.is_active, alert.last_error) == (True, "")


def test_test_message_is_tried_once_and_at_once(owner, dogs, receiver):
    alert = alerts.create(owner, dogs, AlertOptions("webhook", "at_once", receiver.url))
    Alert.objects.filter(pk=alert.pk).update(retry_at="2100-01-01 00:00Z")
    receiver.status, receiver.text = 500, "broken"
    alerts.add_test(alert)
    sender.send_due()
    test = Delivery.objects.get()
    assert (test.kind, test.state, test.error) == ("test", "failed", "The receiver returned HTTP 500. broken")
    assert receiver.received[0].json["event"] == "test"
    receiver.status = 200
    alerts.add_test(alert)
    outbox.send_again(Delivery.objects.filter(pk=test.pk))
    sender.send_due()
    assert list(Delivery.objects.order_by("pk").values_list("state", flat=True)) == ["delivered", "delivered"]


def test_pictures_out_of_sight_are_not_sent(colleague, owner, dogs, receiver):
    alert = alerts.create(colleague, dogs, AlertOptions("webhook", "at_once", receiver.url))
    digest = alerts.create(colleague, dogs, AlertOptions("webhook", "daily", receiver.url + "&digest"))
    visible, hidden = (create_labeled_image(owner, {"Dog": 99.0}, visibility=Image.Visibility.SHARED) for _ in range(2))
    change(visible, hidden)
    Alert.objects.filter(pk=digest.pk).update(next_message_at="2000-01-01 00:00Z")
    alert_digests.compose_due()
    Image.objects.filter(pk=hidden.pk).update(visibility=Image.Visibility.PRIVATE)
    sender.send_due()
    messages = [request.json for request in receiver.received]
    assert [[image["id"] for image in message["images"]] for message in messages] == [[visible.pk]] * 2
    assert {message["count"] for message in messages} == {1}
    [refused] = Delivery.objects.filter(state="failed")
    assert (refused.image_id, refused.error) == (hidden.pk, "Not sent: you can no longer see its pictures.")
    alert.refresh_from_db()
    assert (alert.last_error, alert.failures) == ("", 0)


def test_private_addresses_are_refused_when_sending(owner, dogs):
    alert = alerts.create(owner, dogs, AlertOptions("slack", address="http://169.254.169.254/latest"))
    alerts.add_test(alert)
    sender.send_due()
    test = Delivery.objects.get()
    assert (test.state, test.error) == (
        "failed",
        "169.254.169.254 is at 169.254.169.254, which is not a public address.",
    )


def test_deleted_alert_is_restored_with_a_new_start(owner, dogs):
    alert = alerts.create(owner, dogs, HOOK)
    values = alerts.delete(alert)
    new = create_labeled_image(owner, {"Dog": 99.0}, visibility=Image.Visibility.SHARED)
    restored = alerts.restore(values)
    assert (restored.pk, restored.secret) == (values["id"], values["secret"])
    change(new)
    assert sent(restored) == []
    with pytest.raises(IntegrityError):
        alerts.restore(values)


def test_alerts_go_with_their_search(owner, dogs):
    alert = alerts.create(owner, dogs, HOOK)
    change(create_labeled_image(owner, {"Dog": 99.0}))
    assert alert.deliveries.count() == 1
    dogs.delete()
    assert (Alert.objects.count(), AlertMatch.objects.count(), Delivery.objects.count()) == (0, 0, 0)
