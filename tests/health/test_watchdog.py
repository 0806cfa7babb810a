"""Stalled work is detected; work that waits for a reason is not."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from analysis import tasks
from analysis.health import watchdog
from analysis.models import Analysis, Batch, Heartbeat, Image, ModelVersion, Outage, Spend
from tests.factories import create_analysis, create_image

pytestmark = pytest.mark.django_db

LONG, SHORT = timedelta(minutes=47, seconds=10), timedelta(minutes=5)


def create_waiting(owner, *, since=LONG, **fields) -> Analysis:
    """An analysis that was requested some time ago."""
    at = timezone.now() - since
    return create_analysis(create_image(owner), **{"requested_at": at, "next_attempt_at": at, **fields})


def record_response(recognizer="local", api="labels", *, ago) -> None:
    ModelVersion.objects.create(recognizer=recognizer, api=api, version="1", last_seen_at=timezone.now() - ago)


def stalled_apis(**options) -> list[tuple[str, str]]:
    return [(stall.recognizer, stall.api) for stall in watchdog.stalls(**options)]


def test_stalled_work_is_reported(owner):
    create_waiting(owner)
    record_response(ago=LONG)
    assert watchdog.sentence() == (
        "Labels: work is waiting, but there have been no results for 47 minutes. There has been no heartbeat yet. "
        "Check that worker and scheduler are running, then run manage.py doctor."
    )


@pytest.mark.parametrize(
    ("silence", "hint"),
    [
        (timedelta(seconds=5), "Scheduler and worker are running. "),
        (timedelta(minutes=47, seconds=5), "The last heartbeat was 47 minutes ago. "),
        (timedelta(hours=30), "The last heartbeat was a day ago. "),
        (timedelta(days=60), "The last heartbeat was 60 days ago. "),
    ],
)
def test_message_includes_the_last_heartbeat(owner, silence, hint):
    create_waiting(owner)
    Heartbeat.objects.create(name="queue", at=timezone.now() - silence)
    assert f" for 47 minutes. {hint}" in watchdog.sentence()


def test_apis_are_checked_separately(owner):
    for api in ("labels", "faces", "text"):
        create_waiting(owner, api=api)
        create_waiting(owner, api=api, is_bulk=True)
    assert watchdog.sentence().startswith("Faces, Labels, Text: ")
    record_response(api="labels", ago=SHORT)
    assert stalled_apis() == [("local", "faces"), ("local", "text")]
    assert watchdog.sentence().startswith("Faces, Text: ")


def test_expired_claims_are_stalled(owner):
    create_waiting(owner, state="running", claimed_until=timezone.now() - LONG)
    assert stalled_apis() == [("local", "labels")]


@pytest.mark.parametrize(
    "fields",
    [
        {"since": SHORT},
        {"next_attempt_at": timezone.now() + timedelta(hours=1)},
        {"state": "running", "claimed_until": timezone.now() + timedelta(hours=1)},
        {"state": "paused"},
        {"state": "failed"},
    ],
)
def test_work_that_is_not_due_is_not_stalled(owner, fields):
    create_waiting(owner, **fields)
    assert stalled_apis() == []


def test_recent_result_prevents_a_stall(owner):
    create_waiting(owner)
    record_response(ago=SHORT)
    assert stalled_apis() == []


def test_recent_cached_result_prevents_a_stall(owner):
    done = create_waiting(owner, is_bulk=True)
    create_waiting(owner, is_bulk=True)
    values = {"state": "done", "answer": {}, "model_version": "1", "is_reused": True}
    Analysis.objects.filter(pk=done.pk).update(**values, finished_at=Now() - SHORT)
    assert stalled_apis() == []
    Analysis.objects.filter(pk=done.pk).update(finished_at=Now() - LONG)
    assert stalled_apis() == [("local", "labels")]


def test_trashed_image_is_not_stalled(owner):
    Image.objects.filter(pk=create_waiting(owner).image_id).update(trashed_at=Now())
    assert stalled_apis() == []


def test_outage_is_not_a_stall(owner):
    create_waiting(owner)
    Outage.objects.create(recognizer="local", api="labels", code="Denied", message="No.", probe_at=timezone.now())
    assert stalled_apis() == []


@pytest.mark.parametrize(("state", "expected"), [("paused", []), ("stopped", []), ("running", [("local", "labels")])])
def test_paused_batch_is_not_stalled(owner, state, expected):
    batch = Batch.objects.create(state=state, recognizer="local", changed_at=timezone.now() - LONG)
    create_waiting(owner, batch=batch, is_bulk=True)
    assert stalled_apis() == expected


@pytest.mark.parametrize("reason", ["trash", "later", "batch"])
def test_stall_behind_unrunnable_rows_is_detected(owner, reason):
    at = timezone.now() - LONG
    batch = Batch.objects.create(state="stopped" if reason == "batch" else "running", recognizer="local", changed_at=at)
    images = [create_image(owner, trashed_at=at if reason == "trash" else None) for _ in range(watchdog.SCAN_LIMIT)]
    columns = {"api": "labels", "recognizer": "local", "is_bulk": True, "requested_at": at, "batch": batch}
    due_at = at + timedelta(days=reason == "later")
    Analysis.objects.bulk_create(Analysis(image=image, next_attempt_at=due_at, **columns) for image in images)
    assert stalled_apis() == []
    create_waiting(owner, is_bulk=True)
    assert stalled_apis() == [("local", "labels")]


def test_resumed_batch_is_not_stalled_at_once(owner):
    create_waiting(owner, batch=Batch.objects.create(recognizer="local"), is_bulk=True)
    assert stalled_apis() == []


@pytest.mark.parametrize(
    ("dollars", "is_bulk", "expected"),
    [
        ("9.99", True, [("rekognition", "labels")]),
        ("9.9999", True, []),
        ("10", False, [("rekognition", "labels")]),
        ("20", False, []),
    ],
)
def test_spent_budget_is_not_a_stall(owner, settings, dollars, is_bulk, expected):
    settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET, settings.AWS_REGION = Decimal(10), Decimal(20), "us-east-1"
    today = timezone.now().date()
    Spend.objects.create(
        day=today, recognizer="rekognition", region="us-east-1", api="labels", dollars=Decimal(dollars)
    )
    create_waiting(owner, recognizer="rekognition", is_bulk=is_bulk)
    assert stalled_apis(month=timezone.now() - 2 * LONG) == expected
    assert stalled_apis(month=timezone.now() - SHORT) == []


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("ago", "queries"), [(SHORT, 1), (LONG, 3)])
def test_number_of_queries(owner, django_assert_num_queries, number, ago, queries):
    record_response(ago=ago)
    for _ in range(number):
        create_waiting(owner)
    with django_assert_num_queries(queries):
        watchdog.sentence()


def test_sweeper_logs_a_stall_once_per_interval(owner, caplog):
    watchdog.reset()
    with caplog.at_level(logging.ERROR, logger="analysis.health.watchdog"):
        tasks.sweep()
        assert caplog.messages == []
        create_waiting(owner, next_attempt_at=timezone.now() - LONG)
        tasks.sweep()
        tasks.sweep()
    assert [message.partition(". ")[0] for message in caplog.messages] == [
        "Labels: work is waiting, but there have been no results for 47 minutes"
    ]
