"""Details of a picture: the file's metadata, and the form that edits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from analysis import formatting, permissions, pipeline
from analysis.curation import bulk, metadata_edits
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.curation.metadata_edits import Edit
from analysis.library.file_values import FIELDS
from analysis.models import BulkChange, Image
from analysis.search.query import Query
from analysis.search.terms import NearTerm
from analysis.web import links, toasts
from analysis.web.edit_fields import clock_text, coordinates_text, parse_clock, parse_coordinates, parse_offset
from analysis.web.http import Request, current_user, int_param, is_fragment
from analysis.web.image import context as image_context
from analysis.web.image import metadata_rows
from analysis.web.toasts import Toast

MAP_URL = "https://www.openstreetmap.org/?mlat={0}&mlon={1}#map=15/{0}/{1}"


@dataclass(frozen=True)
class DetailsForm:
    """The form: values, the file's own values of edited fields, and an error."""

    values: Mapping[str, str]
    in_file: Mapping[str, str]
    error: str = ""


def details_context(request: Request, image: Image, *, form: DetailsForm | None = None) -> dict[str, Any]:
    """Context of the details section, with a form for users who may edit."""
    can_edit = permissions.can_edit_image(request.user, image) and not image.trashed_at
    location = metadata_rows.location(image, reader=request.user)
    return {
        "metadata": metadata_rows.metadata_rows(image, reader=request.user, now=timezone.now()),
        "location": location,
        "map_url": MAP_URL.format(image.latitude, image.longitude) if location else "",
        "nearby_url": _nearby_url(image) if location else "",
        "names_city": bool(image.city) and request.user.is_authenticated,
        "details_form": (form or details_form(image)) if can_edit else None,
    }


def details_form(image: Image, *, values: Mapping[str, str] | None = None, error: str = "") -> DetailsForm:
    """The form with the image's values, or with the typed values that were refused."""
    in_file = {name: _text(name, in_file) for name, in_file in (image.file_values or {}).items()}
    return DetailsForm({**form_values(image), **(values or {})}, in_file, error)


def form_values(image: Image) -> dict[str, str]:
    return {
        "title": image.title,
        "description": image.description,
        "taken": clock_text(image.taken_at),
        "offset": "" if image.taken_offset is None else formatting.utc_offset(image.taken_offset),
        "place": image.place,
        "location": coordinates_text(image.latitude, image.longitude),
    }


@require_POST
def edit_details(request: Request, image_id: int) -> HttpResponse:
    """Save changed fields, `reset` one to the file's value, or `undo` a change."""
    image = permissions.get_image_or_404(request.user, image_id)
    permissions.require_edit_image(request.user, image)
    form = None
    try:
        toast = _save(request, image)
    except ActionRefused as refusal:
        typed = {name: request.POST[name] for name in form_values(image) if name in request.POST}
        toast, form = None, details_form(image, values=typed, error=str(refusal))
    image = permissions.get_image_or_404(request.user, image_id)
    if form and not is_fragment(request):
        return render(request, "image/edit_details.html", _form_context(request, image, form), status=422)
    return _respond(request, image, toast, form=form)


def _save(request: Request, image: Image) -> Toast | None:
    if undone := request.POST.get("undo", ""):
        change_id = int_param(undone, maximum=10**18, minimum=0)
        change = pipeline.undo(change_id, by=current_user(request), at_once=bulk.STEP_SIZE)
        return None if change.number else Toast(_("It was changed in the meantime, so nothing was undone."))
    field = request.POST.get("reset", "")
    edit: Edit = {"reset": [field]} if field in FIELDS else _edit_from(request.POST, form_values(image))
    if not edit:
        return None
    change = bulk.apply(Selection(current_user(request), ids=(image.pk,)), BulkChange.Action.EDIT, edit=edit)
    if not change.number:
        return None
    url = image_context.return_link(request).append_to(reverse("image-details", args=[image.pk]))
    return Toast(_("Details saved."), url, {"undo": str(change.pk)})


def _edit_from(data: Mapping[str, str], current: Mapping[str, str]) -> Edit:
    """The edit of changed fields, compared as text, since forms show rounded values."""
    changed = {
        name: text
        for name, value in current.items()
        if (text := data.get(name)) is not None and text.strip() != value.strip()
    }
    edit = metadata_edits.text_edit(**{name: changed.get(name) for name in ("title", "description", "place")})
    if {"taken", "offset"} & set(changed):
        merged = {**current, **changed}
        clock, offset = parse_clock(merged["taken"]), parse_offset(merged["offset"])
        edit |= metadata_edits.taken_edit(clock, offset, now=timezone.now())
    if "location" in changed:
        edit |= metadata_edits.location_edit(*parse_coordinates(changed["location"]))
    return edit


def _respond(request: Request, image: Image, toast: Toast | None, *, form: DetailsForm | None) -> HttpResponse:
    messages = [toast] if toast else []
    if is_fragment(request):
        context = image_context.rating_context(request, image) | details_context(request, image, form=form)
        context["image"] |= {"name": str(image)}
        return render(request, "image/detail.html#details_updated", context | {"toasts": messages})
    for message in messages:
        toasts.add_toast(request, message)
    return redirect(image_context.return_link(request).image_url(image.pk))


def _form_context(request: Request, image: Image, form: DetailsForm) -> dict[str, Any]:
    """Context of a page with the form alone, for refused values without JavaScript."""
    return_url = image_context.return_link(request).image_url(image.pk)
    context = image_context.rating_context(request, image) | {"details_form": form}
    context["image"] |= {"name": str(image), "url": return_url}
    return context


def _nearby_url(image: Image) -> str:
    assert image.latitude is not None and image.longitude is not None, "only with a location"  # noqa: PT018, S101
    return links.library_url(Query((NearTerm(round(image.latitude, 5), round(image.longitude, 5)),)))


def _text(field: str, values: list[Any]) -> str:
    """A value from the file, formatted for the page; a dash if the file has none."""
    if field == "location":
        text = coordinates_text(*values)
    elif field == "taken":
        text = formatting.taken_exact(datetime.fromisoformat(values[0]), values[1]) if values[0] else ""
    else:
        text = str(values[0])
    return text or "–"
