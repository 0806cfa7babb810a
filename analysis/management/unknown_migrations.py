"""Checks before migrating that this version of imagelib can read the database."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from imagelib.newer_database import newer_sentence

APP = "analysis"


def check(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError if the database has a migration that this version lacks."""
    # Django ignores unknown migrations, and would fail halfway in the first own one that does not match the tables.
    loader = MigrationLoader(connection)
    applied = {name for app, name in loader.applied_migrations if app == APP}
    available = {name for app, name in loader.disk_migrations if app == APP}
    replaced = {name for migration in loader.replacements.values() for app, name in migration.replaces if app == APP}
    unknown = sorted(applied - available - replaced)
    if not unknown:
        return
    if available <= applied:
        raise CommandError(newer_sentence(unknown[-1]))
    raise CommandError(_older(unknown[0]))


def _older(name: str) -> str:
    values = {"name": name, "var": settings.VAR}
    if "postgres" in settings.EMBEDDED:
        next_step = _("To start with an empty library, rename %(var)s and run this command again.") % values
    else:
        next_step = _("To start with an empty library, set DATABASE_URL to an empty database.")
    return " ".join(
        (
            _(
                "This database belongs to an earlier version of imagelib that this version can't upgrade (unknown"
                " migration %(name)s)."
            )
            % values,
            next_step,
            _(
                "Then import the originals of the old library:"
                " manage.py import_images OLD/pictures/originals --owner USERNAME."
            ),
            _("To keep labels, tags and history, keep using the earlier version."),
        )
    )
