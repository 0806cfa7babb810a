"""History of a picture: people's changes, analyses, and pinning."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions
from analysis.audit_log.entries import entries_of_image
from analysis.models import Analysis, Image
from analysis.recognition.comparison import LabelChange, difference, pin, unpin
from analysis.web import links
from analysis.web.audit_rows import image_audit_rows
from analysis.web.http import Request, current_user_id

MAX_CHANGES = 100
MAX_ENTRIES = 50
"""Further entries are listed only in the administration."""


@dataclass(frozen=True)
class HistoryEntry:
    """One analysis, formatted for the template."""

    id: str
    title: str
    state: str
    state_name: str
    when: str
    exact: str
    recognizer: str
    details: list[tuple[str, str]]
    error: str
    added: list[str]
    removed: list[str]
    changed: list[str]
    is_first: bool
    is_current: bool
    is_pinned: bool
    is_failed: bool
    api: str


@require_safe
def history(request: Request, image_id: int) -> HttpResponse:
    """The history page; for the owner only, since it shows costs."""
    image = _editable_image(request, image_id)
    analyses = list(image.analyses.order_by("-pk")[:MAX_ENTRIES])
    now = timezone.now()
    entries, since = _entries(image, analyses, now=now), image.original_replaced_at
    # By finished_at: an analysis that was running when the original was replaced is repeated in the same row.
    is_older = [bool(since and analysis.finished_at and analysis.finished_at <= since) for analysis in analyses]
    changes = list(entries_of_image(image.pk, viewer_id=current_user_id(request))[: MAX_CHANGES + 1])
    context = {
        "changes": image_audit_rows(changes[:MAX_CHANGES]),
        "has_more_changes": len(changes) > MAX_CHANGES,
        "image": {"id": str(image.pk), "name": str(image), "url": links.image_url(image.pk)},
        "entries": [entry for entry, older in zip(entries, is_older, strict=True) if not older],
        "original_replaced": {"when": formatting.ago(since, now=now), "exact": formatting.exact(since)}
        if since
        else None,
        "entries_of_previous_original": [entry for entry, older in zip(entries, is_older, strict=True) if older],
    }
    return render(request, "image/history.html", context)


@require_safe
def raw_response(request: Request, image_id: int, analysis_id: int) -> HttpResponse:
    """The recognizer's response as received, as JSON."""
    analysis = _finished_analysis(_editable_image(request, image_id), analysis_id)
    response = HttpResponse(json.dumps(analysis.answer, indent=2, ensure_ascii=False), content_type="application/json")
    # Inline is safe here: browsers show application/json as text, never as a page.
    response["Content-Disposition"] = f'inline; filename="{analysis.api}-{analysis.pk}.json"'
    return response


@require_POST
def pin_analysis(request: Request, image_id: int, analysis_id: int) -> HttpResponse:
    """Pin a result, so that newer ones do not replace it, or `unpin` it."""
    image = _editable_image(request, image_id)
    analysis = _finished_analysis(image, analysis_id)
    (unpin if request.POST.get("unpin") else pin)(analysis, by_id=current_user_id(request))
    return redirect("history", image.pk)


def _editable_image(request: Request, image_id: int) -> Image:
    image = permissions.get_image_or_404(request.user, image_id)
    permissions.require_edit_image(request.user, image)
    return image


def _finished_analysis(image: Image, analysis_id: int) -> Analysis:
    return get_object_or_404(image.analyses.filter(state=Analysis.State.DONE), pk=analysis_id)


def _entries(image: Image, analyses: list[Analysis], *, now: datetime) -> list[HistoryEntry]:
    has_duplicate = any(analysis.is_reused for analysis in analyses) and _has_duplicate(image)
    return [
        _entry(analysis, _previous(analysis, analyses[index + 1 :]), now=now, has_duplicate=has_duplicate)
        for index, analysis in enumerate(analyses)
    ]


def _has_duplicate(image: Image) -> bool:
    """True if the same owner has another image with the same bytes."""
    return Image.objects.filter(sha256=image.sha256, owner_id=image.owner_id).exclude(pk=image.pk).exists()


def _previous(analysis: Analysis, older: Iterable[Analysis]) -> Analysis | None:
    return next((other for other in older if other.api == analysis.api and other.state == Analysis.State.DONE), None)


def _entry(analysis: Analysis, previous: Analysis | None, *, now: datetime, has_duplicate: bool) -> HistoryEntry:
    is_done = analysis.state == Analysis.State.DONE
    changes = difference(analysis.api, previous.answer or {}, analysis.answer or {}) if is_done and previous else []
    time = analysis.finished_at or analysis.requested_at
    return HistoryEntry(
        id=str(analysis.pk),
        title=analysis.get_api_display(),
        state=analysis.state,
        state_name=analysis.get_state_display(),
        when=formatting.ago(time, now=now),
        exact=formatting.exact(time),
        recognizer=f"{analysis.recognizer} {analysis.model_version}".strip(),
        details=_details(analysis, has_duplicate=has_duplicate),
        error=analysis.error_message,
        added=[_change(change) for change in changes if change.before is None],
        removed=[_change(change) for change in changes if change.after is None],
        changed=[_change(change) for change in changes if change.before is not None and change.after is not None],
        is_first=previous is None,
        is_current=analysis.is_current,
        is_pinned=analysis.is_pinned,
        is_failed=analysis.state == Analysis.State.FAILED,
        api=analysis.api,
    )


def _details(analysis: Analysis, *, has_duplicate: bool) -> list[tuple[str, str]]:
    """Names and values of the request's details, without empty ones."""
    latency = analysis.latency_ms if analysis.latency_ms and not analysis.is_reused else 0
    rows = [
        (_("Settings"), _settings(analysis.parameters)),
        (_("Time"), _("%(number)s ms") % {"number": formatting.count(latency)} if latency else ""),
        (_("Cost"), _cost(analysis, has_duplicate=has_duplicate)),
        (_("Request ID"), analysis.request_id),
        (_("Attempts"), formatting.count(analysis.attempts) if analysis.attempts > 1 else ""),
        (_("Error code"), analysis.error_code),
    ]
    return [(term, value) for term, value in rows if value]


def _settings(parameters: dict[str, Any]) -> str:
    """The request's parameters in words; by name where there are no words."""
    phrases = {
        "max_labels": _("up to %(value)s labels"),
        "min_confidence": _("confidence ≥ %(value)s"),
        "moderation_min_confidence": _("confidence ≥ %(value)s"),
        "image_properties": _("with colors"),
    }
    texts = {
        name: formatting.percent(value) if name.endswith("min_confidence") else str(value)
        for name, value in parameters.items()
        if value is not False
    }
    return ", ".join(
        phrases.get(name, f"{name.replace('_', ' ')} %(value)s") % {"value": text} for name, text in texts.items()
    )


def _cost(analysis: Analysis, *, has_duplicate: bool) -> str:
    """The price, or that a cached response was used."""
    # Unless the owner has a duplicate, a cached response came from another user's picture, and saying so would
    # reveal that they have this file.
    if analysis.is_reused:
        return _("None: the result of your other picture with the same file was used") if has_duplicate else ""
    return formatting.dollars(analysis.price) if analysis.price else ""


def _change(change: LabelChange) -> str:
    if change.before is not None and change.after is not None:
        return f"{change.name} {formatting.percent(change.before)} → {formatting.percent(change.after)}"
    return f"{change.name} {formatting.percent(change.after or change.before or 0)}"
