"""Counts of a bucket sync, with their labels."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analysis import formatting

LABELS: dict[str, str | Promise] = {
    "new": _("New"),
    "unchanged": _("Unchanged"),
    "changed": _("Changed"),
    "missing": _("Missing from the bucket"),
    "refused": _("Rejected before"),
    "skipped": _("Skipped"),
    "failed_analyses": _("Analysis failed"),
}


def report_counts(report: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """Name, label and count of each part of a sync that is not zero."""
    return [(name, str(label), formatting.count(report[name])) for name, label in LABELS.items() if report.get(name)]


def report_figures(report: Mapping[str, int]) -> list[str]:
    return [f"{label}: {number}" for _name, label, number in report_counts(report)]
