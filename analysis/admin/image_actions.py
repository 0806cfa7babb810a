"""What staff do to many pictures at once, everybody's: named by ticks, or every hit of the list's search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from analysis import formatting, pipeline
from analysis.admin import display
from analysis.admin.base import is_across
from analysis.admin.confirm import confirm_page
from analysis.admin.image_query import ANYONE, InvalidFilter, image_query
from analysis.admin.pagination import CAP
from analysis.curation import bulk
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.library import images
from analysis.models import BulkChange, Image, Label
from analysis.search import results
from imagelib.accounts.models import User

Act = BulkChange.Action
Rows = QuerySet[Image]
MOST_REMOVED = 1_000
MAX_IMMEDIATE = bulk.STEP_SIZE
"""So many pictures are changed while the page waits; more in the background."""


@dataclass(frozen=True)
class SelectedImages:
    """What is meant, and how many pictures that are as far as counted."""

    selection: Selection
    number: int

    @property
    def words(self) -> str:
        many = formatting.pictures(self.number, cap=CAP)
        return f"all {many} of this search" if self.selection.query is not None else many


def selected_images(request: HttpRequest, rows: Rows) -> SelectedImages:
    """Ticked pictures, or the list's search: never a million ids. Raises Misunderstood."""
    person: Any = request.user
    if is_across(request):
        query = image_query(request.GET)
        number = results.count(query, viewer=ANYONE, cap=CAP)
        return SelectedImages(Selection(person, query=query, all_owners=True), number)
    ids = tuple(rows.order_by("pk").values_list("pk", flat=True))
    return SelectedImages(Selection(person, ids=ids, all_owners=True), len(ids))


class TagForm(forms.Form):
    tag = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget, help_text="A label's name or alias, or a word of your own."
    )

    def of_what(self, selection: Selection) -> dict[str, Any]:
        return {"label": bulk.label_to_add(selection, self.cleaned_data["tag"])}


class KnownTagForm(TagForm):
    def of_what(self, selection: Selection) -> dict[str, Any]:
        name = self.cleaned_data["tag"]
        label = Label.objects.filter(name__iexact=name).order_by("-image_count", "pk").first()
        if label is None:
            raise ActionRefused(f"Nothing is called “{name}”.")
        return {"label": label}


class VisibilityForm(forms.Form):
    visibility = forms.TypedChoiceField(choices=Image.Visibility, coerce=int, widget=UnfoldAdminSelectWidget)

    def of_what(self, selection: Selection) -> dict[str, Any]:
        return {"visibility": self.cleaned_data["visibility"]}


class OwnerForm(forms.Form):
    owner = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget, help_text="The name they sign in with.")

    def of_what(self, selection: Selection) -> dict[str, Any]:
        receiver = User.objects.filter(username=self.cleaned_data["owner"]).first()
        if receiver is None:
            raise ActionRefused(f"There is nobody called “{self.cleaned_data['owner']}”.")
        return {"receiver": receiver}


class NoForm(forms.Form):
    def of_what(self, selection: Selection) -> dict[str, Any]:
        return {}


Action = Callable[[Any, HttpRequest, Rows], HttpResponseBase | None]


def _command(act: str, title: str, form_class: type[Any], done: str) -> Action:
    """An action with a page of its own where something is still to be said, or where a whole search is meant."""

    def command(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponseBase | None:
        try:
            meant = selected_images(request, rows)
            is_said = "confirmed" in request.POST
            is_asked = form_class is not NoForm or meant.selection.query is not None
            form = form_class(request.POST if is_said or not is_asked else None)
            if (is_asked and not is_said) or not form.is_valid():
                return page(model_admin, request, title=title, meant=meant, form=form)
            _tell(request, _done(meant, act, form.of_what(meant.selection)), done)
        except (ActionRefused, InvalidFilter) as complaint:
            messages.error(request, str(complaint))
        return None

    return _named(command, act, title, "change")


def _done(meant: SelectedImages, act: str, of_what: dict[str, Any]) -> BulkChange:
    if meant.selection.query is not None and meant.number > MAX_IMMEDIATE:
        return pipeline.start_bulk_change(meant.selection, act, **of_what)
    return bulk.apply(meant.selection, act, **of_what)


def _tell(request: HttpRequest, change: BulkChange, done: str) -> None:
    if change.is_open:
        said = "It goes on in the background; this page shows how far it is, and takes it back if you change your mind:"
    else:
        said = f"{done} {change.number:,}; {change.unchanged:,} were so already or cannot be. To take it back:"
    messages.success(request, format_html("{} {}", said, display.link(change, "Change")))


def page(
    model_admin: Any, request: HttpRequest, *, title: str, meant: SelectedImages, form: forms.Form, **more: Any
) -> TemplateResponse:
    is_whole = meant.selection.query is not None
    return confirm_page(model_admin, request, title=title, meant=meant.words, form=form, is_whole=is_whole, **more)


def _remove(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponseBase | None:
    """For good: the rows and the blobs. Few at a time, since it cannot be taken back."""
    try:
        meant = selected_images(request, rows)
        if meant.number > MOST_REMOVED:
            raise ActionRefused(f"At most {MOST_REMOVED:,} are deleted for good at once; the trash takes any number.")
    except (ActionRefused, InvalidFilter) as complaint:
        messages.error(request, str(complaint))
        return None
    if "confirmed" not in request.POST and request.POST.get("post") != "yes":
        warning = "Deleted for good, with their analyses, labels and verdicts. This cannot be taken back."
        return page(model_admin, request, title="Delete for good", meant=meant, form=NoForm(), warning=warning)
    number = 0
    for step in meant.selection.steps():
        for image in Image.objects.filter(pk__in=step).order_by("pk"):
            images.remove(image)
            number += 1
    messages.success(request, f"{number:,} deleted for good.")
    return None


def _named(action: Any, name: str, title: str, permission: str) -> Action:
    action.__name__, action.short_description, action.allowed_permissions = name, title, (permission,)
    return action  # type: ignore[no-any-return]


ACTIONS = (
    _command(Act.ADD_TAG, "Add a tag or a label…", TagForm, "Added to"),
    _command(Act.REMOVE_TAG, "Remove a tag…", KnownTagForm, "Taken from"),
    _command(Act.OPEN_TO, "Change who may see them…", VisibilityForm, "Changed:"),
    _command(Act.GIVE, "Give them to somebody…", OwnerForm, "Given:"),
    _command(Act.TRASH, "Move to the trash", NoForm, "Moved to the trash:"),
    _command(Act.RESTORE, "Restore from the trash", NoForm, "Restored:"),
    _named(_remove, "delete_selected", "Delete for good…", "delete"),
)
