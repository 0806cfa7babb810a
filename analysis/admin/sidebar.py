"""The sidebar: every table in the section it belongs to. A model registered without a place here fails a test."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from analysis import models as our
from imagelib.accounts.models import User


class Item(NamedTuple):
    model: type[Model]
    icon: str
    """Of Material Symbols, which Unfold brings along."""


SECTIONS: dict[str, tuple[Item, ...]] = {
    "Library": (
        Item(our.Image, "image"),
        Item(our.Label, "sell"),
        Item(our.LabelAlias, "alternate_email"),
        Item(our.Verdict, "how_to_reg"),
        Item(our.SavedSearch, "saved_search"),
        Item(our.Rating, "star"),
        Item(our.BulkChange, "history"),
    ),
    "Recognition": (
        Item(our.Analysis, "visibility"),
        Item(our.Batch, "stacks"),
        Item(our.Call, "receipt_long"),
        Item(our.Spend, "payments"),
        Item(our.SpendEntry, "playlist_add"),
        Item(our.Outage, "warning"),
        Item(our.ModelVersion, "model_training"),
        Item(our.Heartbeat, "ecg_heart"),
        Item(our.Face, "face"),
        Item(our.ImageText, "text_fields"),
        Item(our.ImageIndex, "manage_search"),
    ),
    "Buckets": (
        Item(our.Bucket, "cloud"),
        Item(our.BucketObject, "draft"),
        Item(our.Upload, "upload"),
        Item(our.PendingBlob, "delete_sweep"),
    ),
    "Figures": (
        Item(our.AddedStatistics, "add_photo_alternate"),
        Item(our.EndedStatistics, "bar_chart"),
        Item(our.LatencyStatistics, "timer"),
        Item(our.ConfidenceStatistics, "percent"),
        Item(our.StatisticsRun, "update"),
    ),
    "Access": (
        Item(User, "person"),
        Item(Group, "group"),
    ),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """As Unfold wants it: what one may not look at is left out, and a section of which nothing is left."""
    groups = [
        {
            "title": title,
            "separator": True,
            "items": [_entry(item) for item in items if _may_see(request, item.model)],
        }
        for title, items in SECTIONS.items()
    ]
    return [group for group in groups if group["items"]]


def mark(_: HttpRequest) -> str:
    return static("analysis/mark.svg")


def style_sheet(_: HttpRequest) -> str:
    return static("analysis/css/admin.css")


def _entry(item: Item) -> dict[str, Any]:
    meta = item.model._meta
    title = str(meta.verbose_name_plural)
    return {
        "title": title[:1].upper() + title[1:],
        "icon": item.icon,
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }


def _may_see(request: HttpRequest, model: type[Model]) -> bool:
    meta = model._meta
    return any(request.user.has_perm(f"{meta.app_label}.{verb}_{meta.model_name}") for verb in ("view", "change"))
