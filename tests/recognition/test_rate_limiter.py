"""Turns on a real Redis. Its clock is the only one there is, so these wait a little; none measures speed."""

import threading
import time

import pytest
import redis
from django.conf import settings

from analysis.recognition.rate_limiter import AHEAD, BURST, BURST_BACK, RateLimiter, RateLimiterUnavailable
from imagelib import embedded


@pytest.fixture
def connection():
    connection = redis.Redis.from_url(embedded.redis_url(settings.VAR))
    yield connection
    connection.flushdb()
    connection.close()


def pretend(limiter: RateLimiter, **seconds: float) -> None:
    """Times by Redis' own clock, so many seconds from now."""
    whole, millionths = limiter._redis.time()
    now = whole + millionths / 1e6
    limiter._redis.hset(limiter._key, mapping={name: f"{now + offset:.6f}" for name, offset in seconds.items()})


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
    assert one.throttled() == 100  # the burst alone is gone
    pretend(one, told_at=-1)
    assert one.throttled() == pytest.approx(95)
    assert other.throttled() == pytest.approx(95, abs=1)
    assert other.take(1).rate == pytest.approx(95, abs=2)
    pretend(one, told_at=-1, cut_at=-1)
    assert one.throttled() == pytest.approx(0.7 * 97.3, abs=1.5)  # again so soon: the quota is far lower
    pretend(one, cut_at=-2)
    assert 70 < one.take(1).rate < 97


def test_turns_lie_evenly_apart_whichever_worker_takes_them(connection):
    limiters = [RateLimiter(connection, key="even", quota=100) for _ in range(3)]
    after = []
    for limiter in limiters:
        turns = limiter.take(5)
        times = turns.times(7.0)
        assert [later - times[0] for later in times] == pytest.approx([0, 0.01, 0.02, 0.03, 0.04])
        assert -BURST <= times[0] - 7 < AHEAD
        after.append(float(connection.hget(limiter._key, "next")))
    assert [later - after[0] for later in after] == pytest.approx([0, 0.05, 0.1], abs=1e-5)  # each where the last ended


def test_what_a_late_worker_missed_is_made_up_for_until_a_throttle(connection):
    limiter = RateLimiter(connection, key="late", quota=100)
    limiter.take(0)

    def granted_after_being_late() -> int:
        pretend(limiter, next=-0.15)
        return limiter.take(100).granted

    assert granted_after_being_late() == pytest.approx(45, abs=2)
    limiter.throttled()
    assert granted_after_being_late() == pytest.approx(30, abs=2)
    pretend(limiter, burst_at=-BURST_BACK - 1)
    assert granted_after_being_late() == pytest.approx(45, abs=2)


def test_a_slow_worker_takes_turns_further_ahead_and_nobody_takes_them_again(connection):
    slow, quick = (RateLimiter(connection, key="ahead", quota=100) for _ in range(2))
    assert slow.take(100, ahead=1.0).granted == 100
    turns = quick.take(100)
    assert turns.granted == 0
    assert 0.5 < turns.wait < 0.72
    assert slow.take(100, ahead=3600).granted == pytest.approx(100, abs=10)  # two seconds is the most


@pytest.mark.parametrize(
    ("since", "least", "most"), [(0, 9, 9.5), (4, 9.5, 12), (8, 10, 30), (17, 90, 100), (20, 100, 100)]
)
def test_a_rate_of_a_tenth_is_back_within_twenty_seconds(connection, since, minimum, maximum):
    """Slow near what was too fast, and fast beyond it."""
    limiter = RateLimiter(connection, key="back-again", quota=100)
    pretend(limiter, cut_at=-since)
    connection.hset(limiter._key, mapping={"cut": 9, "ceiling": 10})
    assert minimum <= limiter.take(0).rate <= maximum


def test_a_rate_slightly_too_high_is_neared_slowly(connection):
    limiter = RateLimiter(connection, key="near", quota=100)
    connection.hset(limiter._key, mapping={"cut": 45, "ceiling": 50})
    rates = []
    for since in (0, 1, 2, 3, 4, 5, 6):
        pretend(limiter, cut_at=-since)
        rates.append(limiter.take(0).rate)
    assert rates == sorted(rates)
    assert sum(rates) / len(rates) > 0.95 * 50
    assert rates[-1] < 50.5


def test_a_share_of_the_quota_is_used_and_the_quota_told(connection):
    limiter = RateLimiter(connection, key="share", quota=100, share=0.5)
    turns = limiter.take(100)
    assert (turns.granted, turns.rate, turns.interval) == (15, 100, pytest.approx(0.02))


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
    connection.hset(limiter._key, mapping={"next": ahead, "told_at": ahead, "cut_at": ahead, "cut": 1})
    turns = limiter.take(5)
    assert (turns.rate, turns.granted, turns.wait <= 0.1) == (10, 0, True)
    assert limiter.throttled() == 10  # the burst alone
    pretend(limiter, told_at=-1)
    assert limiter.throttled() == 9.5
