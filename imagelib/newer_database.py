"""Check at the start of each program that the database is not a newer version's."""

import pkgutil
import sys
from importlib import import_module

import django
import psycopg
from django.utils.translation import gettext as _

from imagelib.database_connection import connect

PACKAGES = {"analysis": "analysis.migrations", "accounts": "imagelib.accounts.migrations"}


def newer_migration() -> str:
    """The database's latest migration, if this version lacks it; else empty.

    Also empty if the database does not respond: programs start without it and wait.
    """
    # A separate connection: Gunicorn loads the application before forking, and children must not inherit a connection.
    try:
        with connect() as connection:
            applied = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return ""
    newer = sorted(name for app, name in applied if app in PACKAGES and name > _latest(app))
    return newer[-1] if newer else ""


def refuse_newer() -> None:
    """Exit with a message if the database belongs to a newer version."""
    if name := newer_migration():
        django.setup()  # translations need it
        # Printed as well as logged, since Celery beat exits without showing the message of SystemExit.
        print(newer_sentence(name), file=sys.__stderr__)
        sys.exit(1)


def newer_sentence(name: str) -> str:
    return _(
        "This database belongs to a newer version of imagelib (unknown migration %(name)s). Update imagelib, or"
        " restore a backup from before the update."
    ) % {"name": name}


def known_migrations(app: str) -> set[str]:
    """Names of an app's migrations, without loading them."""
    return {module.name for module in pkgutil.iter_modules(import_module(PACKAGES[app]).__path__)}


def _latest(app: str) -> str:
    return max(known_migrations(app))
