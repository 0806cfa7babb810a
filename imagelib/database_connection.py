"""Database connections outside Django: for locks and for other programs."""

from typing import Any

import psycopg
from django.conf import settings

DJANGO_OPTIONS = {"pool", "prepare_threshold", "isolation_level", "server_side_binding", "assume_role"}
"""Options in DATABASES that are Django's, not libpq's."""


def parameters() -> dict[str, Any]:
    """libpq parameters of the database."""
    database = settings.DATABASES["default"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    named = {parameter: str(database[name]) for name, parameter in names.items() if database.get(name)}
    return named | {name: value for name, value in database["OPTIONS"].items() if name not in DJANGO_OPTIONS}


def connect() -> psycopg.Connection:
    """Connect outside Django's pool. Raises psycopg.OperationalError."""
    # By default psycopg waits up to 130 seconds for a server that does not respond.
    return psycopg.connect(**{"connect_timeout": 5, **parameters()}, autocommit=True)
