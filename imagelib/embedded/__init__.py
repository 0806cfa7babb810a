"""PostgreSQL and Redis of our own under `var/`, for whoever has none: started by the first process that needs them,
stopped by the last that leaves. Knows nothing of Django. Why it is made like this: docs/decisions/0001."""

from imagelib.embedded.lifecycle import SERVICES, leave, remove, start
from imagelib.embedded.postgres import url as database_url
from imagelib.embedded.redis import broker_url
from imagelib.embedded.redis import url as redis_url
from imagelib.embedded.server import ServerStartError

__all__ = ["SERVICES", "ServerStartError", "broker_url", "database_url", "leave", "redis_url", "remove", "start"]
