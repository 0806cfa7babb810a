"""Pictures with moderation labels: blurred until somebody wants to see one, or for good says that they want to."""

from __future__ import annotations

from collections.abc import Collection

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from analysis.models import Analysis, Image, Label
from analysis.search.database import fetch_all
from analysis.web.http import Request, next_url

KEY = "shows_sensitive"


def shows_sensitive(request: Request) -> bool:
    """Whether this person wants sensitive pictures shown like any other; for as long as they stay signed in."""
    return bool(request.session.get(KEY))


def sensitive_among(images: Collection[Image]) -> frozenset[int]:
    """Those of these that carry a moderation label: one that is found by search, not hidden, and nobody rejected.

    Those in the trash carry none; they are sensitive when their current answer names any.
    """
    trashed = [image.pk for image in images if image.trashed_at]
    found = sensitive_ids([image.pk for image in images])
    return found | _answered(trashed) if trashed else found


def sensitive_ids(image_ids: Collection[int]) -> frozenset[int]:
    rows = fetch_all(
        """SELECT carried.image_id FROM analysis_imagelabel carried JOIN analysis_label label
           ON label.id = carried.label_id AND NOT label.is_hidden AND label.kind = %s
           WHERE carried.image_id = ANY(%s)""",
        [Label.Kind.MODERATION.value, list(image_ids)],
    )
    return frozenset(image_id for (image_id,) in rows)


@require_POST
def toggle_sensitive(request: Request) -> HttpResponse:
    """Show sensitive pictures from now on (`show` is 1), or blur them again."""
    request.session[KEY] = request.POST.get("show") == "1"
    return redirect(next_url(request))


def _answered(image_ids: Collection[int]) -> frozenset[int]:
    answers = Analysis.objects.current().filter(image_id__in=image_ids, api=Analysis.Api.MODERATION)
    return frozenset(answers.exclude(answer__ModerationLabels=[]).values_list("image_id", flat=True))
