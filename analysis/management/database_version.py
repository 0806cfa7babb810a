"""Refuses a database that another version of imagelib made, before a migration fails halfway through it."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

APP = "analysis"


def check(connection: BaseDatabaseWrapper) -> None:
    """Raises CommandError where a migration was applied that this version does not have."""
    loader = MigrationLoader(connection)
    applied = {name for app, name in loader.applied_migrations if app == APP}
    known = {name for app, name in loader.disk_migrations if app == APP}
    replaced = {name for migration in loader.replacements.values() for app, name in migration.replaces if app == APP}
    unknown = sorted(applied - known - replaced)
    if not unknown:
        return
    if known <= applied:
        raise CommandError(_newer(unknown[-1]))
    raise CommandError(_older(unknown[0]))


def _newer(name: str) -> str:
    return _(
        "This database was made by a newer version of imagelib: its migration %(name)s is unknown here."
        " Update imagelib, or restore a backup from before the update."
    ) % {"name": name}


def _older(name: str) -> str:
    words = {"name": name, "var": settings.VAR}
    if "postgres" in settings.EMBEDDED:
        afresh = _("To start afresh, rename %(var)s and run this again.") % words
    else:
        afresh = _("To start afresh, name an empty database with DATABASE_URL.")
    return " ".join(
        (
            _(
                "This database was made by an earlier version of imagelib, and this version cannot read it: its"
                " migration %(name)s is unknown here."
            )
            % words,
            afresh,
            _(
                "Then carry your pictures over from the old library's folder:"
                " manage.py import_images OLD/pictures/originals --owner NAME."
            ),
            _("To keep labels, tags and history, stay with the version that made it."),
        )
    )
