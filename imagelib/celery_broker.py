"""Options of Celery's connection to its broker: Redis or SQS."""

from __future__ import annotations

# Seconds after which an unacknowledged message is delivered again, possibly to another worker. Tasks run for a few
# minutes at most and then re-enqueue themselves, and a second delivery finds nothing to claim.
VISIBILITY_TIMEOUT = 900


def is_sqs(url: str) -> bool:
    return url.startswith("sqs:")


def transport_options(url: str, *, queue: str, queue_url: str = "", region: str = "") -> dict[str, object]:
    """Options for the broker at `url`.

    `queue_url` is an existing SQS queue; without it, workers create one named `queue`.
    """
    if is_sqs(url):
        return _sqs_options(queue, queue_url, region)
    return _redis_options(url)


def _sqs_options(queue: str, queue_url: str, region: str) -> dict[str, object]:
    # Without a region, kombu uses us-east-1, whatever the queue's region is.
    options: dict[str, object] = {"visibility_timeout": VISIBILITY_TIMEOUT, "region": region or "us-east-1"}
    # The longest poll that SQS allows, since empty responses are billed as well.
    options |= {"wait_time_seconds": 20, "polling_interval": 0}
    if queue_url:
        # So workers need no permission to list and create queues. Without "url", kombu looks the queue up.
        options["predefined_queues"] = {queue: {"url": queue_url, "region": region or "us-east-1"}}
    return options


def _redis_options(url: str) -> dict[str, object]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        # Unacknowledged messages are looked for every interval × throttle seconds (kombu.transport.redis).
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # Short, since pages enqueue tasks: if Redis is down they continue, and the sweeper enqueues the task later.
        "socket_connect_timeout": 2,
        # Longer than BRPOP blocks; otherwise each wait for a message would look like a lost connection.
        "socket_timeout": 30,
        # redis-py rejects the option for Unix sockets.
        "socket_keepalive": not url.startswith("redis+socket"),
        # NAT gateways and load balancers silently drop idle connections.
        "health_check_interval": 25,
        "max_connections": 100,
    }
