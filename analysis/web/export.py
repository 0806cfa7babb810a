"""The export page: the selected pictures or all results, as a file to download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from analysis import formatting, permissions
from analysis.curation.errors import ActionRefused
from analysis.exports.formats import FORMATS, Format
from analysis.exports.image_rows import ImageRow, Options, Source, image_rows, selected_rows
from analysis.models import Image
from analysis.search import results
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit
from analysis.web import links
from analysis.web.bulk.selection import selection_of
from analysis.web.http import Request


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        choices=[(entry.name, entry.title) for entry in FORMATS.values()],
        initial="csv",
        label=gettext_lazy("Format"),
        widget=forms.RadioSelect,
    )
    labels = forms.ChoiceField(
        choices=[
            ("effective", gettext_lazy("Results, corrected by people")),
            ("machine", gettext_lazy("Results of the recognizer alone")),
            ("person", gettext_lazy("Labels that people confirmed or added")),
        ],
        label=gettext_lazy("Labels"),
    )
    min_confidence = forms.FloatField(
        required=False, min_value=0, max_value=100, label=gettext_lazy("Minimum confidence (%)")
    )


@dataclass(frozen=True)
class Chosen:
    """The pictures to export: ids, or a query. `number` may be capped."""

    ids: tuple[int, ...]
    query: Query | None
    number: int

    @property
    def fields(self) -> dict[str, str]:
        """Hidden form fields that choose them again."""
        if self.query is None:
            return {"ids": ",".join(map(str, self.ids))}
        return {"all": "1", "q": self.query.text}


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: Request) -> HttpResponse:
    """The form for a selection (POST) or a search (GET, `q`)."""
    try:
        chosen = _chosen(request)
    except (ActionRefused, InvalidQuery) as error:
        return render(request, "export.html", {"error": str(error)}, status=422)
    return _page(request, chosen, ExportForm(label_suffix=""))


@require_POST
def download(request: Request) -> HttpResponseBase:
    """The file, streamed while it is written."""
    try:
        chosen = _chosen(request)
    except (ActionRefused, InvalidQuery) as error:
        return render(request, "export.html", {"error": str(error)}, status=422)
    form = ExportForm(request.POST, label_suffix="")
    if not form.is_valid():
        return _page(request, chosen, form, status=422)
    source: Source = form.cleaned_data["labels"]
    entry = FORMATS[form.cleaned_data["format"]]
    options = Options(source, form.cleaned_data["min_confidence"] or 0)
    viewer = permissions.viewer_of(request.user)
    if chosen.query is None:
        rows = selected_rows(chosen.ids, viewer=viewer, options=options, has_boxes=entry.has_boxes)
    else:
        rows = image_rows(chosen.query, viewer=viewer, options=options, has_boxes=entry.has_boxes)
    return file_response(request, entry, rows)


def file_response(request: Request, entry: Format, rows: Iterator[ImageRow]) -> StreamingHttpResponse:
    """The export as an attachment named by today's date."""
    # Compressing a stream hides how far it is, and archives do not shrink.
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
    response = StreamingHttpResponse(entry.write(rows), content_type=entry.content_type)
    name = f"imagelib-{now():%Y-%m-%d}-{entry.name}.{entry.extension}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _chosen(request: Request) -> Chosen:
    """The pictures that the request names. Raises ActionRefused, InvalidQuery."""
    viewer = permissions.viewer_of(request.user)
    if request.method == "POST":
        selection = selection_of(request)
        ids, query = selection.ids, selection.query
    else:
        ids, query = (), parse(request.GET.get("q", ""))
    # Also a test of the search: one that is too slow is refused here, not in the middle of the file.
    with time_limit():
        if query is not None:
            return Chosen((), query, results.count(query, viewer=viewer))
        return Chosen(ids, None, Image.objects.visible_to(viewer).filter(pk__in=ids).count())


def _page(request: Request, chosen: Chosen, form: ExportForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "fields": chosen.fields,
        "pictures": formatting.pictures(chosen.number, cap=results.COUNT_CAP),
        "is_empty": not chosen.number,
        "back_url": links.library_url(chosen.query or Query()),
        "title": _("Download"),
    }
    return render(request, "export.html", context, status=status)
