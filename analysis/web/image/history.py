"""Every analysis of a picture, newest first, with what it changed; which one counts is decided here."""

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
from analysis.models import Analysis, Image
from analysis.recognition.comparison import LabelChange, difference, pin, unpin
from analysis.web import links
from analysis.web.http import Request

MOST = 50
"""Analyses shown; who has asked more often finds the rest in the administration."""


@dataclass(frozen=True)
class HistoryEntry:
    """One analysis, every value ready to be shown."""

    id: str
    title: str
    state: str
    state_words: str
    when: str
    exact: str
    who: str
    facts: list[tuple[str, str]]
    sentence: str
    gained: list[str]
    lost: list[str]
    moved: list[str]
    is_first: bool
    is_current: bool
    is_pinned: bool
    is_failed: bool
    api: str


@require_safe
def history(request: Request, image_id: int) -> HttpResponse:
    """The page; its owner's alone, since it tells what was paid."""
    shown = _own(request, image_id)
    found = list(shown.analyses.order_by("-pk")[:MOST])
    now = timezone.now()
    entries, since = _entries(shown, found, now=now), shown.original_replaced_at
    # By when they ended: what was under way as the original changed is asked again in the same row.
    is_older = [bool(since and each.finished_at and each.finished_at <= since) for each in found]
    context = {
        "image": {"id": str(shown.pk), "name": str(shown), "url": links.image_url(shown.pk)},
        "entries": [entry for entry, older in zip(entries, is_older, strict=True) if not older],
        "changed": {"when": formatting.ago(since, now=now), "exact": formatting.exact(since)} if since else None,
        "of_the_one_before": [entry for entry, older in zip(entries, is_older, strict=True) if older],
    }
    return render(request, "image/history.html", context)


@require_safe
def raw_response(request: Request, image_id: int, analysis_id: int) -> HttpResponse:
    """The answer as received, for programs and the curious."""
    analysis = _analysis(_own(request, image_id), analysis_id)
    response = HttpResponse(json.dumps(analysis.answer, indent=2, ensure_ascii=False), content_type="application/json")
    response["Content-Disposition"] = f'inline; filename="{analysis.api}-{analysis.pk}.json"'
    return response


@require_POST
def pin_analysis(request: Request, image_id: int, analysis_id: int) -> HttpResponse:
    """Let an older answer count whatever is answered later, or (`unpin`) the last one again."""
    shown = _own(request, image_id)
    analysis = _analysis(shown, analysis_id)
    (unpin if request.POST.get("unpin") else pin)(analysis)
    return redirect("history", shown.pk)


def _own(request: Request, image_id: int) -> Image:
    shown = permissions.get_image_or_404(request.user, image_id)
    permissions.require_edit_image(request.user, shown)
    return shown


def _analysis(image: Image, analysis_id: int) -> Analysis:
    return get_object_or_404(image.analyses.filter(state=Analysis.State.DONE), pk=analysis_id)


def _entries(shown: Image, found: list[Analysis], *, now: datetime) -> list[HistoryEntry]:
    has_twin = any(each.is_reused for each in found) and _has_twin(shown)
    return [
        _entry(each, _before(each, found[place + 1 :]), now=now, has_twin=has_twin) for place, each in enumerate(found)
    ]


def _has_twin(shown: Image) -> bool:
    """Whether its owner has another picture of the same bytes."""
    return Image.objects.filter(sha256=shown.sha256, owner_id=shown.owner_id).exclude(pk=shown.pk).exists()


def _before(analysis: Analysis, older: Iterable[Analysis]) -> Analysis | None:
    return next((each for each in older if each.api == analysis.api and each.state == Analysis.State.DONE), None)


def _entry(analysis: Analysis, before: Analysis | None, *, now: datetime, has_twin: bool) -> HistoryEntry:
    is_done = analysis.state == Analysis.State.DONE
    changes = difference(analysis.api, before.answer or {}, analysis.answer or {}) if is_done and before else []
    moment = analysis.finished_at or analysis.requested_at
    return HistoryEntry(
        id=str(analysis.pk),
        title=analysis.get_api_display(),
        state=analysis.state,
        state_words=analysis.get_state_display(),
        when=formatting.ago(moment, now=now),
        exact=formatting.exact(moment),
        who=f"{analysis.recognizer} {analysis.model_version}".strip(),
        facts=_facts(analysis, has_twin=has_twin),
        sentence=analysis.error_message,
        gained=[_said(each) for each in changes if each.before is None],
        lost=[_said(each) for each in changes if each.after is None],
        moved=[_said(each) for each in changes if each.before is not None and each.after is not None],
        is_first=before is None,
        is_current=analysis.is_current,
        is_pinned=analysis.is_pinned,
        is_failed=analysis.state == Analysis.State.FAILED,
        api=analysis.api,
    )


def _facts(analysis: Analysis, *, has_twin: bool) -> list[tuple[str, str]]:
    """Why this is here: what was asked, how long it took, what it cost."""
    said: list[tuple[str, Any]] = [
        ("Asked with", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in analysis.parameters.items())),
        ("Took", f"{analysis.latency_ms:,} ms" if analysis.latency_ms and not analysis.is_reused else ""),
        ("Cost", _cost(analysis, has_twin=has_twin)),
        ("Request", analysis.request_id),
        ("Attempts", f"{analysis.attempts}" if analysis.attempts > 1 else ""),
        ("Error", analysis.error_code),
    ]
    return [(term, value) for term, value in said if value]


def _cost(analysis: Analysis, *, has_twin: bool) -> str:
    """Of a stored answer nothing is told unless it is the owner's: it would say that somebody has the same bytes."""
    if analysis.is_reused:
        return _("nothing: your other picture of the same bytes was analyzed before") if has_twin else ""
    return formatting.dollars(analysis.price) if analysis.price else ""


def _said(change: LabelChange) -> str:
    if change.before is not None and change.after is not None:
        return f"{change.name} {formatting.percent(change.before)} → {formatting.percent(change.after)}"
    return f"{change.name} {formatting.percent(change.after or change.before or 0)}"
