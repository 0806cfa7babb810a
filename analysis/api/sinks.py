"""Sinks: services that receive results about pictures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from analysis import permissions
from analysis.api import pagination
from analysis.api.authentication import ADMIN, token_of
from analysis.api.errors import ApiError
from analysis.api.idempotency import idempotent
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import RequestBody
from analysis.api.responses import json_response
from analysis.delivery import outbox, sink_runs, sinks
from analysis.models import Delivery, Sink, SinkRun
from analysis.search.syntax.parser import MAX_LENGTH
from analysis.web.sinks.forms import FORMS, SinkForm

router = Router(tags=["Sinks"])
ChannelName = Literal["sqs", "sns", "eventbridge", "dynamodb", "object_tags", "webhook"]
Text = Annotated[str, Field(max_length=2_000)]
Options = dict[str, str | int | list[str]]
OptionsField = Annotated[
    Options, Field(max_length=20, description="Options of the channel, as in its form; omitted ones have defaults.")
]


class RunOut(Schema):
    """A run over existing pictures; `queued` messages so far."""

    state: str
    queued: int
    started_at: datetime
    finished_at: datetime | None


class SinkOut(Schema):
    """A sink; counts are of messages, up to 10,001."""

    id: int
    name: str
    channel: str
    query: str
    address: str
    options: dict[str, Any]
    secret: str
    is_active: bool
    last_error: str
    waiting: int
    failed: int
    delivered: int
    run: RunOut | None


class SinkList(Schema):
    items: list[SinkOut]
    next: str


class TestOut(Schema):
    """The outcome of a test message."""

    is_delivered: bool
    error: str
    note: str


class TagPreviewOut(Schema):
    """The tags of an object that would be set, removed and kept."""

    image_id: int
    object: str
    added: dict[str, str]
    removed: dict[str, str]
    unchanged: dict[str, str]
    error: str


class DryRunOut(Schema):
    """Some pictures; `approval` activates the sink with these settings."""

    items: list[TagPreviewOut]
    approval: str


class NewSink(RequestBody):
    channel: ChannelName
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
    query: Annotated[str, Field(max_length=MAX_LENGTH)] = ""
    address: Text = ""
    options: OptionsField = {}


class SinkChanges(RequestBody):
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")] | None = None
    query: Annotated[str, Field(max_length=MAX_LENGTH)] | None = None
    address: Text | None = None
    options: OptionsField | None = None


class Activation(RequestBody):
    approval: Annotated[
        str, Field(max_length=200, description="Shown by the dry run; required for tags of objects.")
    ] = ""


@router.get("/sinks", response=SinkList, auth=ADMIN, url_name="sinks")
def list_sinks(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """All sinks, the newest first. Requires the permission to change sinks."""
    _require(request)
    rows = Sink.objects.select_related("run")
    page, following = pagination.page_by_id(rows, cursor=cursor, limit=limit, of="sinks")
    counts = sinks.counts()
    return {"items": [_out(sink, counts) for sink in page], "next": following}


@router.post("/sinks", response={201: SinkOut}, auth=ADMIN, url_name="sinks")
@decorate_view(idempotent)
def create_sink(request: HttpRequest, sink: NewSink) -> HttpResponse:
    """Add a sink. A sink that sets tags of objects is paused until its dry run."""
    _require(request)
    values = {"name": sink.name, "query": sink.query, "address": sink.address}
    created = sinks.add(_checked(Sink(channel=sink.channel), values, sink.options), by_id=token_of(request).user_id)
    location = request.build_absolute_uri(reverse("api-v1:sink", args=[created.pk]))
    return json_response(_out(created, sinks.counts()).model_dump(), status=201, location=location)


@router.get("/sinks/{int:sink_id}", response=SinkOut, auth=ADMIN, url_name="sink")
def get_sink(request: HttpRequest, sink_id: int) -> SinkOut:
    """One sink."""
    return _out(_sink(request, sink_id), sinks.counts())


@router.patch("/sinks/{int:sink_id}", response=SinkOut, auth=ADMIN, url_name="sink")
def change_sink(request: HttpRequest, sink_id: int, changes: SinkChanges) -> SinkOut:
    """Change a sink; omitted options are not changed. Other tags need a new dry run."""
    _require(request)
    changed = changes.model_dump(exclude_none=True, exclude={"options"})
    with transaction.atomic():
        # Locked, so that two changes of different fields do not undo each other.
        sink = get_object_or_404(Sink.objects.select_for_update(), pk=sink_id)
        values = {"name": sink.name, "query": sink.query, "address": sink.address}
        sinks.change(_checked(sink, {**values, **changed}, changes.options or {}), by_id=token_of(request).user_id)
    return get_sink(request, sink_id)


@router.delete("/sinks/{int:sink_id}", response={204: None}, auth=ADMIN, url_name="sink")
def delete_sink(request: HttpRequest, sink_id: int) -> HttpResponse:
    """Delete a sink and its messages. Data already sent is kept."""
    sinks.delete(_sink(request, sink_id), by_id=token_of(request).user_id)
    return HttpResponse(status=204)


@router.post("/sinks/{int:sink_id}/test", response=TestOut, auth=ADMIN)
def test_sink(request: HttpRequest, sink_id: int) -> TestOut:
    """Send a test message now."""
    outcome = sinks.send_test(_sink(request, sink_id))
    return TestOut(is_delivered=outcome.is_delivered, error=outcome.error, note=outcome.note)


@router.post("/sinks/{int:sink_id}/pause", response=SinkOut, auth=ADMIN)
def pause_sink(request: HttpRequest, sink_id: int) -> SinkOut:
    """Pause a sink. Changes of pictures are not recorded while it is paused."""
    outbox.disable(_sink(request, sink_id))
    return get_sink(request, sink_id)


@router.post("/sinks/{int:sink_id}/resume", response=SinkOut, auth=ADMIN)
def resume_sink(request: HttpRequest, sink_id: int, activation: Activation) -> SinkOut:
    """Resume a sink, so that messages are sent again."""
    sinks.resume(_sink(request, sink_id), approval=activation.approval)
    return get_sink(request, sink_id)


@router.get("/sinks/{int:sink_id}/dry-run", response=DryRunOut, auth=ADMIN)
def dry_run(request: HttpRequest, sink_id: int) -> DryRunOut:
    """The tags that some objects would get. Nothing is written."""
    sink = get_object_or_404(Sink, pk=_sink(request, sink_id).pk, channel=Sink.Channel.OBJECT_TAGS)
    items = [
        TagPreviewOut(
            image_id=preview.image_id,
            object=preview.object_name,
            added=preview.added,
            removed=preview.removed,
            unchanged=preview.unchanged,
            error=preview.error,
        )
        for preview in sinks.preview_tags(sink)
    ]
    return DryRunOut(items=items, approval=sinks.approval_of(sink))


@router.post("/sinks/{int:sink_id}/run", response={202: SinkOut}, auth=ADMIN, url_name="sink-run")
def start_run(request: HttpRequest, sink_id: int) -> HttpResponse:
    """Send all existing pictures of its search in the background."""
    sinks.start_run(_sink(request, sink_id))
    return json_response(get_sink(request, sink_id).model_dump(), status=202)


@router.delete("/sinks/{int:sink_id}/run", response=SinkOut, auth=ADMIN, url_name="sink-run")
def cancel_run(request: HttpRequest, sink_id: int) -> SinkOut:
    """Stop sending existing pictures. Queued messages are still sent."""
    sink_runs.cancel(_sink(request, sink_id))
    return get_sink(request, sink_id)


def _require(request: HttpRequest) -> None:
    permissions.require_or_404(permissions.can_manage_sinks(request.user))


def _sink(request: HttpRequest, sink_id: int) -> Sink:
    _require(request)
    return get_object_or_404(Sink.objects.select_related("run"), pk=sink_id)


def _checked(sink: Sink, values: dict[str, str], options: Options) -> Sink:
    """The sink with validated values. Raises ApiError with the invalid field."""
    form_type = FORMS[sink.channel]
    stored = form_type.options_type.read(sink.options).stored()
    if unknown := [name for name in options if name not in stored]:
        raise _invalid(f"options.{unknown[0]}", form_type)
    form = form_type({**stored, **options, **values}, sink=sink)
    for name, messages in form.errors.items():
        raise ApiError(422, str(messages[0]), field=name if name in values else f"options.{name}")
    return form.changed_sink()


def _invalid(field: str, form_type: type[SinkForm]) -> ApiError:
    names = ", ".join(form_type.options_type().stored())
    return ApiError(422, _("Unknown option. The options are: %(names)s.") % {"names": names or "–"}, field=field)


def _out(sink: Sink, counts: dict[int, dict[str, int]]) -> SinkOut:
    run: SinkRun | None = getattr(sink, "run", None)  # a new sink has none
    own = counts.get(sink.pk, {})
    return SinkOut(
        id=sink.pk,
        name=sink.name,
        channel=sink.channel,
        query=sink.query,
        address=sink.address,
        options=sink.options,
        secret=sink.secret,
        is_active=sink.is_active,
        last_error=sink.last_error,
        waiting=own.get(Delivery.State.WAITING, 0),
        failed=own.get(Delivery.State.FAILED, 0),
        delivered=own.get(Delivery.State.DELIVERED, 0),
        run=RunOut(state=run.state, queued=run.queued, started_at=run.started_at, finished_at=run.finished_at)
        if run
        else None,
    )
