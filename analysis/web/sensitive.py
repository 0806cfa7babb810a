"""Sensitive pictures: pictures with moderation labels, blurred until revealed."""

from __future__ import annotations

from collections.abc import Collection

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from analysis.models import Analysis, Image
from analysis.search.sensitive import sensitive_ids
from analysis.web.http import Request, next_url

SESSION_KEY = "shows_sensitive"


def shows_sensitive(request: Request) -> bool:
    """True if the user turned blurring off for the current session."""
    return bool(request.session.get(SESSION_KEY))


def sensitive_among(images: Collection[Image]) -> frozenset[int]:
    """Ids of images with a moderation label that is neither hidden nor rejected.

    Trashed images are not in the search index; they are sensitive if their current moderation result has any label.
    """
    trashed = [image.pk for image in images if image.trashed_at]
    indexed = sensitive_ids([image.pk for image in images])
    return indexed | _with_moderation_result(trashed) if trashed else indexed


@require_POST
def toggle_sensitive(request: Request) -> HttpResponse:
    """Turn blurring off (`show` is 1) or on for this session."""
    request.session[SESSION_KEY] = request.POST.get("show") == "1"
    return redirect(next_url(request))


def _with_moderation_result(image_ids: Collection[int]) -> frozenset[int]:
    analyses = Analysis.objects.current().filter(image_id__in=image_ids, api=Analysis.Api.MODERATION)
    # Too many rather than too few: in the trash a picture has no index rows that would tell which labels were rejected.
    return frozenset(analyses.exclude(answer__ModerationLabels=[]).values_list("image_id", flat=True))
