"""Selection of pictures in the library, and the labels of those pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.models import ImageLabel, Viewer
from analysis.permissions import collections as rights
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.web.http import Request, current_user, int_param

MAX_LABELS = 12


@dataclass(frozen=True)
class SelectedLabel:
    """A label and the number of selected pictures with it."""

    id: str
    name: str
    count: str


def selection_of(request: Request) -> Selection:
    """The selection in a request: the pictures in `id` or `ids`.

    With `all`, the results of `q` or the pictures of the collection `of_collection`.

    Raises ActionRefused for an invalid query or an empty selection.
    """
    person = current_user(request)
    if request.POST.get("all") and (number := request.POST.get("of_collection", "")):
        collection = rights.get_collection_or_404(request.user, int_param(number, maximum=10**18))
        entries = rights.visible_entries(request.user, collection)
        return Selection(person, ids=tuple(entries.values_list("image_id", flat=True)))
    if request.POST.get("all"):
        try:
            return Selection(person, query=parse(request.POST.get("q", "")))
        except InvalidQuery as error:
            raise ActionRefused(_("This search is not valid: %(error)s") % {"error": error}) from error
    texts = [*request.POST.getlist("id"), *request.POST.get("ids", "").split(",")]
    ids = tuple(dict.fromkeys(int(text) for text in texts if text.isdecimal() and len(text) <= 18))
    if not ids:
        raise ActionRefused(_("No pictures are selected."))
    return Selection(person, ids=ids)


def selected_labels(image_ids: Sequence[int], *, kinds: Sequence[str], viewer: Viewer) -> list[SelectedLabel]:
    """The most frequent labels of these kinds on the images that the viewer can see."""
    rows = (
        ImageLabel.objects.filter(viewer.visible_filter(), image_id__in=image_ids)
        .filter(label__kind__in=kinds, label__is_hidden=False)
        .values_list("label_id", "label__name")
        .annotate(number=Count("image_id"))
        .order_by("-number", "label__name")[:MAX_LABELS]
    )
    return [SelectedLabel(str(label_id), name, formatting.count(number)) for label_id, name, number in rows]
