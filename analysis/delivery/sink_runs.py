"""Sends sinks the pictures that existed before them, in steps."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Now

from analysis import jobs
from analysis.delivery import events, sink_matching
from analysis.models import Delivery, Image, Sink, SinkRun

RUN_SECONDS = 60.0
STEP = 500
"""Pictures compared in one transaction."""
MAX_WAITING = 1_000
"""Messages of a sink that may wait before more are queued, so that messages about changes wait behind no more than
these.
"""
State = SinkRun.State


def start(sink: Sink) -> SinkRun:
    """Start a run from the first picture; the sweeper does the work."""
    # Pictures that are added later have events of their own.
    last = Image.objects.aggregate(last=Max("pk"))["last"] or 0
    fresh = {"state": State.RUNNING, "after_image_id": 0, "last_image_id": last, "queued": 0, "finished_at": None}
    run, _is_new = SinkRun.objects.update_or_create(sink=sink, defaults={**fresh, "started_at": Now()})
    return run


def cancel(sink: Sink) -> bool:
    """Stop a run; queued messages are still sent. False if none is running."""
    running = SinkRun.objects.filter(sink=sink, state=State.RUNNING)
    return bool(running.update(state=State.CANCELED, finished_at=Now()))


def is_due() -> bool:
    return _due().exists()


def queue_due() -> bool:
    """Queue messages until enough are waiting; True if the time ran out before."""
    return jobs.run_for(RUN_SECONDS, queue_some)


def queue_some() -> bool:
    """Do one step of a run. False if none is due or another process writes deliveries."""
    with transaction.atomic():
        run = _due().select_for_update(of=("self",), skip_locked=True).order_by("pk").first()
        # The lock of the comparison of changes, so that neither writes an older document after a newer one.
        if run is None or not events.try_lock():
            return False
        _step(run)
    return True


def _step(run: SinkRun) -> None:
    remaining = Image.objects.filter(pk__gt=run.after_image_id, pk__lte=run.last_image_id)
    ids = list(remaining.order_by("pk").values_list("pk", flat=True)[:STEP])
    own = SinkRun.objects.filter(pk=run.pk)
    if ids:
        queued = sink_matching.queue([run.sink], ids)
        own.update(after_image_id=ids[-1], queued=F("queued") + queued)
    if len(ids) < STEP:
        own.update(state=State.DONE, finished_at=Now())


def _due() -> QuerySet[SinkRun]:
    """Runs of active sinks with room in the outbox."""
    waiting = Delivery.objects.filter(sink=OuterRef("sink"), state=Delivery.State.WAITING)
    # By OFFSET, which reads at most that many rows of the index.
    is_full = Exists(waiting.values("pk")[MAX_WAITING - 1 : MAX_WAITING])
    return SinkRun.objects.select_related("sink").filter(~is_full, state=State.RUNNING, sink__is_active=True)
