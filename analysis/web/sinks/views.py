"""Sink pages for staff: list, forms, detail, dry run and actions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import BoundField
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis import permissions
from analysis.delivery import outbox, sink_addresses, sink_runs, sinks
from analysis.delivery.sinks import SinkRefused
from analysis.models import Sink
from analysis.web import toasts
from analysis.web.http import Request, current_user_id, is_fragment
from analysis.web.sinks.forms import FORMS
from analysis.web.sinks.rows import run_row, sink_row
from analysis.web.toasts import Toast

MAX_SINKS = 200


@dataclass(frozen=True)
class ChannelChoice:
    url: str
    title: str
    introduction: str


@require_safe
def index(request: Request) -> HttpResponse:
    """All sinks with their numbers of messages."""
    permissions.require_or_404(permissions.can_manage_sinks(request.user))
    counts = sinks.counts()
    rows = [sink_row(sink, counts.get(sink.pk, {})) for sink in Sink.objects.order_by("name")[:MAX_SINKS]]
    return render(request, "sinks/index.html", {"rows": rows, "toasts": toasts.take_toasts(request)})


@require_safe
def channels(request: Request) -> HttpResponse:
    """The page to choose the service of a new sink."""
    permissions.require_or_404(permissions.can_manage_sinks(request.user))
    choices = [
        ChannelChoice(reverse("sink-add", args=[channel]), str(Sink.Channel(channel).label), str(form.introduction))
        for channel, form in FORMS.items()
    ]
    return render(request, "sinks/channels.html", {"choices": choices})


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Request, channel: str) -> HttpResponse:
    permissions.require_or_404(permissions.can_manage_sinks(request.user))
    if channel not in FORMS:
        raise Http404
    return _form(request, Sink(channel=channel))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, sink_id: int) -> HttpResponse:
    return _form(request, _sink(request, sink_id))


@require_safe
def detail(request: Request, sink_id: int) -> HttpResponse:
    """State, counts, settings and IAM policy; polled as a fragment during a run."""
    sink = _sink(request, sink_id)
    context: dict[str, Any] = {"run": run_row(sink), "row": sink_row(sink, sinks.counts().get(sink.pk, {}))}
    if is_fragment(request):
        return render(request, "sinks/detail.html#progress", context)
    policy = sink_addresses.policy_of(sink)
    form = FORMS[sink.channel](sink=sink)
    context |= {
        "sink": sink,
        "settings": [(field.label, _field_text(field)) for field in form if field.name not in {"name", "query"}],
        "policy": json.dumps(policy, indent=2) if policy else "",
        "sets_tags": sink.channel == Sink.Channel.OBJECT_TAGS,
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "sinks/detail.html", context)


@require_safe
def dry_run(request: Request, sink_id: int) -> HttpResponse:
    """Tags that some objects would get, and the button that activates the sink."""
    sink = _sink(request, sink_id)
    permissions.require_or_404(sink.channel == Sink.Channel.OBJECT_TAGS)
    previews = sinks.preview_tags(sink)
    context = {
        "sink": sink,
        "previews": previews,
        "changes": sum(preview.is_change for preview in previews),
        "approval": sinks.approval_of(sink),
    }
    return render(request, "sinks/dry_run.html", context)


@require_POST
def action(request: Request, sink_id: int, action: str) -> HttpResponse:
    """Test, pause, resume or delete a sink, or send it existing pictures."""
    if action not in ACTIONS:  # 404, not 400: the action is part of the URL
        raise Http404
    sink = _sink(request, sink_id)
    try:
        sentence = ACTIONS[action](sink, request)
    except SinkRefused as error:
        sentence = str(error)
    toasts.add_toast(request, Toast(sentence))
    return redirect("sinks") if action == "delete" else redirect("sink", sink_id)


def _sink(request: Request, sink_id: int) -> Sink:
    permissions.require_or_404(permissions.can_manage_sinks(request.user))
    return get_object_or_404(Sink, pk=sink_id)


def _form(request: Request, sink: Sink) -> HttpResponse:
    form = FORMS[sink.channel](request.POST if request.method == "POST" else None, sink=sink)
    if request.method == "POST" and form.is_valid():
        changed = form.changed_sink()
        if sink.pk:
            sinks.change(changed, by_id=current_user_id(request))
        else:
            sinks.add(changed, by_id=current_user_id(request))
        return redirect("sink", changed.pk)
    context = {"form": form, "sink": sink, "channel": sink.get_channel_display()}
    # 422, since htmx and browsers treat 200 after a POST as success.
    return render(request, "sinks/form.html", context, status=422 if form.errors else 200)


def _field_text(field: BoundField) -> str:
    """The value of a setting as text."""
    value = field.value()
    names = dict(getattr(field.field, "choices", ()))
    return ", ".join(str(names.get(part, part)) for part in (value if isinstance(value, tuple | list) else [value]))


def _test(sink: Sink, _request: Request) -> str:
    outcome = sinks.send_test(sink)
    if outcome.error:
        return _("The test failed: %(error)s") % {"error": outcome.error}
    return outcome.note or _("The test message was delivered.")


def _pause(sink: Sink, _request: Request) -> str:
    outbox.disable(sink)
    return _("Paused. Nothing is sent, and no messages are queued.")


def _resume(sink: Sink, request: Request) -> str:
    sinks.resume(sink, approval=request.POST.get("approval", ""))
    return _("Active. Pictures are sent as they change.")


def _send_existing(sink: Sink, _request: Request) -> str:
    sinks.start_run(sink)
    return _("Existing pictures are sent in the background.")


def _cancel(sink: Sink, _request: Request) -> str:
    if sink_runs.cancel(sink):
        return _("Canceled. Messages that are already queued are still sent.")
    return _("It has already finished.")


def _delete(sink: Sink, request: Request) -> str:
    sinks.delete(sink, by_id=current_user_id(request))
    return _("Deleted %(name)s.") % {"name": sink.name}


ACTIONS: dict[str, Callable[[Sink, Request], str]] = {
    "test": _test,
    "pause": _pause,
    "resume": _resume,
    "send-existing": _send_existing,
    "cancel": _cancel,
    "delete": _delete,
}
