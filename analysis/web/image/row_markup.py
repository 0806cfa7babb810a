"""HTML of the panel's rows: labels, faces, lines of text.

Not templates, which would take half of the page's time for a hundred rows.
"""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analysis.web.icons import icon
from analysis.web.image.label_list import LabelRow
from analysis.web.image.results_panel import DetectionRow

NOTHING = SafeString("")


def label_row(row: LabelRow, *, can_review: bool) -> SafeString:
    """A label, with buttons for readers who can review it."""
    return format_html(
        """
<li class="detection-row label-row{}" data-confidence="{}"{}>
  <a class="detection-name" dir="auto" id="label-{}" href="{}">{}</a>
  {}{}
  <span class="detection-confidence count"{}>{}</span>
  {}{}{}
</li>""",
        f" {row.verdict.decision}" if row.verdict else "",
        row.bar.value,
        format_html(' data-highlight="{}"', row.key) if row.key else NOTHING,
        *(row.id, row.url, row.name),
        _note(row.note),
        _verdict_buttons(row) if can_review else NOTHING,
        format_html(' title="{}"', row.source) if row.source else NOTHING,
        row.bar.percent,
        format_html('<span class="visually-hidden">{}</span>', row.source) if row.source else NOTHING,
        row.bar.svg,
        _verdict(row),
    )


def detection_row(row: DetectionRow) -> SafeString:
    """A face or a line of text; rows with a box can be focused by keyboard."""
    name = (
        format_html('<a class="detection-name" dir="auto" href="{}">{}</a>', row.url, row.name)
        if row.url
        else format_html('<span class="detection-name" dir="auto"{}>{}</span>', _tab_index(row), row.name)
    )
    return format_html(
        """
<li class="detection-row" data-confidence="{}"{}>
  {}
  {}
  <span class="detection-confidence count">{}</span>
  {}
</li>""",
        row.bar.value,
        format_html(' data-highlight="{}"', row.key) if row.key else NOTHING,
        name,
        _note(row.note),
        row.bar.percent,
        row.bar.svg,
    )


def _tab_index(row: DetectionRow) -> SafeString:
    return SafeString(' tabindex="0"') if row.key else NOTHING


def _note(note: str) -> SafeString:
    return format_html('<span class="detection-note muted">{}</span>', note) if note else NOTHING


def _verdict(row: LabelRow) -> SafeString:
    verdict = row.verdict
    return (
        format_html('<p class="verdict muted" title="{}">{}</p>', verdict.exact, verdict.text) if verdict else NOTHING
    )


def _verdict_buttons(row: LabelRow) -> SafeString:
    values = {"name": row.name}
    reject = _button(row.id, "reject", "reject", key="n", label=_("Reject %(name)s") % values, title=_("Reject"))
    if row.verdict and row.verdict.decision == "added":
        confirm = NOTHING
    else:
        confirm = _button(
            row.id,
            "confirm",
            "clear" if row.verdict else "confirm",
            key="y",
            label=_("Confirm %(name)s") % values,
            title=_("Undo confirmation") if row.verdict else _("Confirm"),
            pressed="true" if row.verdict else "false",
        )
    return format_html('<span class="verdict-buttons">{}{}</span>', reject, confirm)


def _button(label_id: str, kind: str, name: str, *, key: str, label: str, title: str, pressed: str = "") -> SafeString:
    return format_html(
        '<button class="button bare icon-button" type="submit" id="{}-{}" name="{}" value="{}"'
        ' data-verdict-key="{}"{} aria-label="{}" title="{}">{}</button>',
        *(kind, label_id, name, label_id, key),
        format_html(' aria-pressed="{}"', pressed) if pressed else NOTHING,
        *(label, title),
        icon("close" if kind == "reject" else "check"),
    )
