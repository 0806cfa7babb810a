"""Turns on a real Redis. Its clock is the only one there is, so these wait a little; none measures speed."""

import threading
import time

import pytest
import redis
from django.conf import settings

from analysis.recognition.rate_limiter import RateLimiter, RateLimiterUnavailable
from imagelib import embedded


@pytest.fixture
def connection():
    connection = redis.Redis.from_url(embedded.redis_url(settings.VAR))
    yield connection
    connection.flushdb()
    connection.close()


def drain(limiter: RateLimiter, *, seconds: float) -> int:
    """All the turns there are in so much time."""
    end, taken = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        turns = limiter.take(64)
        taken += turns.granted
        time.sleep(min(turns.wait, 0.01))
    return taken


def test_turns_come_at_the_quota_and_wait_says_when(connection):
    limiter = RateLimiter(connection, key="a", quota=10)
    first = limiter.take(5)
    assert first.granted == 3  # what may come at once
    assert 0 < first.wait <= 0.1
    assert limiter.take(5).granted == 0
    time.sleep(first.wait)
    assert limiter.take(5).granted == 1


def test_several_workers_share_one_quota(connection):
    limiters = [RateLimiter(connection, key="b", quota=100) for _ in range(4)]
    taken = []
    threads = [threading.Thread(target=lambda each=each: taken.append(drain(each, seconds=1))) for each in limiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) <= 100 + 30 + 1  # a second's worth, what may come at once, and the edge
    assert sum(taken) > 60  # a machine under load may lose turns; it never gains any


def test_idle_time_is_not_saved_up(connection):
    limiter = RateLimiter(connection, key="c", quota=50)
    limiter.take(64)
    time.sleep(0.5)
    assert limiter.take(64).granted <= 16


def test_a_throttle_slows_everybody_once_a_second_and_time_gives_it_back(connection):
    one, other = (RateLimiter(connection, key="d", quota=100) for _ in range(2))
    one.take(1)
    assert one.throttled() == pytest.approx(70)
    assert other.throttled() == pytest.approx(70, abs=1)
    assert other.take(1).rate == pytest.approx(70, abs=2)
    time.sleep(0.5)
    assert 70 < one.take(1).rate < 75


def test_keys_do_not_share(connection):
    assert RateLimiter(connection, key="e", quota=1).take(1).granted == 1
    assert RateLimiter(connection, key="f", quota=1).take(1).granted == 1


def test_without_redis_nobody_gets_a_turn():
    gone = redis.Redis.from_url("unix:///nowhere/redis.sock")
    with pytest.raises(RateLimiterUnavailable, match="Redis does not answer"):
        RateLimiter(gone, key="g", quota=100).take(1)
    with pytest.raises(RateLimiterUnavailable):
        RateLimiter(gone, key="g", quota=100).throttled()


def test_a_clock_that_was_set_back_costs_no_turn(connection):
    limiter = RateLimiter(connection, key="back", quota=10)
    limiter.take(1)
    ahead = connection.time()[0] + 600
    connection.hset(limiter._key, mapping={"next": ahead, "at": ahead, "slowed": ahead})
    turns = limiter.take(5)
    assert (turns.rate, turns.granted, turns.wait <= 0.1) == (10, 0, True)
    assert limiter.throttled() == 7
