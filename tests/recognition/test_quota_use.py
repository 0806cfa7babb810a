"""Use of the quota in virtual time, by latency, way of counting and workers."""

import pytest
import redis
from django.conf import settings

from imagelib import embedded
from tests.recognition.rate_simulation import Endpoint, Jitter, Simulation

QUOTA, WARM_UP, END = 50, 6, 26
JITTERS = {
    "quiet": Jitter(lateness=0.002, network=0.002),
    "busy": Jitter(lateness=0.008, network=0.004),
    "stalls": Jitter(lateness=0.004, network=0.003, stall=0.3, stalls_per_second=0.2),
}


@pytest.fixture
def connection():
    connection = redis.Redis.from_url(embedded.redis_url(settings.VAR))
    connection.flushdb()  # what tests of other files left
    yield connection
    connection.flushdb()
    connection.close()


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("window", ["bucket", "second"])
@pytest.mark.parametrize("latency", [0.15, 0.3, 0.9])
def test_quota_is_used_and_hardly_a_call_throttled(connection, latency, window, workers):
    # The others of the grid differ little, and each takes as long.
    jitters = JITTERS if workers == 1 else {"busy": JITTERS["busy"]}
    for name, jitter in jitters.items():
        connection.flushdb()
        endpoint = Endpoint(QUOTA, window)
        Simulation(connection, endpoint, latency=latency, jitter=jitter, quota=QUOTA, workers=workers).run(END)
        assert endpoint.answered(WARM_UP, END) >= 0.95 * QUOTA, name
        assert endpoint.throttled(WARM_UP, END) <= 0.005, name


@pytest.mark.parametrize("window", ["bucket", "second"])
@pytest.mark.parametrize("latency", [0.15, 0.3, 0.9])
def test_rate_recovers_within_twenty_seconds_of_a_tenth_of_the_quota(connection, latency, window):
    endpoint = Endpoint(QUOTA, window)
    simulation = Simulation(connection, endpoint, latency=latency, jitter=JITTERS["busy"], quota=QUOTA)
    simulation.run(5)
    endpoint.rate, endpoint.burst = QUOTA / 10, 1
    simulation.run(25)
    endpoint.rate, endpoint.burst = QUOTA, None
    simulation.run(50)
    assert endpoint.answered(15, 25) <= QUOTA / 10
    assert next(second for second in range(25, 47) if endpoint.answered(second, second + 3) >= 0.9 * QUOTA) <= 45


@pytest.mark.parametrize("window", ["bucket", "second"])
def test_wrong_quota_settles_near_the_true_one(connection, window):
    endpoint = Endpoint(QUOTA, window)
    Simulation(connection, endpoint, latency=0.3, jitter=JITTERS["quiet"], quota=2 * QUOTA).run(60)
    assert endpoint.answered(30, 60) >= 0.9 * QUOTA
    assert endpoint.throttled(30, 60) <= 0.05
