"""Cries when work that is due waits in vain, and only then."""

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


def waiting(owner, *, since=LONG, **fields) -> Analysis:
    """An analysis that somebody asked for so long ago."""
    at = timezone.now() - since
    return create_analysis(create_image(owner), **{"requested_at": at, "next_attempt_at": at, **fields})


def answered(recognizer="local", api="labels", *, ago) -> None:
    ModelVersion.objects.create(recognizer=recognizer, api=api, version="1", last_seen_at=timezone.now() - ago)


def stalled(**options) -> list[tuple[str, str]]:
    return [(stall.recognizer, stall.api) for stall in watchdog.stalls(**options)]


def test_work_that_waits_while_nothing_is_answered_is_told(owner):
    waiting(owner)
    answered(ago=LONG)
    assert watchdog.sentence() == (
        "Labels: nothing was answered for 47 minutes, though work waits. The last sign of life never came: "
        "is a worker running, and the scheduler? Run manage.py doctor."
    )


@pytest.mark.parametrize(
    ("silence", "hint"),
    [
        (timedelta(seconds=5), "Scheduler and worker are alive: "),
        (timedelta(minutes=47, seconds=5), "The last sign of life came 47 minutes ago: "),
        (timedelta(hours=30), "The last sign of life came a day ago: "),
        (timedelta(days=60), "The last sign of life came 60 days ago: "),
    ],
)
def test_it_says_whether_anything_is_alive(owner, silence, hint):
    waiting(owner)
    Heartbeat.objects.create(name="queue", at=timezone.now() - silence)
    assert f"though work waits. {hint}" in watchdog.sentence()


def test_each_api_is_watched_by_itself(owner):
    for api in ("labels", "faces", "text"):
        waiting(owner, api=api)
        waiting(owner, api=api, is_bulk=True)
    assert watchdog.sentence().startswith("Faces, Labels and Text: ")
    answered(api="labels", ago=SHORT)
    assert stalled() == [("local", "faces"), ("local", "text")]
    assert watchdog.sentence().startswith("Faces and Text: ")


def test_what_a_dead_worker_held_and_no_sweeper_freed_is_told(owner):
    waiting(owner, state="running", claimed_until=timezone.now() - LONG)
    assert stalled() == [("local", "labels")]


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
def test_what_is_not_due_is_no_reason(owner, fields):
    waiting(owner, **fields)
    assert stalled() == []


def test_a_success_short_ago_is_enough(owner):
    waiting(owner)
    answered(ago=SHORT)
    assert stalled() == []


def test_so_is_one_from_the_store(owner):
    done = waiting(owner, is_bulk=True)
    waiting(owner, is_bulk=True)
    values = {"state": "done", "answer": {}, "model_version": "1", "is_reused": True}
    Analysis.objects.filter(pk=done.pk).update(**values, finished_at=Now() - SHORT)
    assert stalled() == []
    Analysis.objects.filter(pk=done.pk).update(finished_at=Now() - LONG)
    assert stalled() == [("local", "labels")]


def test_a_trashed_picture_waits_for_nobody(owner):
    Image.objects.filter(pk=waiting(owner).image_id).update(trashed_at=Now())
    assert stalled() == []


def test_an_outage_has_a_notice_of_its_own(owner):
    waiting(owner)
    Outage.objects.create(recognizer="local", api="labels", code="Denied", message="No.", probe_at=timezone.now())
    assert stalled() == []


@pytest.mark.parametrize(("state", "expected"), [("paused", []), ("stopped", []), ("running", [("local", "labels")])])
def test_a_batch_that_is_held_back_waits_on_purpose(owner, state, expected):
    batch = Batch.objects.create(state=state, recognizer="local", changed_at=timezone.now() - LONG)
    waiting(owner, batch=batch, is_bulk=True)
    assert stalled() == expected


@pytest.mark.parametrize("reason", ["trash", "later", "batch"])
def test_what_cannot_go_hides_nothing_behind_it(owner, reason):
    at = timezone.now() - LONG
    batch = Batch.objects.create(state="stopped" if reason == "batch" else "running", recognizer="local", changed_at=at)
    images = [create_image(owner, trashed_at=at if reason == "trash" else None) for _ in range(watchdog.SCAN_LIMIT)]
    asked = {"api": "labels", "recognizer": "local", "is_bulk": True, "requested_at": at, "batch": batch}
    due_at = at + timedelta(days=reason == "later")
    Analysis.objects.bulk_create(Analysis(image=image, next_attempt_at=due_at, **asked) for image in images)
    assert stalled() == []
    waiting(owner, is_bulk=True)
    assert stalled() == [("local", "labels")]


def test_a_batch_that_was_just_resumed_has_its_time(owner):
    waiting(owner, batch=Batch.objects.create(recognizer="local"), is_bulk=True)
    assert stalled() == []


@pytest.mark.parametrize(
    ("dollars", "is_bulk", "expected"),
    [
        ("9.99", True, [("rekognition", "labels")]),
        ("9.9999", True, []),
        ("10", False, [("rekognition", "labels")]),
        ("20", False, []),
    ],
)
def test_a_spent_budget_is_no_stall(owner, settings, dollars, is_bulk, expected):
    settings.MONTHLY_BUDGET, settings.INTERACTIVE_BUDGET, settings.AWS_REGION = Decimal(10), Decimal(20), "us-east-1"
    today = timezone.now().date()
    Spend.objects.create(
        day=today, recognizer="rekognition", region="us-east-1", api="labels", dollars=Decimal(dollars)
    )
    waiting(owner, recognizer="rekognition", is_bulk=is_bulk)
    assert stalled(month=timezone.now() - 2 * LONG) == expected
    assert stalled(month=timezone.now() - SHORT) == []


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("ago", "queries"), [(SHORT, 1), (LONG, 3)])
def test_the_look_is_one_query_where_all_is_well(owner, django_assert_num_queries, number, ago, queries):
    answered(ago=ago)
    for _ in range(number):
        waiting(owner)
    with django_assert_num_queries(queries):
        watchdog.sentence()


def test_the_sweeper_writes_an_error_line_but_not_each_time(owner, caplog):
    watchdog.reset()
    with caplog.at_level(logging.ERROR, logger="analysis.health.watchdog"):
        tasks.sweep()
        assert caplog.messages == []
        waiting(owner, next_attempt_at=timezone.now() - LONG)
        tasks.sweep()
        tasks.sweep()
    assert [message.partition(",")[0] for message in caplog.messages] == ["Labels: nothing was answered for 47 minutes"]
