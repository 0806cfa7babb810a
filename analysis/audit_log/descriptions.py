"""Describes entries of the audit log."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import AuditEntry, Image, Verdict

APPS = ("analysis", "accounts", "auth")
STARS = "★"


def type_name(object_type: str) -> str:
    """The model's verbose name; the stored text for a model that no longer exists."""
    model = _model(object_type)
    return str(model._meta.verbose_name) if model else object_type


def action_name(entry: AuditEntry) -> str:
    """The action's name, or the name of the undone action."""
    undone = entry.details.get("action")
    if entry.action == AuditEntry.Action.UNDO and undone in AuditEntry.Action.values:
        return _("Undid “%(action)s”") % {"action": AuditEntry.Action(undone).label}
    return str(AuditEntry.Action(entry.action).label) if entry.action in AuditEntry.Action.values else entry.action


def changes(entry: AuditEntry) -> list[str]:
    """Old and new values that everyone who can see the object may see."""
    details = entry.details
    values = details.get("values", {})
    lines = [_changed(entry.object_type, name, old, new) for name, (old, new) in values.items()]
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


def _model(object_type: str) -> type[Model] | None:
    for app in APPS:
        with suppress(LookupError):
            return apps.get_model(app, object_type)
    return None


def _changed(object_type: str, name: str, old: Any, new: Any) -> str:
    title, labels = _field(object_type, name)
    before, after = (
        _value(labels.get(value, value) if isinstance(value, str | int) else value) for value in (old, new)
    )
    return f"{title}: {after}" if old is None else f"{title}: {before} → {after}"


def _field(object_type: str, name: str) -> tuple[str, dict[Any, Any]]:
    """The verbose name of a field, and the labels of its choices.

    The stored name for a field that no longer exists.
    """
    model = _model(object_type)
    try:
        field = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        field = None
    if not isinstance(field, Field):
        return name.replace("_", " "), {}
    return str(field.verbose_name), dict(field.flatchoices)


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
