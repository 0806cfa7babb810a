"""Options of Celery's connection to Redis."""

from __future__ import annotations


def transport_options(url: str) -> dict[str, object]:
    return {
        # A message that is not acknowledged by then is delivered again, to another worker too. Tasks run for a minute
        # or two and send themselves again, and a second delivery finds nothing to claim.
        "visibility_timeout": 900,
        # Redis is scanned for such messages every interval times throttle seconds (kombu.transport.redis).
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # Pages send messages as well: without Redis they do without, and the sweeper sends the message later.
        "socket_connect_timeout": 2,
        # Longer than BRPOP blocks, or each wait for a message would look like a lost connection.
        "socket_timeout": 30,
        # redis-py refuses the option for Unix sockets.
        "socket_keepalive": not url.startswith("redis+socket"),
        # NAT gateways and load balancers drop idle connections without a word.
        "health_check_interval": 25,
        "max_connections": 100,
    }
