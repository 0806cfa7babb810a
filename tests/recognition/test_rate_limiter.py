"""The rate limiter on a real Redis; some tests wait, since it uses Redis' clock."""

import threading
import time

import pytest
import redis
from django.conf import settings

from analysis.recognition.rate_limiter import (
    AHEAD,
    BURST,
    BURST_RECOVERY,
    STRICT_WINDOW,
    RateLimiter,
    RateLimiterUnavailable,
)
from imagelib import embedded


@pytest.fixture
def connection():
    connection = redis.Redis.from_url(embedded.redis_url(settings.VAR))
    yield connection
    connection.flushdb()
    connection.close()


def pretend(limiter: RateLimiter, **seconds: float) -> None:
    """Times by Redis' own clock, this number of seconds from now."""
    seconds_, millionths = limiter._redis.time()
    now = seconds_ + millionths / 1e6
    limiter._redis.hset(limiter._key, mapping={name: f"{now + offset:.6f}" for name, offset in seconds.items()})


def acquire_all(limiter: RateLimiter, *, seconds: float) -> int:
    """The number of calls granted within some seconds."""
    end, granted = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        grant = limiter.acquire(64)
        granted += grant.granted
        time.sleep(min(grant.wait, 0.01))
    return granted


def test_grants_follow_the_quota_and_wait_tells_when(connection):
    limiter = RateLimiter(connection, key="a", quota=10)
    started = time.monotonic()
    first = limiter.acquire(5)
    assert first.granted == 3  # what may come at once
    assert 0 < first.wait <= 0.1
    assert limiter.acquire(5).granted <= (time.monotonic() - started) * 10  # none, unless the machine is busy
    slept = time.monotonic()
    time.sleep(first.wait)
    granted = limiter.acquire(5).granted
    assert 1 <= granted <= 1 + (time.monotonic() - slept) * 10  # a busy machine may sleep longer


