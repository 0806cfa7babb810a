"""Rate limits for sign-in and other attempts without an account, kept in Redis.

An installation without Redis counts them in the database.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from functools import cache
from math import ceil
from typing import Any

import redis
from django.conf import settings
from django.http import HttpRequest

from analysis.models import AttemptCount
from analysis.web.http import client_address

logger = logging.getLogger(__name__)


class Attempts:
    """Counter of attempts on an account and from a network within `seconds`.

    `maximum` limits an account from one network; `total` limits an account from everywhere, and a network over all
    accounts. A maximum of 0 means no limits.
    """

    def __init__(
        self, name: str, request: HttpRequest, *, account: str, maximum: int, total: int, seconds: int
    ) -> None:
        self.address = client_address(request)
        self._name, self._seconds, self._is_limited = name, seconds, maximum > 0
        # By account and network: by account alone, a stranger could lock out everyone whose name they know; by network
        # alone, a botnet has as many attempts as it has addresses.
        key, network = _digest(account.casefold()), _network(self.address)
        self._limits = {f"{name}:{key}:{network}": maximum, f"{name}:{key}": total}
        if network:
            self._limits[f"{name}:from:{network}"] = total

    def seconds_to_wait(self) -> int:
        """Seconds until the next attempt; 0 if it is allowed now or Redis is unavailable."""
        if not self._is_limited:
            return 0
        if not settings.REDIS:
            return ceil(AttemptCount.seconds_to_wait(self._limits))
        try:
            counts = [(key, int(number or 0)) for key, number in zip(self._limits, self._counts(), strict=True)]
            waits = [redis_client().ttl(key) for key, number in counts if number >= self._limits[key]]
        except redis.RedisError as error:
            logger.warning("%s attempts are not limited, because Redis is not available: %s", self._title, error)
            return 0
        # At least 1: Redis returns 0 in a key's last half second, and -2 if the key has just expired.
        return max((max(int(wait), 1) for wait in waits), default=0)

    def count(self) -> None:
        if not self._is_limited:
            return
        if not settings.REDIS:
            AttemptCount.increment(self._limits, seconds=self._seconds)
            return
        try:
            with redis_client().pipeline() as pipeline:
                for key in self._limits:
                    # INCR alone sets no expiry, and an EXPIRE after it would extend the wait with every attempt.
                    pipeline.set(key, 0, ex=self._seconds, nx=True)
                    pipeline.incr(key)
                pipeline.execute()
        except redis.RedisError as error:
            logger.warning("%s attempt not counted, because Redis is not available: %s", self._title, error)

    def reset(self) -> None:
        """Reset the count for this account from this network after a success."""
        # The totals stay: otherwise signing in to one's own account would allow endless attempts on others.
        key = next(iter(self._limits))
        if not settings.REDIS:
            AttemptCount.objects.filter(key=key).delete()
            return
        try:
            redis_client().delete(key)
        except redis.RedisError as error:
            logger.warning("%s attempts not reset, because Redis is not available: %s", self._title, error)

    @property
    def _title(self) -> str:
        return self._name.capitalize()

    def _counts(self) -> list[Any]:
        return redis_client().mget(list(self._limits))


def _digest(text: str) -> str:
    """Keyed hash, since a "username" may be a password typed into the wrong field."""
    return hashlib.sha256(f"{settings.SECRET_KEY}{text}".encode()).hexdigest()[:32]


def _network(address: str) -> str:
    """Network of a client: a /64 for IPv6, the least that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False))


@cache
def redis_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=1, socket_connect_timeout=1)
