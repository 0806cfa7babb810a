"""The queue of messages: order, retries, receivers that are down, expiry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from analysis.delivery import outbox, sender
from analysis.delivery.signatures import new_secret
from analysis.models import Delivery, Image, Sink
from tests.factories import create_image

pytestmark = pytest.mark.django_db
State = Delivery.State


@pytest.fixture
def sink(receiver, owner) -> Sink:
    for pk in range(10):
        create_image(owner, pk=pk)
    return Sink.objects.create(name="Hook", channel="webhook", address=receiver.url, secret=new_secret())


def add(sink: Sink, *image_ids: int, **values) -> list[Delivery]:
    payload = {"version": 1, "event": "image"}
    return outbox.add(
        Delivery(sink=sink, image_id=image_id, payload=payload | {"number": number}, **values)
        for number, image_id in enumerate(image_ids)
    )


def make_due(*deliveries: Delivery) -> None:
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(next_attempt_at=Now())
    Sink.objects.update(retry_at=None)


def states() -> list[tuple[str, int, str]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "attempts", "error"))


def test_message_is_sent_once_and_recorded(sink, receiver):
    [delivery] = add(sink, 1)
    assert outbox.is_due()
    assert (sender.send_due(), outbox.is_due()) == (False, False)
    assert [request.json["id"] for request in receiver.received] == [str(delivery.delivery_id)]
    assert states() == [(State.DELIVERED, 1, "")]


def test_messages_about_one_picture_are_sent_in_order(sink, receiver):
    first, second, other = add(sink, 5, 5, 6)
    assert [row.pk for row in outbox.claim()] == [first.pk, other.pk]
    # Also while the first one is with another worker, or waits for its next attempt.
    assert outbox.claim() == []
    Delivery.objects.filter(pk=first.pk).update(state=State.DELIVERED)
    assert [row.pk for row in outbox.claim()] == [second.pk]


def test_failure_is_tried_again_with_the_same_id_and_body(sink, receiver):
    [delivery] = add(sink, 1)
    receiver.status, receiver.text = 503, "busy"
    sender.send_due()
    assert states() == [(State.WAITING, 1, "The receiver returned HTTP 503. busy")]
    delivery.refresh_from_db()
    assert delivery.next_attempt_at > timezone.now()
    receiver.status = 200
    make_due(delivery)
    sender.send_due()
    assert states() == [(State.DELIVERED, 2, "")]
    first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


def test_after_a_day_a_failure_is_final_and_can_be_sent_again(sink, receiver):
    [delivery] = add(sink, 1)
    Delivery.objects.update(give_up_at=timezone.now() - timedelta(seconds=1))
    receiver.status = 500
    sender.send_due()
    assert states() == [(State.FAILED, 1, "The receiver returned HTTP 500. ok")]
    receiver.status = 200
    make_due()
    assert outbox.send_again(Delivery.objects.filter(pk=delivery.pk)) == 1
    sender.send_due()
    assert states() == [(State.DELIVERED, 1, "")]
    assert outbox.send_again(Delivery.objects.all()) == 0


def test_pictures_deleted_in_the_meantime_are_not_sent(sink, receiver):
    add(sink, 1, 2, 3)
    Image.objects.filter(pk=1).update(trashed_at=timezone.now())
    Image.objects.filter(pk=2).delete()
    sender.send_due()
    assert [request.json["number"] for request in receiver.received] == [2]
    error = "Not sent: the picture was deleted, or is in the trash."
    assert states() == [(State.FAILED, 1, error), (State.FAILED, 1, error), (State.DELIVERED, 1, "")]


def test_old_tags_are_not_set_again_over_newer_ones(receiver):
    tags = Sink.objects.create(name="Tags", channel="object_tags", options={})
    hook = Sink.objects.create(name="Hook", channel="webhook", address=receiver.url)
    outdated, newer, other = add(tags, 5, 5, 6)
    first, _second = add(hook, 5, 5)
    Delivery.objects.filter(pk__in=[outdated.pk, other.pk, first.pk]).update(state=State.FAILED)
    Delivery.objects.filter(pk=newer.pk).update(state=State.DELIVERED)
    assert outbox.send_again(Delivery.objects.all()) == 2
    outdated.refresh_from_db(), other.refresh_from_db(), first.refresh_from_db()
    assert (outdated.state, other.state, first.state) == (State.DELIVERED, State.WAITING, State.WAITING)
    assert outdated.error == "Not sent again: a newer message about this picture has set the tags."


def test_messages_of_a_resumed_receiver_are_tried_for_a_day(sink, receiver):
    [delivery] = add(sink, 1)
    [test] = outbox.add([Delivery(sink=sink, kind=Delivery.Kind.TEST, payload={})], give_up_after=timedelta(0))
    outbox.disable(sink)
    Delivery.objects.filter(pk=delivery.pk).update(give_up_at=timezone.now() - timedelta(hours=1))  # paused for long
    outbox.enable(sink)
    receiver.status = 503
    sender.send_due()
    delivery.refresh_from_db(), test.refresh_from_db()
    assert (delivery.state, delivery.give_up_at > timezone.now() + timedelta(hours=23)) == (State.WAITING, True)
    assert test.state == State.FAILED  # which is tried once


def test_receiver_that_refuses_everything_gets_a_pause(sink, receiver):
    receiver.status = 500
    add(sink, *range(3))
    sender.send_due()
    sink.refresh_from_db()
    assert (sink.failures, sink.last_error, len(receiver.received)) == (1, "The receiver returned HTTP 500. ok", 3)
    assert sink.retry_at > timezone.now()
    add(sink, 9)
    assert (outbox.is_due(), outbox.claim()) == (False, [])
    make_due()
    receiver.status = 200
    sender.send_due()
    sink.refresh_from_db()
    assert (sink.failures, sink.last_error, sink.retry_at) == (0, "", None)


def test_gone_receiver_is_disabled_and_says_why(sink, receiver):
    receiver.status = 410
    add(sink, 1)
    sender.send_due()
    sink.refresh_from_db()
    assert (sink.is_active, sink.last_error) == (
        False,
        "The receiver returned HTTP 410: it no longer accepts messages.",
    )
    add(sink, 2)
    assert outbox.claim() == []
    receiver.status = 200
    outbox.enable(sink)
    sender.send_due()
    assert [state for state, _, _ in states()] == [State.FAILED, State.DELIVERED]


def test_failing_channel_does_not_keep_others_from_being_recorded(sink, receiver):
    broken = Sink.objects.create(name="Broken", channel="webhook", address=receiver.url, secret="x")
    add(broken, 1)
    add(sink, 1)
    sender.send_due()
    assert [state for state, _, _ in states()] == [State.WAITING, State.DELIVERED]
    assert Delivery.objects.get(sink=broken).error == "imagelib failed to send it. See the worker log."


def test_worker_that_died_leaves_its_messages_to_others(sink, receiver):
    add(sink, 1)
    [claimed] = outbox.claim()
    assert outbox.claim() == []
    make_due(claimed)
    sender.send_due()
    assert states() == [(State.DELIVERED, 2, "")]
    # The first worker comes back with a result that no longer counts.
    outbox.save_outcomes([(claimed, outbox.Outcome("too late"))])
    assert states() == [(State.DELIVERED, 2, "")]


def test_old_messages_are_deleted(sink, settings):
    sent, fresh, waiting = add(sink, 1, 2, 3)
    old = timezone.now() - timedelta(days=settings.DELIVERY_DAYS + 1)
    Delivery.objects.filter(pk=sent.pk).update(state=State.DELIVERED, finished_at=old)
    Delivery.objects.filter(pk=fresh.pk).update(state=State.DELIVERED, finished_at=timezone.now())
    Delivery.objects.filter(pk=waiting.pk).update(created_at=old)
    outbox.delete_expired()
    assert set(Delivery.objects.values_list("pk", flat=True)) == {fresh.pk, waiting.pk}
    outbox.disable(sink)
    outbox.delete_expired()
    assert set(Delivery.objects.values_list("pk", flat=True)) == {fresh.pk}


def test_deleted_receiver_takes_its_messages_along(sink):
    add(sink, 1)
    sink.delete()
    assert not Delivery.objects.exists()
