"""Patch of kombu that lets workers survive a lost connection to Redis.

A closed channel has no client. Acknowledging a task through it, for example one that ends while Redis is down, raises
AttributeError, which ends the worker (compare kombu issue 582). With ConnectionError it reconnects instead.
"""

from __future__ import annotations

from typing import Any

import kombu.transport.redis
from redis.exceptions import ConnectionError as RedisConnectionError


def patch_redis_transport() -> None:
    """Make closed channels raise ConnectionError."""
    _channels._connparams = _connparams


_channels: Any = kombu.transport.redis.Channel
_original_connparams = _channels._connparams


def _connparams(channel: Any, asynchronous: bool = False) -> dict[str, Any]:
    if channel.connection is None or channel.connection.client is None:
        raise RedisConnectionError("The channel to Redis is closed.")
    parameters: dict[str, Any] = _original_connparams(channel, asynchronous=asynchronous)
    return parameters
