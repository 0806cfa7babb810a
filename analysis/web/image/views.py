"""One picture's page, and its panel while something is under way."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analysis import permissions, pipeline
from analysis.models import Analysis, Image
from analysis.recognition import registry
from analysis.web import links, toasts
from analysis.web.http import Request, is_fragment
from analysis.web.image import context as image_context
from analysis.web.image import metadata
from analysis.web.image.neighbors import neighbors


@login_not_required
@require_safe
def image(request: Request, image_id: int) -> HttpResponse:
    """The page, with its place in the search one came from (`q`)."""
    return _page(request, permissions.get_image_or_404(request.user, image_id))


@login_not_required
@require_safe
def public(request: Request, public_id: UUID) -> HttpResponse:
    """The same for people who are not signed in."""
    shown = permissions.get_public_image_or_404(public_id)
    return redirect(shown) if request.user.is_authenticated else _page(request, shown)


def _page(request: Request, shown: Image) -> HttpResponse:
    now = timezone.now()
    trail = image_context.return_link(request)
    context = image_context.context(request, shown)
    context |= {
        "walk": neighbors(shown, trail.query, viewer=permissions.viewer_of(request.user), link=trail.image_url),
        "back_url": f"{links.library_url(trail.query, saved=trail.saved, to=shown.pk)}#card-{shown.pk}",
        "back_words": trail.query.text,
        "text": trail.query.text,
        "veil": image_context.sensitive_cover(request, shown, is_sensitive=context["panel"].words.is_sensitive),
        "toasts": toasts.take_toasts(request),
        "facts": metadata.metadata_rows(shown, reader=request.user, now=now),
        "location": metadata.location(shown, reader=request.user),
    }
    return render(request, "image/detail.html", context)


@login_not_required
@require_safe
def panel(request: Request, image_id: int) -> HttpResponse:
    """Panel and boxes, for a page that asks while something is under way; 204 when it has them as they are."""
    return _panel(request, permissions.get_image_or_404(request.user, image_id))


@login_not_required
@require_safe
def public_panel(request: Request, public_id: UUID) -> HttpResponse:
    """The same for people who are not signed in."""
    return _panel(request, permissions.get_public_image_or_404(public_id))


def _panel(request: Request, shown: Image) -> HttpResponse:
    context = image_context.context(request, shown)
    if request.GET.get("seen") == context["panel"].token:
        return HttpResponse(status=204)
    return render(request, "image/detail.html#panel_updated", context)


@require_POST
def retry(request: Request, image_id: int) -> HttpResponse:
    """Ask an API again that failed, or all of them about a picture that was never asked about."""
    shown = permissions.get_image_or_404(request.user, image_id)
    permissions.require_edit_image(request.user, shown)
    permissions.require_analyze_images(request.user)
    api = request.POST.get("api", "")
    if api and not _may_ask(shown, api):
        raise Http404
    pipeline.request_analysis(image_ids=[shown.pk], apis=[api] if api else None)
    if is_fragment(request):
        return render(request, "image/detail.html#panel_updated", image_context.context(request, shown))
    return redirect(shown)


def _may_ask(image: Image, api: str) -> bool:
    """What is switched on, or has failed before: a request must not put on the bill what nobody switched on."""
    if api not in registry.current().apis:
        return False
    return api in registry.enabled_apis() or image.analyses.filter(api=api, state=Analysis.State.FAILED).exists()
