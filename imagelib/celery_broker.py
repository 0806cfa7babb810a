"""Options of Celery's connection to its broker: Redis or SQS."""

from __future__ import annotations

# Seconds after which a message that is not acknowledged is delivered again, to another worker too. Tasks run for a few
# minutes at most and send themselves again, and a second delivery finds nothing to claim.
VISIBILITY_TIMEOUT = 900


def is_sqs(url: str) -> bool:
    return url.startswith("sqs:")


def transport_options(url: str, *, queue: str, queue_url: str = "", region: str = "") -> dict[str, object]:
    """Options for the broker at `url`.

    `queue_url`: an SQS queue that exists; otherwise workers create one of the name `queue`.
    """
    if is_sqs(url):
        return _sqs_options(queue, queue_url, region)
    return _redis_options(url)


def _sqs_options(queue: str, queue_url: str, region: str) -> dict[str, object]:
    # Without a region, kombu uses us-east-1 regardless of the queue's.
    options: dict[str, object] = {"visibility_timeout": VISIBILITY_TIMEOUT, "region": region or "us-east-1"}
    # The longest poll that SQS allows: each request is billed, the empty ones too.
    options |= {"wait_time_seconds": 20, "polling_interval": 0}
    if queue_url:
        # Workers may then lack the permissions to list and create queues. Without "url" in front kombu looks it up.
        options["predefined_queues"] = {queue: {"url": queue_url, "region": region or "us-east-1"}}
    return options


def _redis_options(url: str) -> dict[str, object]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT,
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
