"""Cache backends in Redis or files whose failure does not stop pages."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.redis import RedisCache

logger = logging.getLogger(__name__)


FAILURES = (redis.RedisError, OSError)


class OptionalCache(BaseCache):
    """Mixin that logs errors instead of raising, for values that may be lost.

    Such values are the app codes already used, and the last failure of mail. If the cache raised, nobody could sign in
    while Redis restarts.
    """

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        try:
            return super().add(key, value, timeout, version)
        except FAILURES as error:
            return bool(_unavailable(error, True))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except FAILURES as error:
            return _unavailable(error, default)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        try:
            super().set(key, value, timeout, version)
        except FAILURES as error:
            _unavailable(error, None)

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except FAILURES as error:
            return bool(_unavailable(error, False))


class OptionalRedisCache(OptionalCache, RedisCache):
    """Cache in Redis, shared by all processes."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        # Less than redis-py's five seconds, since each request to a Redis that hangs blocks a thread for as long.
        options = {"socket_timeout": 1, "socket_connect_timeout": 1}
        super().__init__(server, {**params, "OPTIONS": options | params.get("OPTIONS", {})})


class OptionalFileCache(OptionalCache, FileBasedCache):
    """Cache in a folder, for installations without Redis; it may be read-only."""

    def _createdir(self) -> None:
        # Also called by the constructor. If it fails, each write fails with an error that is caught.
        with suppress(OSError):
            super()._createdir()  # type: ignore[misc]


def _unavailable(error: Exception, result: Any) -> Any:
    logger.warning("The cache is not available: %s", error)
    return result
