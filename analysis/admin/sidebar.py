"""The sidebar: every registered model in one of five sections."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analysis import models as our
from imagelib.accounts.models import ApiToken, User


class Item(NamedTuple):
    model: type[Model]
    icon: str
    """A name of Material Symbols, the icon font of Unfold."""


class Section(NamedTuple):
    title: str | Promise
    items: tuple[Item, ...]
    is_folded: bool = False


SECTIONS = (
    Section(
        _("Library"),
        (
            Item(our.Image, "image"),
            Item(our.Label, "sell"),
            Item(our.LabelAlias, "alternate_email"),
            Item(our.Verdict, "how_to_reg"),
            Item(our.SavedSearch, "saved_search"),
            Item(our.Collection, "photo_album"),
            Item(our.ShareLink, "link"),
            Item(our.Rating, "star"),
            Item(our.BulkChange, "history"),
            Item(our.AuditEntry, "policy"),
        ),
    ),
    Section(
        _("Recognition"),
        (
            Item(our.Analysis, "visibility"),
            Item(our.Batch, "stacks"),
            Item(our.Call, "receipt_long"),
            Item(our.Spend, "payments"),
            Item(our.Outage, "warning"),
            Item(our.ModelVersion, "model_training"),
        ),
    ),
    Section(
        _("Buckets"),
        (
            Item(our.Bucket, "cloud"),
            Item(our.BucketObject, "draft"),
        ),
    ),
    Section(
        _("Access"),
        (
            Item(User, "person"),
            Item(Group, "group"),
            Item(ApiToken, "key"),
        ),
    ),
    # Rows that only matter to an engineer who debugs imagelib: queues, caches and counters.
    Section(
        _("Internals"),
        (
            Item(our.ImageIndex, "manage_search"),
            Item(our.Face, "face"),
            Item(our.ImageText, "text_fields"),
            Item(our.Upload, "upload"),
            Item(our.IdempotentRequest, "repeat"),
            Item(our.SpendEntry, "playlist_add"),
            Item(our.PendingBlob, "delete_sweep"),
            Item(our.TrashDeletion, "delete_forever"),
            Item(our.OriginalDeletion, "cloud_off"),
            Item(our.Heartbeat, "ecg_heart"),
            Item(our.WorkLease, "engineering"),
            Item(our.AddedStatistics, "add_photo_alternate"),
            Item(our.EndedStatistics, "bar_chart"),
            Item(our.LatencyStatistics, "timer"),
            Item(our.ConfidenceStatistics, "percent"),
            Item(our.StatisticsRun, "update"),
        ),
        is_folded=True,
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sections with the models the person may view, in Unfold's format."""
    groups = [
        {
            "title": section.title,
            "collapsible": section.is_folded,
            "items": [_entry(item) for item in section.items if _may_view(request, item.model)],
        }
        for section in SECTIONS
    ]
    return [group for group in groups if group["items"]]


def mark(_request: HttpRequest) -> str:
    return static("analysis/mark.svg")


def theme(request: HttpRequest) -> str | None:
    """The theme of the account.

    None lets the person switch, and follows the system until then.
    """
    chosen = getattr(request.user, "theme", User.Theme.SYSTEM)
    return None if chosen == User.Theme.SYSTEM else str(chosen)


def tokens(_request: HttpRequest) -> str:
    return static("analysis/css/tokens.css")


def theme_colors(_request: HttpRequest) -> str:
    return static("analysis/css/admin_theme.css")


def style_sheet(_request: HttpRequest) -> str:
    return static("analysis/css/admin.css")


def home_styles(_request: HttpRequest) -> str:
    return static("analysis/css/admin_home.css")


def script(_request: HttpRequest) -> str:
    return static("analysis/js/admin_names.js")


def _entry(item: Item) -> dict[str, Any]:
    meta = item.model._meta
    title = str(meta.verbose_name_plural)
    return {
        "title": title[:1].upper() + title[1:],
        "icon": item.icon,
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }


def _may_view(request: HttpRequest, model: type[Model]) -> bool:
    meta = model._meta
    return any(request.user.has_perm(f"{meta.app_label}.{verb}_{meta.model_name}") for verb in ("view", "change"))
