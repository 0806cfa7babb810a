"""Export page: the selected pictures or all results as a file to download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from analysis import formatting, permissions, pipeline
from analysis.curation.errors import ActionRefused
from analysis.exports import background, datasets
from analysis.exports.annotated_picture import PALETTES
from analysis.exports.formats import FORMATS, Format
from analysis.exports.options import MAX_CONFIDENCE, MAX_LINE_WIDTH, stored_options
from analysis.models import Export, Image, Label
from analysis.search import results
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import time_limit
from analysis.web import links, sensitive
from analysis.web.bulk.selection import selection_of
from analysis.web.http import Request, current_user_id

MANY = 5_000
"""Above this number the page suggests a background export, as a broken connection would cost the whole file."""


COLUMN_TITLES = {
    "image_id": gettext_lazy("Picture ID"),
    "filename": gettext_lazy("File name"),
    "taken_at": gettext_lazy("Date taken"),
    "width": gettext_lazy("Width"),
    "height": gettext_lazy("Height"),
    "sha256": gettext_lazy("Checksum (SHA-256)"),
    "label": gettext_lazy("Label"),
    "kind": gettext_lazy("Kind"),
    "category": gettext_lazy("Category"),
    "confidence": gettext_lazy("Confidence"),
    "instances": gettext_lazy("Number of boxes"),
    "verdict": gettext_lazy("Verdict"),
}
"""The columns of a CSV table, as analysis.exports.csv_table names them."""
MORE_FIELDS = ("kinds", "columns", "line_width", "position", "palette", "shows_sensitive", "name")
ARCHIVES = ("originals", "previews", "annotated")
"""Formats that menus offer without further options."""


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
        required=False, min_value=0, max_value=MAX_CONFIDENCE, label=gettext_lazy("Minimum confidence (%)")
    )
    kinds = forms.MultipleChoiceField(
        choices=Label.Kind.choices,
        required=False,
        label=gettext_lazy("Kinds of labels (leave empty for all)"),
        widget=forms.CheckboxSelectMultiple,
    )
    columns = forms.MultipleChoiceField(
        choices=list(COLUMN_TITLES.items()),
        required=False,
        label=gettext_lazy("CSV columns (leave empty for all)"),
        widget=forms.CheckboxSelectMultiple,
    )
    line_width = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_LINE_WIDTH,
        label=gettext_lazy("Line width of drawn boxes, in pixels"),
    )
    position = forms.ChoiceField(
        choices=[("top", gettext_lazy("Top of the box")), ("bottom", gettext_lazy("Bottom of the box"))],
        required=False,
        label=gettext_lazy("Position of label names"),
    )
    palette = forms.ChoiceField(
        choices=[(name, title) for name, (title, _colors) in PALETTES.items()],
        required=False,
        label=gettext_lazy("Colors of drawn boxes"),
    )
    shows_sensitive = forms.BooleanField(required=False, label=gettext_lazy("Don't blur sensitive previews"))
    name = forms.CharField(
        required=False,
        max_length=datasets.MAX_NAME_LENGTH,
        label=gettext_lazy("Dataset name"),
        help_text=gettext_lazy(
            "With a name, the file is prepared in the background and kept as a version of this dataset."
        ),
    )

    def clean_name(self) -> str:
        return datasets.clean_name(self.cleaned_data["name"])


@dataclass(frozen=True)
class Chosen:
    """The pictures to export: ids, or a query. `number` may be capped."""

    ids: tuple[int, ...]
    query: Query | None
    number: int

    @property
    def fields(self) -> dict[str, str]:
        """Hidden form fields that choose the same pictures again."""
        if self.query is None:
            return {"ids": ",".join(map(str, self.ids))}
        return {"all": "1", "q": self.query.text}


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: Request) -> HttpResponse:
    """The export form for a selection (POST) or a search (GET, `q`)."""
    try:
        chosen = _chosen(request)
    except (ActionRefused, InvalidQuery) as error:
        return render(request, "export.html", {"error": str(error)}, status=422)
    requested = request.POST.get("archive", "")
    return _page(request, chosen, _form(request, format=requested if requested in ARCHIVES else "csv"))


@require_POST
def archive(request: Request, name: str) -> HttpResponseBase:
    """Download a ZIP of the selection directly, without the form.

    Many pictures get the form, which offers a background export: a broken connection would cost the whole ZIP.
    """
    if name not in ARCHIVES:
        raise Http404
    try:
        chosen = _chosen(request)
    except (ActionRefused, InvalidQuery) as error:
        return render(request, "export.html", {"error": str(error)}, status=422)
    if not 0 < chosen.number <= MANY:
        return _page(request, chosen, _form(request, format=name))
    options = {"blurs_sensitive": name == "previews" and not sensitive.shows_sensitive(request)}
    return _streamed(request, _export_of(request, chosen, name, options))


@require_POST
def download(request: Request) -> HttpResponseBase:
    """Stream the file while it is written.

    With `background` or a dataset's name, a worker prepares it instead.
    """
    try:
        chosen = _chosen(request)
    except (ActionRefused, InvalidQuery) as error:
        return render(request, "export.html", {"error": str(error)}, status=422)
    form = ExportForm(request.POST, label_suffix="")
    if not form.is_valid():
        return _page(request, chosen, form, status=422)
    name = form.cleaned_data["format"]
    blur = {"blurs_sensitive": name == "previews" and not form.cleaned_data["shows_sensitive"]}
    export = _export_of(request, chosen, name, form.cleaned_data | blur)
    export.name = form.cleaned_data["name"]
    if request.POST.get("background") or export.name:
        return _start(request, chosen, form, export)
    return _streamed(request, export)


def _form(request: Request, **values: str) -> ExportForm:
    initial = {"shows_sensitive": sensitive.shows_sensitive(request), **values}
    return ExportForm(label_suffix="", initial=initial)


def _export_of(request: Request, chosen: Chosen, name: str, options: dict[str, Any]) -> Export:
    """An export that is not saved."""
    return Export(
        owner_id=current_user_id(request),
        query=chosen.query.text if chosen.query is not None else "",
        image_ids=list(chosen.ids) if chosen.query is None else None,
        format=name,
        options=stored_options(options),
        # Counting stops at the cap, so a number that reaches it is not the total.
        total=chosen.number if chosen.number < results.COUNT_CAP else None,
    )


def _streamed(request: Request, export: Export) -> HttpResponseBase:
    rows = background.rows_of(export, permissions.viewer_of(request.user))
    return stream(request, FORMATS[export.format], background.content_of(export, rows))


def _start(request: Request, chosen: Chosen, form: ExportForm, export: Export) -> HttpResponse:
    try:
        pipeline.start_export(export)
    except background.ExportRefused as error:
        form.add_error(None, str(error))
        return _page(request, chosen, form, status=422)
    return redirect("exports")


def stream(request: Request, entry: Format, chunks: Iterator[bytes]) -> StreamingHttpResponse:
    """The export as an attachment named by today's date."""
    # A compressed stream hides its progress from the browser, and archives do not shrink anyway.
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
    response = StreamingHttpResponse(chunks, content_type=entry.content_type)
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
    # This also tests the search: one that is too slow is refused here, not in the middle of the file.
    with time_limit():
        if query is not None:
            return Chosen((), query, results.count(query, viewer=viewer))
        return Chosen(ids, None, Image.objects.visible_to(viewer).filter(pk__in=ids).count())


def _page(request: Request, chosen: Chosen, form: ExportForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "more_fields": [form[name] for name in MORE_FIELDS],
        "fields": chosen.fields,
        "pictures": formatting.pictures(chosen.number, cap=results.COUNT_CAP),
        "is_empty": not chosen.number,
        "is_large": chosen.number > MANY,
        "back_url": links.library_url(chosen.query or Query()),
        "title": _("Download"),
    }
    return render(request, "export.html", context, status=status)
