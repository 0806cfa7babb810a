"""Settings of PostgreSQL: connection pool, timeouts and read replica."""

from __future__ import annotations

import os
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from imagelib import embedded
from imagelib.settings.environment import DATABASE_URL, VAR, env


def _parse(url: str, *, name: str) -> Any:
    """The database of a URL. Raises ImproperlyConfigured without naming its password."""
    try:
        database = dj_database_url.parse(url)
    except ValueError:
        database = {}
    if not database.get("ENGINE", "").endswith((".postgresql", ".postgis")):
        raise ImproperlyConfigured(
            f"{name} is not the URL of a PostgreSQL database. Set it to postgresql://user:password@host/name."
        )
    return database


_database = _parse(DATABASE_URL or embedded.database_url(VAR), name="DATABASE_URL")
# Threads share connections through psycopg's pool, which replaces Django's persistent connections.
_pool: dict[str, Any] = {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", 20), "timeout": 10}
# Both sides notice within 15 seconds if the other host is gone. By default it takes a quarter of an hour if sent data
# is unacknowledged and two hours otherwise, during which a host without power would hold its locks (decision 53).
_CLIENT_TIMEOUTS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
_SERVER_TIMEOUTS = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2 -c tcp_user_timeout=15000"
)
# PgBouncer rejects the option unless it is configured to ignore it, and has its own timeouts.
_has_server_timeouts = env.bool("DATABASE_SERVER_TIMEOUTS", True)
# For the statements of searches; Django's cursors never prepare.
_prepare_after = 3 if env.bool("DATABASE_PREPARED", True) else None
# In transaction pooling, PgBouncer may run the next statement on another connection, which lacks the cursor.
_server_side_cursors = env.bool("DATABASE_SERVER_SIDE_CURSORS", True)


def _connected(database: Any, **pool: Any) -> dict[str, Any]:
    options = {**_timeouts(database.get("OPTIONS", {})), "pool": _pool | pool, "prepare_threshold": _prepare_after}
    always = {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": not _server_side_cursors}
    return {**database, **always, "OPTIONS": options}


def _timeouts(url_options: dict[str, Any]) -> dict[str, Any]:
    """The URL's options with default timeouts, which Unix sockets ignore."""
    options = {**_CLIENT_TIMEOUTS, **url_options}
    if _has_server_timeouts:
        # libpq reads PGOPTIONS only if this option is missing. The last of two values wins.
        own = url_options.get("options") or os.getenv("PGOPTIONS", "")
        options["options"] = f"{_SERVER_TIMEOUTS} {own}".strip()
    return options


DATABASES = {"default": _connected(_database)}
# A streaming replica that searches read; see analysis/search/replica.py.
if _replica_url := env.str("DATABASE_REPLICA_URL", ""):
    # A page waits less long for the replica than for the primary database, which takes over.
    DATABASES["replica"] = _connected(_parse(_replica_url, name="DATABASE_REPLICA_URL"), timeout=1)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SEARCH_SECONDS = env.float("SEARCH_SECONDS", 5.0)
