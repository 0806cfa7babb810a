"""The engines of this process, at most one per API."""

from __future__ import annotations

import threading
from functools import cache

import redis
from django.conf import settings

from analysis import jobs
from analysis.recognition import aws_quotas, registry
from analysis.recognition.database_limiter import DatabaseRateLimiter
from analysis.recognition.engine import Engine
from analysis.recognition.rate_limiter import RateLimiter

_lock = threading.Lock()
# By running engine: True if another message for its API arrived since it was started.
_running: dict[tuple[str, str], bool] = {}


def run(recognizer: str, api: str) -> bool:
    """Run the engine of an API until its queue is empty.

    Does nothing if this process already runs one for the API. Returns True if work is left; the caller then sends
    another message. A message that arrives while the engine runs is not lost: the engine checks the queue once more
    before it ends.
    """
    key = recognizer, api
    with _lock:
        if key in _running:
            _running[key] = True
            return False
        _running[key] = False
    try:
        while True:
            is_work_left = _engine(recognizer, api).run(is_over=jobs.is_shutting_down)
            with _lock:
                if is_work_left or not _running[key]:
                    del _running[key]
                    return is_work_left
                _running[key] = False
    except BaseException:
        with _lock:
            _running.pop(key, None)
        raise


def limiter(name: str, api: str) -> RateLimiter | None:
    """The rate limiter of an API; None if its requests are free."""
    region = registry.get(name).region
    if region is None:
        return None
    key = f"{name}:{settings.AWS_ACCOUNT or 'account'}:{region}:{api}"
    quota = aws_quotas.quota(region, api)
    if not settings.REDIS:
        return DatabaseRateLimiter(key=key, quota=quota, share=aws_quotas.QUOTA_SHARE)
    return RateLimiter(_redis(), key=key, quota=quota, share=aws_quotas.QUOTA_SHARE)


def _engine(name: str, api: str) -> Engine:
    recognizer = registry.get(name)
    return Engine(recognizer, api=api, threads=settings.RECOGNITION_THREADS, limiter=limiter(name, api))


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=3, socket_connect_timeout=2)


def reset() -> None:
    """Connect to Redis again at the next use, because the settings changed."""
    _redis.cache_clear()
