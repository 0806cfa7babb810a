"""Entries of the audit log in words."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import AuditEntry, Image, Verdict

APPS = ("analysis", "accounts", "auth")
STARS = "★"


def type_name(object_type: str) -> str:
    """The model's name for people; the column's text for a model that is gone."""
    for app in APPS:
        try:
            return str(apps.get_model(app, object_type)._meta.verbose_name)
        except LookupError:
            continue
    return object_type


def action_name(entry: AuditEntry) -> str:
    """The action; of an undo, what it undid."""
    undone = entry.details.get("action")
    if entry.action == AuditEntry.Action.UNDO and undone in AuditEntry.Action.values:
        return _("Undid “%(action)s”") % {"action": AuditEntry.Action(undone).label}
    return str(AuditEntry.Action(entry.action).label) if entry.action in AuditEntry.Action.values else entry.action


def changes(entry: AuditEntry) -> list[str]:
    """Old and new values that everyone who can see the object may see."""
    details = entry.details
    lines = [_changed(name, old, new) for name, (old, new) in details.get("values", {}).items()]
    if entry.action == AuditEntry.Action.OPEN_TO:
        lines += _visibility(details)
    if entry.action == AuditEntry.Action.RATE:
        lines.append(f"{_stars(details.get('before'))} → {_stars(details.get('after'))}")
    elif details.get("before") in Verdict.Decision.values:
        lines.append(_("before: %(value)s") % {"value": Verdict.Decision(details["before"]).label})
    if receiver := details.get("receiver"):
        lines.append(_("to %(username)s") % {"username": receiver})
    return lines


def scope(entry: AuditEntry) -> list[str]:
    """Further details for staff: the search, the token, rows of a form."""
    details = entry.details
    lines = [str(name) for name in details.get("fields", ()) if not details.get("values")]
    lines += [str(row) for row in details.get("related", ())]
    named = {
        _("search"): details.get("query"),
        _("token"): details.get("token"),
        _("scopes"): ", ".join(details.get("scopes", ())),
        _("format"): details.get("format"),
        _("API"): details.get("api"),
        "SHA-256": details.get("sha256"),
        _("reason"): details.get("reason"),
        _("error"): details.get("error"),
    }
    lines += [f"{name}: {value}" for name, value in named.items() if value]
    if details.get("all_owners"):
        lines.append(_("pictures of all owners"))
    return lines


def _changed(name: str, old: Any, new: Any) -> str:
    words = name.replace("_", " ")
    return f"{words}: {_value(new)}" if old is None else f"{words}: {_value(old)} → {_value(new)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value in (None, "", []):
        return "–"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return formatting.count(value) if isinstance(value, int) else str(value)


def _visibility(details: dict[str, Any]) -> list[str]:
    before, after = details.get("before"), details.get("after", details.get("visibility"))
    if after not in Image.Visibility.values:
        return []
    label = Image.Visibility(after).short_label
    return [f"{Image.Visibility(before).short_label} → {label}" if before in Image.Visibility.values else label]


def _stars(stars: int | None) -> str:
    return STARS * stars if stars else "–"
