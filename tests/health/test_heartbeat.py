import socket
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F

from analysis import tasks
from analysis.health import heartbeat
from analysis.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_heartbeat_updates_one_row():
    assert heartbeat.age() is None
    tasks.heartbeat()
    Heartbeat.objects.update(at=F("at") - timedelta(hours=1), host="elsewhere")
    assert heartbeat.age() >= timedelta(hours=1)
    tasks.heartbeat()
    assert [(item.name, item.host) for item in Heartbeat.objects.all()] == [("queue", socket.gethostname())]
    assert heartbeat.age() < timedelta(minutes=1)


def test_scheduler_interval_is_below_the_maximum_age():
    scheduled = [item for item in settings.CELERY_BEAT_SCHEDULE.values() if item["task"] == "analysis.tasks.heartbeat"]
    assert [2 * item["schedule"] < heartbeat.MAX_AGE.total_seconds() for item in scheduled] == [True]
