"""Checks the age of the last backup."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.findings import Finding, ok, warning
from analysis.formatting import ago, count
from analysis.models import Backup


def check_backup() -> Finding:
    """The last backup's age; no warning without any, since there may be other backups."""
    latest = Backup.objects.order_by("-created_at").first()
    if latest is None:
        return ok("backup", _("`manage.py backup` has never been run."))
    now = timezone.now()
    values = {"name": latest.name, "location": latest.location, "ago": ago(latest.created_at, now=now)}
    message = _("The last backup is %(name)s in %(location)s (%(ago)s).") % values
    days = settings.BACKUP_WARNING_DAYS
    if days and now - latest.created_at > timedelta(days=days):
        return warning("backup", message, _("Run `manage.py backup %(location)s`.") % values)
    if latest.missing:
        text = _("%(message)s %(number)s files of the library were missing or damaged.")
        values = {"message": message, "number": count(latest.missing)}
        return warning("backup", text % values, _("Check all files with `manage.py audit_library`."))
    return ok("backup", message)
