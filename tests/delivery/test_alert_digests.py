"""Messages about several matches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db.models.functions import Now

from analysis import tasks
from analysis.curation import trash
from analysis.delivery import alert_digests, outbox, sender
from analysis.library import image_events
from analysis.library import images as library_images
from analysis.models import Alert, AlertMatch, Delivery, Image
from tests import worker
from tests.delivery.test_alert_matching import change, create_alert
from tests.factories import create_image, create_labeled_image, create_user

pytestmark = pytest.mark.django_db


def make_due(alert: Alert) -> None:
    Alert.objects.filter(pk=alert.pk).update(next_message_at=Now() - timedelta(seconds=1))


def test_daily_message_waits_for_its_time(owner):
    alert = create_alert(owner, "dog", channel="email", frequency="daily")
    change(create_labeled_image(owner, {"Dog": 99.0}))
    alert.refresh_from_db()
    assert (alert.next_message_at is None, alert_digests.is_due()) == (False, False)
    make_due(alert)
    assert not alert_digests.compose_due()
    assert (Delivery.objects.count(), AlertMatch.objects.filter(is_waiting=True).count()) == (1, 0)
    make_due(alert)
    alert_digests.compose_due()
    assert Delivery.objects.count() == 1


def test_message_has_the_newest_pictures_and_the_number_of_all(owner, monkeypatch):
    monkeypatch.setattr(alert_digests, "MAX_IMAGES", 2)
    alert = create_alert(owner, "dog", frequency="hourly")
    images = [create_labeled_image(owner, {"Dog": 99.0}, filename=f"{number}.jpg") for number in range(3)]
    change(*images)
    make_due(alert)
    alert_digests.compose_due()
    payload = Delivery.objects.get().payload
    assert (payload["count"], [image["file_name"] for image in payload["images"]]) == (3, ["2.jpg", "1.jpg"])


def test_pictures_out_of_sight_are_left_out(owner, colleague):
    alert = create_alert(colleague, "dog", channel="email", frequency="daily")
    shared, private, trashed = (
        create_labeled_image(owner, {"Dog": 99.0}, visibility=Image.Visibility.SHARED) for _ in range(3)
    )
    change(shared, private, trashed)
    library_images.set_visibility([private.pk], Image.Visibility.PRIVATE)
    trash.trash([trashed.pk])
    make_due(alert)
    alert_digests.compose_due()
    payload = Delivery.objects.get().payload
    assert (payload["count"], [image["id"] for image in payload["images"]]) == (1, [shared.pk])


def test_nothing_is_sent_about_no_picture(owner):
    alert = create_alert(owner, "dog", channel="email", frequency="daily")
    image = create_labeled_image(owner, {"Dog": 99.0})
    change(image)
    trash.trash([image.pk])
    make_due(alert)
    alert_digests.compose_due()
    alert.refresh_from_db()
    assert (Delivery.objects.count(), alert.next_message_at) == (0, None)


def test_paused_and_inactive_wait(owner, colleague):
    paused = create_alert(owner, "dog", frequency="daily")
    inactive = create_alert(colleague, "dog", frequency="daily")
    change(create_labeled_image(owner, {"Dog": 99.0}, visibility=Image.Visibility.SHARED))
    for alert in (paused, inactive):
        make_due(alert)
    outbox.disable(paused)
    type(colleague).objects.filter(pk=colleague.pk).update(is_active=False)
    assert not alert_digests.is_due()
    outbox.enable(paused)
    assert alert_digests.is_due()


def test_messages_of_inactive_people_are_not_sent(owner, receiver):
    alert = create_alert(owner, "name:x", address=receiver.url, secret="whsec_AAAA")
    change(create_image(owner, filename="x.jpg"))
    people = type(owner).objects.filter(pk=owner.pk)
    people.update(is_active=False)
    sender.send_due()
    assert (outbox.is_due(), receiver.received) == (False, [])
    people.update(is_active=True)
    sender.send_due()
    assert [request.json["search"]["name"] for request in receiver.received] == [alert.saved_search.name]


def test_names_are_harmless_in_every_channel(owner, receiver):
    owner.email = "owner@example.com"
    owner.save()
    slack = create_alert(owner, "", channel="slack", address=receiver.url)
    email = create_alert(owner, "", channel="email")
    for alert in (slack, email):
        type(alert.saved_search).objects.filter(pk=alert.saved_search_id).update(
            name=f"<!channel> {alert.channel}\nBcc:"
        )
    change(create_labeled_image(owner, {"=HYPERLINK(1)": 99.0, "<!channel>": 98.0}, filename="<b>.jpg"))
    alert_digests.compose_due()
    sender.send_due()
    [message] = mail.outbox
    assert message.subject == "imagelib: 1 new picture in “<!channel> email Bcc:”"
    assert message.recipients() == ["owner@example.com"]
    assert "<b>.jpg: =HYPERLINK(1), <!channel>" in message.body
    [request] = receiver.received
    assert request.json["text"] == (
        "*1 new picture in “&lt;!channel&gt; slack\nBcc:”*\n&lt;b&gt;.jpg: =HYPERLINK(1), &lt;!channel&gt;"
    )


@pytest.mark.django_db(transaction=True)
def test_tasks_compare_compose_and_send(receiver):
    owner = create_user("owner")
    alert = create_alert(owner, "dog", channel="slack", address=receiver.url)
    image_events.record_changed([create_labeled_image(owner, {"Dog": 99.0}).pk])
    with worker.started():  # until all tasks are done
        tasks.compare_changed_images.delay()
    assert list(alert.deliveries.values_list("state", flat=True)) == ["delivered"]
    assert len(receiver.received) == 1
