"""Upload target: who can see the uploaded pictures, and a collection for them."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.curation import collections
from analysis.curation.errors import ActionRefused
from analysis.library.uploads import Target
from analysis.models import Collection, Image
from analysis.permissions.collections import arrangeable_collections
from analysis.web.http import Request, current_user, int_param

MAX_CHOICES = 100


@dataclass(frozen=True)
class TargetChoices:
    """Values for the fields; `chosen` are those of a submitted form."""

    collections: list[Collection]
    visibilities: list[tuple[int, str]]
    chosen: Target


def choices(request: Request, *, chosen: Target | None = None) -> TargetChoices:
    """The collections that the user added to last, and the visibilities."""
    chosen = chosen or Target(collection_id=int_param(request.GET.get("collection", ""), maximum=10**18, minimum=0))
    offered = arrangeable_collections(request.user)
    recent = list(offered.order_by("-changed_at", "-pk")[:MAX_CHOICES])
    if chosen.collection_id and chosen.collection_id not in {collection.pk for collection in recent}:
        recent = [*offered.filter(pk=chosen.collection_id), *recent]
    return TargetChoices(recent, [(value, str(label)) for value, label in Image.Visibility.choices], chosen)


@require_safe
def fields(request: Request) -> HttpResponse:
    """Fragment with the fields, for pages that show them once something is uploaded."""
    permissions.require_upload_images(request.user)
    return render(request, "includes/upload_target.html", {"target": choices(request), "target_prefix": "dock"})


def target_of(request: Request) -> Target:
    """The target chosen in a form. Raises ActionRefused.

    Permission is checked again when the picture is stored, as it may have been revoked by then.
    """
    visibility = int_param(request.POST.get("visibility", ""), minimum=0, maximum=max(Image.Visibility.values))
    if request.POST.get("collection_name", "").strip():
        named = collections.get_or_create(current_user(request), name=request.POST["collection_name"])
        return Target(visibility, named.pk)
    number = int_param(request.POST.get("collection", ""), maximum=10**18, minimum=0)
    if number and not arrangeable_collections(request.user).filter(pk=number).exists():
        raise ActionRefused(_("You can no longer add to this collection. Choose another one."))
    return Target(visibility, number or None)
