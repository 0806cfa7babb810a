"""The scheduler continues when the clock is set back."""

from datetime import timedelta

import pytest

from imagelib.celery import app
from imagelib.celery_beat_scheduler import Scheduler
from imagelib.celery_schedule import beat

BACK = timedelta(hours=2)


@pytest.fixture
def scheduler(tmp_path):
    made = Scheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
    yield made
    made.close()


def test_it_is_the_one_that_runs():
    assert app.conf.beat_scheduler == "imagelib.celery_beat_scheduler:Scheduler"


def test_a_clock_that_was_set_back_does_not_silence_it(scheduler):
    assert 0 < scheduler.tick() <= 10
    for entry in scheduler.schedule.values():  # as if they had run two hours from now
        entry.last_run_at += BACK
    scheduler.populate_heap()
    assert 0 < scheduler.tick() <= 10
    assert all(entry.last_run_at <= app.now() for entry in scheduler.schedule.values())


def test_every_scheduled_task_is_registered():
    schedule = beat(sweep_seconds=10.0, analyze_schedule="0 3 * * sun")
    app.loader.import_default_modules()
    assert {entry["task"] for entry in schedule.values()} - set(app.tasks) == set()
