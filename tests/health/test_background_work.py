"""Background work without Celery: what doctor and the notices say of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from analysis.health import background_work, doctor, watchdog
from analysis.models import WorkLease
from tests.health.test_watchdog import create_waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
BEFORE = "Background work is done by `manage.py work`"


@pytest.fixture
def without_redis(settings):
    settings.REDIS = settings.CELERY_BROKER_URL = ""


def record_run(*, started: timedelta, ended: bool = True, expired: bool = False) -> None:
    now = timezone.now()
    until = now + timedelta(seconds=-1 if expired else 100)
    values = {"ended_at": now} if ended else {"token": uuid4(), "expires_at": until}
    WorkLease.objects.create(host="one", started_at=now - started, **values)


HOUR = timedelta(hours=1)
RUNS = {
    "ended": ({"started": HOUR}, "ok", f"{BEFORE}, last started an hour ago."),
    "running": ({"started": HOUR, "ended": False}, "ok", f"{BEFORE}, running on one for an hour."),
    "killed": (
        {"started": HOUR, "ended": False, "expired": True},
        "warning",
        f"{BEFORE}; the last run, started an hour ago, was killed.",
    ),
    "forgotten": ({"started": 50 * HOUR}, "warning", f"{BEFORE}, which was last started 2 days ago."),
}


@pytest.mark.parametrize(("run", "state", "sentence"), RUNS.values(), ids=RUNS)
def test_the_last_run_is_told(run, state, sentence):
    record_run(**run)
    finding = background_work.check_work()
    assert (finding.state, finding.sentence) == (state, sentence)


def test_without_a_run_it_says_what_to_do():
    finding = background_work.check_work()
    assert (finding.state, finding.sentence) == ("warning", f"{BEFORE}, which has not run yet.")
    assert "docs/operations.md" in finding.next_step


def test_neither_redis_nor_workers_are_missed():
    subjects = [check.subject for check in doctor.all_checks()]
    assert {"queue", "workers", "scheduler"} & set(subjects) == set()
    states = {row.subject: str(row.state) for check in doctor.all_checks() for row in doctor.run_check(check)}
    assert (states["redis"], states["background work"], states["rate limits"]) == ("ok", "warning", "ok")


def test_work_may_wait_for_the_next_run_but_not_longer(owner):
    create_waiting(owner)  # for 47 minutes
    assert watchdog.sentence().endswith(f"{BEFORE}, which has not run yet.")
    record_run(started=timedelta(minutes=50))
    assert watchdog.sentence() == ""
    WorkLease.objects.update(started_at=timezone.now() - timedelta(minutes=20))
    assert watchdog.sentence() == (
        "Labels: work is waiting, but there have been no results for 47 minutes. "
        "The last run of `manage.py work` was started 20 minutes ago; see its output."
    )
