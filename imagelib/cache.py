"""Django's cache in Redis or in files, without which pages work nonetheless."""

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


class Optional(BaseCache):
    """Holds what may be lost: which codes were used, and the last failure of mail.

    A cache that raises would let nobody sign in while Redis restarts.
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


class OptionalRedisCache(Optional, RedisCache):
    """In Redis, for all processes."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {"socket_timeout": 1, "socket_connect_timeout": 1}
        super().__init__(server, {**params, "OPTIONS": options | params.get("OPTIONS", {})})


class OptionalFileCache(Optional, FileBasedCache):
    """In a folder, for an installation without Redis, which may be unable to write."""

    def _createdir(self) -> None:
        # Called when it is made, too; writing then fails with an error that is caught.
        with suppress(OSError):
            super()._createdir()  # type: ignore[misc]


def _unavailable(error: Exception, result: Any) -> Any:
    logger.warning("The cache is not available: %s", error)
    return result
