"""Celery's connection to Redis, mended where losing it would end the worker instead of having it connect again.

A channel that is closed has forgotten where Redis is. What is still acknowledged or given back through it, such as a
task that ends while Redis is away, fails with an AttributeError, and the worker ends as of a defect (kombu's issue 582
tells of one such use). That its connection is lost is what it knows how to live with.
"""

from __future__ import annotations

from typing import Any

import kombu.transport.redis
from redis.exceptions import ConnectionError as Lost


def patch_redis_transport() -> None:
    """Have closed channels say that their connection is lost."""
    _channels._connparams = _connparams


_channels: Any = kombu.transport.redis.Channel
_unmended = _channels._connparams


def _connparams(channel: Any, asynchronous: bool = False) -> dict[str, Any]:
    if channel.connection is None or channel.connection.client is None:
        raise Lost("The channel to Redis is closed.")
    parameters: dict[str, Any] = _unmended(channel, asynchronous=asynchronous)
    return parameters
