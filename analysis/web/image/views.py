"""Views of the image page, and of its panel while analyses are pending."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from analysis import permissions, pipeline
from analysis.models import Analysis, Image
from analysis.recognition import registry
from analysis.web import links, toasts
from analysis.web.http import Request, is_fragment
from analysis.web.image import context as image_context
from analysis.web.image.analyze_menu import offered_apis
from analysis.web.image.collection_link import collection_link, collections_of
from analysis.web.image.details_form import details_context
from analysis.web.image.neighbors import neighbors
from analysis.web.image.similar import similar_query
from analysis.web.image.zoom import zoom_url


@login_not_required
@require_safe
def image(request: Request, image_id: int) -> HttpResponse:
    """The page of a picture within the search in `q`."""
    return _page(request, permissions.get_image_or_404(request.user, image_id))


@login_not_required
@require_safe
def public(request: Request, public_id: UUID) -> HttpResponse:
    """The page of a public picture; signed-in people are redirected to the full page."""
    public_image = permissions.get_public_image_or_404(public_id)
    return redirect(public_image) if request.user.is_authenticated else _page(request, public_image)


def _page(request: Request, image: Image) -> HttpResponse:
    return_link = image_context.return_link(request)
    context = image_context.page_context(request, image)
    collection = collection_link(request, image, collection_id=return_link.collection, link=return_link.image_url)
    library_url = links.library_url(return_link.query, saved=return_link.saved, to=image.pk)
    context |= {
        "neighbors": collection.neighbors
        if collection
        else neighbors(
            image, return_link.query, viewer=permissions.viewer_of(request.user), link=return_link.image_url
        ),
        "back_url": collection.back_url if collection else f"{library_url}#card-{image.pk}",
        "back_label": collection.name if collection else return_link.query.text,
        "collections": collections_of(request, image),
        "text": return_link.query.text,
        "sensitive_cover": image_context.sensitive_cover(
            request, image, is_sensitive=context["panel"].labels.is_sensitive
        ),
        # A prefetched page may never be shown, so it must not use up the toasts for the next page.
        "toasts": [] if request.headers.get("X-Prefetch") else toasts.take_toasts(request),
        "zoom_url": zoom_url(request, image),
        **details_context(request, image),
        "similar_url": links.library_url(similar_query(image.pk)) if _has_similar(request, image) else "",
    }
    return render(request, "image/detail.html", context)


def _has_similar(request: Request, image: Image) -> bool:
    """True for users who can search, unless the picture is in the trash."""
    return bool(request.user.is_authenticated) and image.trashed_at is None


@login_not_required
@require_safe
def panel(request: Request, image_id: int) -> HttpResponse:
    """Panel and boxes, for polling; status 204 if they have not changed since `seen`."""
    return _panel(request, permissions.get_image_or_404(request.user, image_id))


@login_not_required
@require_safe
def public_panel(request: Request, public_id: UUID) -> HttpResponse:
    """The panel of a public picture."""
    return _panel(request, permissions.get_public_image_or_404(public_id))


def _panel(request: Request, image: Image) -> HttpResponse:
    context = image_context.page_context(request, image)
    if request.GET.get("seen") == context["panel"].token:
        return HttpResponse(status=204)
    return render(request, "image/detail.html#panel_updated", context)


@require_POST
def retry(request: Request, image_id: int) -> HttpResponse:
    """Request analyses of a picture.

    `api` names a single one, `again` one to repeat although it has a result; by default all enabled APIs.
    """
    image = permissions.get_image_or_404(request.user, image_id)
    permissions.require_edit_image(request.user, image)
    permissions.require_analyze_images(request.user)
    again = request.POST.get("again", "")
    api = again or request.POST.get("api", "")
    if api and not _may_retry(request, image, api):
        raise Http404
    pipeline.request_analysis(image_ids=[image.pk], apis=[api] if api else None, is_forced=bool(again))
    if is_fragment(request):
        return render(request, "image/detail.html#panel_updated", image_context.page_context(request, image))
    return redirect(image_context.return_link(request).image_url(image.pk))


def _may_retry(request: Request, image: Image, api: str) -> bool:
    """True for APIs that the menu offers or that failed before."""
    # Any other API could cause costs that the owner did not agree to.
    if api not in registry.current().apis:
        return False
    return api in offered_apis(request.user) or image.analyses.filter(api=api, state=Analysis.State.FAILED).exists()
