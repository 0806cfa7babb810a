"""Messages about pictures that were there before their sink."""

from __future__ import annotations

import pytest

from analysis.delivery import sink_runs
from analysis.delivery.sinks import SinkRefused, start_run
from analysis.models import Delivery, Sink, SinkRun
from tests.factories import create_image, create_labeled_image

pytestmark = pytest.mark.django_db
State = SinkRun.State


@pytest.fixture
def sink(receiver) -> Sink:
    return Sink.objects.create(name="Hook", channel="webhook", address=receiver.url, query="dog")


def queued() -> list[int]:
    return list(Delivery.objects.order_by("pk").values_list("image_id", flat=True))


def test_all_pictures_of_the_search_are_queued_once(owner, sink):
    dogs = [create_labeled_image(owner, {"Dog": 99.0}).pk for _ in range(2)]
    create_labeled_image(owner, {"Cat": 99.0})
    assert not sink_runs.is_due()
    run = start_run(sink)
    later = create_labeled_image(owner, {"Dog": 99.0})
    assert sink_runs.is_due()
    assert (sink_runs.queue_due(), sink_runs.is_due()) == (False, False)
    run.refresh_from_db()
    assert (queued(), run.state, run.queued) == (dogs, State.DONE, 2)
    assert later.pk not in queued()


def test_run_continues_after_its_last_step(owner, sink, monkeypatch):
    monkeypatch.setattr(sink_runs, "STEP", 1)
    dogs = [create_labeled_image(owner, {"Dog": 99.0}).pk for _ in range(2)]
    run = start_run(sink)
    assert sink_runs.queue_some()
    run.refresh_from_db()
    assert (queued(), run.after_image_id, run.state) == (dogs[:1], dogs[0], State.RUNNING)
    sink_runs.queue_due()
    assert queued() == dogs


def test_run_waits_while_the_outbox_is_full(owner, sink, monkeypatch):
    monkeypatch.setattr(sink_runs, "STEP", 1)
    monkeypatch.setattr(sink_runs, "MAX_WAITING", 2)
    dogs = [create_labeled_image(owner, {"Dog": 99.0}).pk for _ in range(3)]
    start_run(sink)
    sink_runs.queue_due()
    assert (queued(), sink_runs.is_due()) == (dogs[:2], False)
    Delivery.objects.update(state=Delivery.State.DELIVERED)
    sink_runs.queue_due()
    assert queued() == dogs


def test_paused_and_canceled_runs_queue_nothing(owner, sink):
    create_labeled_image(owner, {"Dog": 99.0})
    start_run(sink)
    Sink.objects.update(is_active=False)
    assert not sink_runs.queue_some()
    Sink.objects.update(is_active=True)
    assert (sink_runs.cancel(sink), sink_runs.cancel(sink)) == (True, False)
    assert not sink_runs.queue_some()
    assert queued() == []


def test_second_start_is_refused_while_one_runs(owner, sink):
    create_image(owner)
    start_run(sink)
    with pytest.raises(SinkRefused, match="already being sent"):
        start_run(sink)
    sink_runs.queue_due()
    assert start_run(sink).state == State.RUNNING


def test_paused_sink_refuses_a_run(sink):
    sink.is_active = False
    with pytest.raises(SinkRefused, match="Resume"):
        start_run(sink)


def test_run_of_an_empty_library_ends(sink):
    run = start_run(sink)
    sink_runs.queue_due()
    run.refresh_from_db()
    assert (run.state, run.queued) == (State.DONE, 0)
