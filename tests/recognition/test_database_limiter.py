"""The limiter on PostgreSQL grants what the one on Redis grants."""

import random

import pytest
import redis
from django.conf import settings
from django.db import connection

from analysis.models import RateLimitState
from analysis.recognition import engine_runner
from analysis.recognition.database_limiter import DatabaseRateLimiter
from analysis.recognition.rate_limiter import EXPIRY, RateLimiter, RateLimiterUnavailable
from imagelib import embedded

pytestmark = pytest.mark.django_db
STEPS = 200


@pytest.fixture
def on_redis():
    connection = redis.Redis.from_url(embedded.redis_url(settings.VAR))
    yield connection
    connection.flushdb()
    connection.close()


class Clock:
    now = 1_900_000_000.0

    def __call__(self) -> float:
        return round(self.now, 6)  # as Redis writes times


def use(limiter: RateLimiter, choice: int, call: str):
    """One request to a limiter, of the kind that the choice says."""
    if choice < 6:
        grant = limiter.acquire(8, ahead=0.3)
        return grant.granted, grant.is_strict, *(round(x, 3) for x in (grant.wait, grant.rate, grant.first))
    if choice < 9:
        return round(limiter.send_delay(call), 3)
    return round(limiter.throttled(3), 3)


@pytest.mark.parametrize("seed", range(4))
def test_grants_equal_those_of_the_limiter_on_redis(on_redis, seed):
    clock, chance = Clock(), random.Random(seed)
    limit = {"key": "api", "quota": 20, "share": 0.97, "clock": clock}
    limiters = [RateLimiter(on_redis, **limit), DatabaseRateLimiter(**limit)]
    for number in range(STEPS):
        choice, call = chance.randrange(10), f"call {chance.randrange(30)}"
        on_redis_result, in_database = (use(limiter, choice, call) for limiter in limiters)
        assert in_database == pytest.approx(on_redis_result, abs=0.002), (number, choice)
        clock.now += chance.choice((0.0, 0.01, 0.05, 0.4, 3.0))
        if not chance.randrange(60):
            clock.now -= 600  # the clock is set back


def test_an_unused_limiter_is_forgotten():
    clock = Clock()
    limiter = DatabaseRateLimiter(key="api", quota=20, clock=clock)
    limiter.throttled()
    assert limiter.acquire(0).is_strict
    clock.now += EXPIRY + 1
    assert not limiter.acquire(0).is_strict


def test_processes_share_one_state_by_the_clock_of_the_database():
    first, second = (DatabaseRateLimiter(key="api", quota=10) for _ in range(2))
    assert first.acquire(64).granted == 3
    assert second.acquire(64).granted == 0
    first.wait_for_room()
    assert len(RateLimitState.objects.get().values["sent"]) == 1


def test_a_failing_database_grants_nothing():
    limiter = DatabaseRateLimiter(key="api", quota=10)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE analysis_ratelimitstate RENAME TO elsewhere")
    with pytest.raises(RateLimiterUnavailable, match="The database is not available"):
        limiter.acquire(1)


@pytest.mark.parametrize(("address", "kind"), [("", DatabaseRateLimiter), ("redis://127.0.0.1:1/0", RateLimiter)])
def test_the_limiter_is_where_the_settings_say(rekognition, settings, address, kind):
    settings.REDIS = address
    limiter = engine_runner.limiter("rekognition", "labels")
    engine_runner.reset()  # the connection to an address of this test alone
    assert type(limiter) is kind
