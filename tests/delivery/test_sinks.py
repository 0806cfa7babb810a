"""Actions on sinks: test message, dry run of tags and its approval, counts."""

from __future__ import annotations

import pytest
from django.utils import timezone

from analysis.delivery import sinks
from analysis.delivery.sinks import SinkRefused
from analysis.models import Delivery, Sink
from tests.delivery.aws_services import REGION
from tests.factories import create_bucket, create_bucket_image, create_image, create_labeled_image

pytestmark = pytest.mark.django_db


def test_test_message_ends_a_pause_after_failures(receiver):
    sink = sinks.add(Sink(name="Hook", channel="webhook", address=receiver.url), by_id=None)
    Sink.objects.update(last_error="The receiver returned HTTP 500.", failures=3, retry_at=timezone.now())
    assert sinks.send_test(sink).is_delivered
    sink.refresh_from_db()
    assert (sink.last_error, sink.failures, sink.retry_at) == ("", 0, None)
    assert [request.json["event"] for request in receiver.received] == ["test"]
    assert not Delivery.objects.exists()


def test_failed_test_changes_nothing(receiver):
    receiver.status = 500
    sink = sinks.add(Sink(name="Hook", channel="webhook", address=receiver.url), by_id=None)
    assert sinks.send_test(sink).error == "The receiver returned HTTP 500. ok"
    sink.refresh_from_db()
    assert (sink.is_active, sink.last_error) == (True, "")


@pytest.fixture
def tags_sink(owner, aws) -> Sink:
    aws.create_bucket("pictures")
    bucket = create_bucket(owner, name="pictures", region=REGION, may_tag=True)
    aws.create_bucket("others")
    other = create_bucket(owner, name="others", region=REGION)
    for key in ("dog.jpg", "gone.jpg"):
        create_bucket_image(bucket, key)
    create_bucket_image(other, "cat.jpg")
    create_image(owner)
    aws.clients["s3"].put_object(Bucket="pictures", Key="dog.jpg", Body=b"x")
    aws.set_tags("pictures", "dog.jpg", {"team": "a", "imagelib:Cat": "label"})
    return sinks.add(Sink(name="Tags", channel="object_tags"), by_id=None)


def test_dry_run_shows_changes_and_writes_nothing(aws, tags_sink):
    previews = {preview.object_name: preview for preview in sinks.preview_tags(tags_sink)}
    assert set(previews) == {"pictures/dog.jpg", "pictures/gone.jpg"}
    dog = previews["pictures/dog.jpg"]
    assert (dog.added, dog.removed, dog.unchanged) == ({}, {"imagelib:Cat": "label"}, {"team": "a"})
    assert previews["pictures/gone.jpg"].error == "The object is no longer in the bucket."
    assert aws.tags("pictures", "dog.jpg") == {"team": "a", "imagelib:Cat": "label"}


def test_tags_are_activated_by_the_dry_run_of_the_same_settings(tags_sink):
    assert not tags_sink.is_active
    for approval in ("", "x", sinks.approval_of(Sink(pk=tags_sink.pk, query="dog"))):
        with pytest.raises(SinkRefused, match="dry run"):
            sinks.resume(tags_sink, approval=approval)
    sinks.resume(tags_sink, approval=sinks.approval_of(tags_sink))
    tags_sink.name = "Other"
    sinks.change(tags_sink, by_id=None)
    tags_sink.refresh_from_db()
    assert (tags_sink.is_active, tags_sink.name) == (True, "Other")
    tags_sink.options = {"tag_prefix": "x:"}
    sinks.change(tags_sink, by_id=None)
    tags_sink.refresh_from_db()
    assert (tags_sink.is_active, tags_sink.options) == (False, {"tag_prefix": "x:"})


def test_counts_are_by_sink_and_state(owner, receiver):
    first, second = (sinks.add(Sink(name=name, channel="webhook", address=receiver.url), by_id=None) for name in "ab")
    image = create_labeled_image(owner, {"Dog": 99.0})
    for state in ("waiting", "failed", "failed"):
        Delivery.objects.create(sink=first, image_id=image.pk, state=state, give_up_at=timezone.now())
    assert sinks.counts() == {
        first.pk: {"waiting": 1, "failed": 2, "delivered": 0},
        second.pk: {"waiting": 0, "failed": 0, "delivered": 0},
    }
