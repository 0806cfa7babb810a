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


class SidebarItem(NamedTuple):
    model: type[Model]
    icon: str
    """A name of Material Symbols, the icon font of Unfold."""


class Section(NamedTuple):
    title: str | Promise
    items: tuple[SidebarItem, ...]
    is_folded: bool = False


SECTIONS = (
    Section(
        _("Library"),
        (
            SidebarItem(our.Image, "image"),
            SidebarItem(our.Label, "sell"),
            SidebarItem(our.LabelAlias, "alternate_email"),
            SidebarItem(our.Verdict, "how_to_reg"),
            SidebarItem(our.SavedSearch, "saved_search"),
            SidebarItem(our.Collection, "photo_album"),
            SidebarItem(our.ShareLink, "link"),
            SidebarItem(our.Rating, "star"),
            SidebarItem(our.BulkChange, "history"),
            SidebarItem(our.AuditEntry, "policy"),
        ),
    ),
    Section(
        _("Recognition"),
        (
            SidebarItem(our.Analysis, "visibility"),
            SidebarItem(our.Batch, "stacks"),
            SidebarItem(our.Call, "receipt_long"),
            SidebarItem(our.Spend, "payments"),
            SidebarItem(our.Outage, "warning"),
            SidebarItem(our.ModelVersion, "model_training"),
        ),
    ),
    Section(
        _("Buckets"),
        (
            SidebarItem(our.Bucket, "cloud"),
            SidebarItem(our.BucketObject, "draft"),
        ),
    ),
    Section(
        _("Access"),
        (
            SidebarItem(User, "person"),
            SidebarItem(Group, "group"),
            SidebarItem(ApiToken, "key"),
        ),
    ),
    # Queues, caches and counters, which only matter for debugging imagelib.
    Section(
        _("Internals"),
        (
            SidebarItem(our.ImageIndex, "manage_search"),
            SidebarItem(our.Face, "face"),
            SidebarItem(our.ImageText, "text_fields"),
            SidebarItem(our.Upload, "upload"),
            SidebarItem(our.IdempotentRequest, "repeat"),
            SidebarItem(our.SpendEntry, "playlist_add"),
            SidebarItem(our.PendingBlob, "delete_sweep"),
            SidebarItem(our.TrashDeletion, "delete_forever"),
            SidebarItem(our.OriginalDeletion, "cloud_off"),
            SidebarItem(our.Heartbeat, "ecg_heart"),
            SidebarItem(our.WorkLease, "engineering"),
            SidebarItem(our.AddedStatistics, "add_photo_alternate"),
            SidebarItem(our.EndedStatistics, "bar_chart"),
            SidebarItem(our.LatencyStatistics, "timer"),
            SidebarItem(our.ConfidenceStatistics, "percent"),
            SidebarItem(our.StatisticsRun, "update"),
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

    None: users can switch, and the system's theme is used until then.
    """
    chosen = getattr(request.user, "theme", User.Theme.SYSTEM)
    return None if chosen == User.Theme.SYSTEM else str(chosen)


def tokens(_request: HttpRequest) -> str:
    return static("analysis/css/design_tokens.css")


def theme_colors(_request: HttpRequest) -> str:
    return static("analysis/css/admin_theme.css")


def style_sheet(_request: HttpRequest) -> str:
    return static("analysis/css/admin.css")


def home_styles(_request: HttpRequest) -> str:
    return static("analysis/css/admin_home.css")


def script(_request: HttpRequest) -> str:
    return static("analysis/js/admin_names.js")


def _entry(item: SidebarItem) -> dict[str, Any]:
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
