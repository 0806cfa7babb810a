"""Actions on many images of any owner: selected ones, or all search results."""

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
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
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
from analysis.curation.trash_deletion import STEP_SIZE
from analysis.models import BulkChange, Image, Label
from analysis.search import results
from imagelib.accounts.models import User

Rows = QuerySet[Image]
MAX_DELETED = 1_000
MAX_IMMEDIATE = bulk.STEP_SIZE
"""Pictures changed within the request; larger changes run in the background."""


@dataclass(frozen=True)
class SelectedImages:
    """A selection with its number of pictures, counted up to CAP."""

    selection: Selection
    number: int

    @property
    def text(self) -> str:
        pictures = formatting.pictures(self.number, cap=CAP)
        if self.selection.query is None:
            return pictures
        return gettext("all results of this search (%(pictures)s)") % {"pictures": pictures}


def selected_images(request: HttpRequest, rows: Rows) -> SelectedImages:
    """The selected IDs, or the list's search. Raises InvalidFilter."""
    person: Any = request.user
    if is_across(request):
        query = image_query(request.GET)
        number = results.count(query, viewer=ANYONE, cap=CAP)
        return SelectedImages(Selection(person, query=query, all_owners=True), number)
    # Read now, since the action may change the results of the list's search.
    ids = tuple(rows.order_by("pk").values_list("pk", flat=True))
    return SelectedImages(Selection(person, ids=ids, all_owners=True), len(ids))


class ActionForm(forms.Form):
    """The form of an action that needs no input."""

    def action_values(self, selection: Selection) -> dict[str, Any]:
        """The keyword arguments of the bulk action. Raises ActionRefused."""
        return {}


class AddTagForm(ActionForm):
    tag = forms.CharField(
        label=_("Tag"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The name or alias of a label, or a new tag."),
    )

    def action_values(self, selection: Selection) -> dict[str, Any]:
        return {"label": bulk.label_to_add(selection, self.cleaned_data["tag"])}


class RemoveTagForm(AddTagForm):
    def action_values(self, selection: Selection) -> dict[str, Any]:
        name = self.cleaned_data["tag"]
        # A tag and a label may have the same name; the one on most pictures is used.
        label = Label.objects.filter(name__iexact=name).order_by("-image_count", "pk").first()
        if label is None:
            raise ActionRefused(gettext("There is no tag or label “%(name)s”.") % {"name": name})
        return {"label": label}


class VisibilityForm(ActionForm):
    visibility = forms.TypedChoiceField(
        label=_("Visibility"), choices=Image.Visibility, coerce=int, widget=UnfoldAdminSelectWidget
    )

    def action_values(self, selection: Selection) -> dict[str, Any]:
        return {"visibility": self.cleaned_data["visibility"]}


class OwnerForm(ActionForm):
    owner = forms.CharField(
        label=_("New owner"),
        max_length=150,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Username of the new owner."),
    )

    def action_values(self, selection: Selection) -> dict[str, Any]:
        name = self.cleaned_data["owner"]
        receiver = User.objects.filter(username=name).first()
        if receiver is None:
            raise ActionRefused(gettext("There is no user “%(name)s”.") % {"name": name})
        return {"receiver": receiver}


Action = Callable[[Any, HttpRequest, Rows], HttpResponseBase | None]


def _bulk_action(action: str, title: str | Promise, form_class: type[ActionForm] = ActionForm) -> Action:
    """An admin action for a bulk action.

    Shows a page first if the action needs input or applies to all results of a search.
    """

    def run(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponseBase | None:
        try:
            selected = selected_images(request, rows)
            is_confirmed = "confirmed" in request.POST
            needs_page = form_class is not ActionForm or selected.selection.query is not None
            form = form_class(request.POST if is_confirmed or not needs_page else None)
            if (needs_page and not is_confirmed) or not form.is_valid():
                return action_page(model_admin, request, title=str(title), selected=selected, form=form)
            _show_result(request, _apply(selected, action, form.action_values(selected.selection)))
        except (ActionRefused, InvalidFilter) as error:
            messages.error(request, str(error))
        return None

    return _named(run, action, title, "change")


def _apply(selected: SelectedImages, action: str, values: dict[str, Any]) -> BulkChange:
    if selected.selection.query is not None and selected.number > MAX_IMMEDIATE:
        return pipeline.start_bulk_change(selected.selection, action, **values)
    return bulk.apply(selected.selection, action, **values)


def _show_result(request: HttpRequest, change: BulkChange) -> None:
    if change.is_open:
        sentence = gettext("The change continues in the background.")
    else:
        sentence = gettext("Changed %(changed)s, skipped %(unchanged)s (already up to date or not editable).") % {
            "changed": formatting.pictures(change.number),
            "unchanged": formatting.count(change.unchanged),
        }
    link = display.link(change, gettext("Show or undo this change"))
    messages.success(request, format_html("{} {}", sentence, link))


def action_page(
    model_admin: Any, request: HttpRequest, *, title: str, selected: SelectedImages, form: forms.Form, **context: Any
) -> TemplateResponse:
    is_query = selected.selection.query is not None
    return confirm_page(
        model_admin, request, title=title, subject=selected.text, form=form, is_across=is_query, **context
    )


def _delete(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponseBase | None:
    """Delete rows and blobs within the request; limited, since it can't be undone."""
    try:
        selected = selected_images(request, rows)
        if selected.number > MAX_DELETED:
            sentence = gettext(
                "At most %(number)s pictures can be deleted forever at a time. Move the others to the trash."
            )
            raise ActionRefused(sentence % {"number": formatting.count(MAX_DELETED)})
    except (ActionRefused, InvalidFilter) as error:
        messages.error(request, str(error))
        return None
    if "confirmed" not in request.POST and request.POST.get("post") != "yes":
        title = gettext("Delete forever")
        warning = gettext("Their analyses, labels and verdicts are deleted, too. This cannot be undone.")
        return action_page(model_admin, request, title=title, selected=selected, form=ActionForm(), warning=warning)
    by_id = request.user.pk or 0
    # In steps, so that a failure does not affect previous ones.
    steps = selected.selection.steps(STEP_SIZE)
    number = sum(pipeline.delete_now(Image.objects.filter(pk__in=ids), by_id=by_id) for ids in steps)
    sentence = ngettext("%(number)s picture deleted forever.", "%(number)s pictures deleted forever.", number)
    messages.success(request, formatting.plural(sentence, number))
    return None


def _named(action: Any, name: str, title: str | Promise, permission: str) -> Action:
    # Django identifies actions by the names of their functions.
    action.__name__, action.short_description, action.allowed_permissions = name, title, (permission,)
    return action  # type: ignore[no-any-return]


ACTIONS = (
    _bulk_action(BulkChange.Action.ADD_TAG, _("Add tag…"), AddTagForm),
    _bulk_action(BulkChange.Action.REMOVE_TAG, _("Remove tag…"), RemoveTagForm),
    _bulk_action(BulkChange.Action.OPEN_TO, _("Change visibility…"), VisibilityForm),
    _bulk_action(BulkChange.Action.GIVE, _("Change owner…"), OwnerForm),
    _bulk_action(BulkChange.Action.TRASH, _("Move to trash")),
    _bulk_action(BulkChange.Action.RESTORE, _("Restore from trash")),
    # Replaces Django's action of this name, which would leave the files in storage.
    _named(_delete, "delete_selected", _("Delete forever…"), "delete"),
)