def test_workers_share_one_quota(connection):
    limiters = [RateLimiter(connection, key="b", quota=100) for _ in range(4)]
    granted = []
    threads = [
        threading.Thread(target=lambda limiter=limiter: granted.append(acquire_all(limiter, seconds=1)))
        for limiter in limiters
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started  # one, or more on a busy machine
    assert sum(granted) <= 100 * seconds + 30 + 1  # the burst, and one at the edge
    assert sum(granted) > 60  # a loaded machine may get fewer, never more


def test_idle_time_allows_no_large_burst(connection):
    limiter = RateLimiter(connection, key="c", quota=50)
    limiter.acquire(64)
    time.sleep(0.5)
    assert limiter.acquire(64).granted <= 16


def test_throttle_lowers_the_shared_rate_once_a_second_and_it_recovers(connection):
    one, other = (RateLimiter(connection, key="d", quota=100) for _ in range(2))
    one.acquire(1)
    assert one.throttled() == 100  # the burst alone is gone
    pretend(one, throttled_at=-1)
    assert one.throttled() == pytest.approx(97)
    assert other.throttled() == pytest.approx(97, abs=1)
    assert other.acquire(1).rate == pytest.approx(97, abs=2)
    pretend(one, throttled_at=-1, cut_at=-1)
    assert one.throttled(20) == pytest.approx(0.7 * 98.5, abs=1.5)  # many again so soon: the quota is far lower
    pretend(one, cut_at=-2)
    assert 70 < one.acquire(1).rate < 97


def test_single_throttles_soon_after_another_lower_the_rate_little(connection):
    limiter = RateLimiter(connection, key="single", quota=100)
    pretend(limiter, burst_at=0, throttled_at=-1, cut_at=-1)
    connection.hset(limiter._key, mapping={"cut": 97, "ceiling": 100})
    assert limiter.throttled(3) == pytest.approx(0.97 * 98.5, abs=1.5)
    assert limiter.throttled(20) == pytest.approx(0.97 * 98.5, abs=1.5)  # within a second
    pretend(limiter, throttled_at=-1, cut_at=-1)
    assert limiter.throttled() == pytest.approx(0.7 * 97, abs=1.5)  # together with those before


def test_late_call_delays_the_one_that_follows_a_second_after_it(connection):
    now = 1_000.0
    limiter = RateLimiter(connection, key="window", quota=10, clock=lambda: now)

    def sent_at(call: str) -> float:
        return now + limiter.send_delay(call)

    for number in range(10):
        now = 1_000.0 + number / 10
        assert sent_at(f"first {number}") == now
    now = 1_001.0
    assert sent_at("eleventh") == pytest.approx(1_000 + STRICT_WINDOW, abs=1e-5)
    assert sent_at("twelfth") == pytest.approx(1_000.1 + STRICT_WINDOW, abs=1e-5)
    now = 1_001.5  # both slept longer than they should
    assert sent_at("eleventh") == now
    assert sent_at("twelfth") == now
    now = 1_002.2
    for number in range(8):
        assert sent_at(f"second {number}") == now
    assert sent_at("last") == pytest.approx(1_001.5 + STRICT_WINDOW, abs=1e-5)
    now = 900.0  # the clock was set back
    assert sent_at("after") == now


def test_grants_are_evenly_spaced_across_workers(connection):
    limiters = [RateLimiter(connection, key="even", quota=100) for _ in range(3)]
    next_times = []
    for limiter in limiters:
        grant = limiter.acquire(5)
        times = grant.times(7.0)
        assert [moment - times[0] for moment in times] == pytest.approx([0, 0.01, 0.02, 0.03, 0.04])
        assert -BURST <= times[0] - 7 < AHEAD
        next_times.append(float(connection.hget(limiter._key, "next")))
    assert [moment - next_times[0] for moment in next_times] == pytest.approx(
        [0, 0.05, 0.1], abs=1e-5
    )  # each continues after the last


def test_late_worker_gets_a_burst_until_a_throttle(connection):
    limiter = RateLimiter(connection, key="late", quota=100)
    limiter.acquire(0)

    def granted_after_being_late() -> int:
        pretend(limiter, next=-0.09)
        return limiter.acquire(100).granted

    assert granted_after_being_late() == pytest.approx(39, abs=2)
    limiter.throttled()
    assert granted_after_being_late() == pytest.approx(30, abs=2)
    pretend(limiter, burst_at=-BURST_RECOVERY - 1)
    assert granted_after_being_late() == pytest.approx(39, abs=2)


def test_slow_worker_is_granted_further_ahead_exclusively(connection):
    slow, quick = (RateLimiter(connection, key="ahead", quota=100) for _ in range(2))
    assert slow.acquire(100, ahead=1.0).granted == 100
    grant = quick.acquire(100)
    assert grant.granted == 0
    assert 0.5 < grant.wait < 0.72
    assert slow.acquire(100, ahead=3600).granted == pytest.approx(100, abs=10)  # two seconds is the most


@pytest.mark.parametrize(
    ("since", "minimum", "maximum"), [(0, 9, 9.5), (4, 9.5, 12), (8, 10, 30), (17, 90, 100), (20, 100, 100)]
)
def test_rate_recovers_from_a_tenth_within_twenty_seconds(connection, since, minimum, maximum):
    """The cubic curve is flat near the last ceiling and steep beyond it."""
    limiter = RateLimiter(connection, key="back-again", quota=100)
    pretend(limiter, cut_at=-since)
    connection.hset(limiter._key, mapping={"cut": 9, "ceiling": 10})
    assert minimum <= limiter.acquire(0).rate <= maximum


def test_rate_grows_slowly_near_the_last_throttle(connection):
    limiter = RateLimiter(connection, key="near", quota=100)
    connection.hset(limiter._key, mapping={"cut": 45, "ceiling": 50})
    rates = []
    for since in (0, 1, 2, 3, 4, 5, 6):
        pretend(limiter, cut_at=-since)
        rates.append(limiter.acquire(0).rate)
    assert rates == sorted(rates)
    assert sum(rates) / len(rates) > 0.95 * 50
    assert rates[-1] < 50.5


def test_share_of_the_quota_is_used_and_the_full_rate_reported(connection):
    limiter = RateLimiter(connection, key="share", quota=100, share=0.5)
    grant = limiter.acquire(100)
    assert (grant.granted, grant.rate, grant.interval) == (15, 100, pytest.approx(0.02))


def test_keys_are_independent(connection):
    assert RateLimiter(connection, key="e", quota=1).acquire(1).granted == 1
    assert RateLimiter(connection, key="f", quota=1).acquire(1).granted == 1


def test_unavailable_redis_raises():
    gone = redis.Redis.from_url("unix:///nowhere/redis.sock")
    with pytest.raises(RateLimiterUnavailable, match="Redis is not available"):
        RateLimiter(gone, key="g", quota=100).acquire(1)
    with pytest.raises(RateLimiterUnavailable):
        RateLimiter(gone, key="g", quota=100).throttled()
    with pytest.raises(RateLimiterUnavailable):
        RateLimiter(gone, key="g", quota=100).send_delay("call")


def test_clock_set_back_does_not_block(connection):
    limiter = RateLimiter(connection, key="back", quota=10)
    limiter.acquire(1)
    ahead = connection.time()[0] + 600
    connection.hset(limiter._key, mapping={"next": ahead, "throttled_at": ahead, "cut_at": ahead, "cut": 1})
    grant = limiter.acquire(5)
    assert (grant.rate, grant.granted, grant.wait <= 0.1) == (10, 0, True)
    assert limiter.throttled() == 10  # the burst alone
    pretend(limiter, throttled_at=-1)
    assert limiter.throttled() == 9.7
