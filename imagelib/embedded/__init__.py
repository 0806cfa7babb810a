"""PostgreSQL and Redis under `var/` for installations without such servers.

The first process that needs them starts them; the last one to exit stops them. Independent of Django. See
docs/decisions/0001-embedded-database.md for the reasons.
"""

from imagelib.embedded.lifecycle import SERVICES, leave, remove, start
from imagelib.embedded.postgres import url as database_url
from imagelib.embedded.redis import broker_url
from imagelib.embedded.redis import url as redis_url
from imagelib.embedded.server import ServerStartError

__all__ = ["SERVICES", "ServerStartError", "broker_url", "database_url", "leave", "redis_url", "remove", "start"]
