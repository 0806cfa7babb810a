"""The engines of this process: at most one for each API, woken by messages, ended when the worker shuts down."""

from __future__ import annotations

import threading
from functools import cache

import redis
from django.conf import settings

from analysis.recognition import aws_quotas, registry
from analysis.recognition.engine import Engine
from analysis.recognition.rate_limiter import SHARE, RateLimiter

_lock = threading.Lock()
_wanted: dict[tuple[str, str], bool] = {}
"""Engines that run, and whether somebody asked for them again meanwhile."""
_is_ending = threading.Event()


def run(recognizer: str, api: str) -> bool:
    """Work until nothing of this API is left, unless an engine of this process is at it already.

    True when work is left, to be announced again. Whoever is turned away here is heard: the running engine looks once
    more before it ends.
    """
    key = recognizer, api
    with _lock:
        if key in _wanted:
            _wanted[key] = True
            return False
        _wanted[key] = False
    try:
        while True:
            is_work_left = _engine(recognizer, api).run(is_over=_is_ending.is_set)
            with _lock:
                if is_work_left or not _wanted[key]:
                    del _wanted[key]
                    return is_work_left
                _wanted[key] = False
    except BaseException:
        with _lock:
            _wanted.pop(key, None)
        raise


def busy() -> bool:
    """Whether an engine of this process is at work."""
    with _lock:
        return bool(_wanted)


def shut_down() -> None:
    """Claim nothing more; what is under way is finished and recorded."""
    _is_ending.set()


def limiter(name: str, api: str) -> RateLimiter | None:
    """Whose turn it is, for an API that is paid for."""
    region = registry.named(name).region
    if region is None:
        return None
    key = f"{name}:{settings.AWS_ACCOUNT or 'account'}:{region}:{api}"
    return RateLimiter(_redis(), key=key, quota=aws_quotas.quota(region, api), share=SHARE)


def _engine(name: str, api: str) -> Engine:
    recognizer = registry.named(name)
    return Engine(recognizer, api=api, threads=settings.RECOGNITION_THREADS, limiter=limiter(name, api))


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=3, socket_connect_timeout=2)


def reset() -> None:
    """Connect to Redis anew at the next use: the settings have changed."""
    _redis.cache_clear()
