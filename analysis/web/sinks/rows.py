"""Rows of sinks for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.delivery.sinks import COUNT_CAP
from analysis.models import Delivery, Sink, SinkRun
from analysis.web.links import with_parameters

State = Delivery.State


@dataclass(frozen=True)
class SinkRow:
    """A sink; `state` is a CSS class, and counts of messages are formatted texts."""

    id: str
    url: str
    name: str
    channel: str
    query: str
    address: str
    state: str
    state_label: str
    last_error: str
    retry: str
    waiting: str
    failed: str
    delivered: str
    messages_url: str
    failed_url: str


@dataclass(frozen=True)
class RunRow:
    """The progress of a run over existing pictures."""

    is_running: bool
    title: str
    pictures: str
    done: int
    maximum: int
    is_waiting: bool


def sink_row(sink: Sink, counts: Mapping[str, int]) -> SinkRow:
    state, label = _state(sink)
    return SinkRow(
        id=str(sink.pk),
        url=reverse("sink", args=[sink.pk]),
        name=sink.name,
        channel=str(sink.get_channel_display()),
        query=sink.query,
        address=sink.address,
        state=state,
        state_label=label,
        last_error=sink.last_error,
        retry=formatting.exact(sink.retry_at) if sink.retry_at and sink.retry_at > now() else "",
        waiting=_count(counts, State.WAITING),
        failed=_count(counts, State.FAILED),
        delivered=_count(counts, State.DELIVERED),
        messages_url=with_parameters(reverse("deliveries"), sink=sink.pk),
        failed_url=with_parameters(reverse("deliveries"), sink=sink.pk, state=State.FAILED)
        if counts.get(State.FAILED)
        else "",
    )


def run_row(sink: Sink) -> RunRow | None:
    """The last run of a sink, if there was one."""
    run = SinkRun.objects.filter(sink=sink).first()
    if run is None:
        return None
    titles = {
        SinkRun.State.RUNNING: _("Sending existing pictures"),
        SinkRun.State.DONE: _("Existing pictures were queued"),
        SinkRun.State.CANCELED: _("Sending existing pictures was canceled"),
    }
    is_running = run.state == SinkRun.State.RUNNING
    return RunRow(
        is_running=is_running,
        title=titles[SinkRun.State(run.state)],
        pictures=formatting.pictures(run.queued),
        done=min(run.after_image_id, run.last_image_id),
        maximum=run.last_image_id,
        is_waiting=is_running and not sink.is_active,
    )


def _state(sink: Sink) -> tuple[str, str]:
    if not sink.is_active:
        return "paused", _("Paused")
    if sink.last_error:
        return "failed", _("Failing")
    return "active", _("Active")


def _count(counts: Mapping[str, int], state: str) -> str:
    return formatting.capped_count(counts.get(state, 0), cap=COUNT_CAP)
