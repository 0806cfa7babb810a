"""One picture's page, and its panel while something is under way."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analysis import access, pipeline
from analysis.models import Analysis, Image
from analysis.recognition import recognizers
from analysis.web import facts, picture, present, toasts
from analysis.web.requests import Request, is_fragment
from analysis.web.walk import walk


@login_not_required
@require_safe
def image(request: Request, image_id: int) -> HttpResponse:
    """The page, with its place in the search one came from (`q`)."""
    shown, now = access.image_for(request.user, image_id), timezone.now()
    trail = picture.came_from(request)
    context = picture.context(request, shown)
    context |= {
        "walk": walk(shown, trail.query, audience=access.audience_of(request.user), link=trail.image_url),
        "back_url": f"{present.library_url(trail.query, saved=trail.saved, to=shown.pk)}#card-{shown.pk}",
        "back_words": trail.query.text,
        "text": trail.query.text,
        "veil": picture.veil_of(request, shown, is_sensitive=context["panel"].words.is_sensitive),
        "toasts": toasts.take(request),
        "facts": facts.facts(shown, reader=request.user, now=now),
        "location": facts.location(shown, reader=request.user),
    }
    return render(request, "image.html", context)


@login_not_required
@require_safe
def panel(request: Request, image_id: int) -> HttpResponse:
    """Panel and boxes, for a page that asks while something is under way; 204 when it has them as they are."""
    shown = access.image_for(request.user, image_id)
    context = picture.context(request, shown)
    if request.GET.get("seen") == context["panel"].token:
        return HttpResponse(status=204)
    return render(request, "image.html#news", context)


@require_POST
def retry(request: Request, image_id: int) -> HttpResponse:
    """Ask an API again that failed, or all of them about a picture that was never asked about."""
    shown = access.image_for(request.user, image_id)
    if not access.may_change(request.user, shown):
        raise Http404
    api = request.POST.get("api", "")
    if api and not _may_ask(shown, api):
        raise Http404
    pipeline.request(image_ids=[shown.pk], apis=[api] if api else None)
    if is_fragment(request):
        return render(request, "image.html#news", picture.context(request, shown))
    return redirect(shown)


def _may_ask(image: Image, api: str) -> bool:
    """What is switched on, or has failed before: a request must not put on the bill what nobody switched on."""
    if api not in recognizers.current().apis:
        return False
    return api in recognizers.wanted_apis() or image.analyses.filter(api=api, state=Analysis.State.FAILED).exists()
