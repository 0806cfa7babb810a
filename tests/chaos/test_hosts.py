"""Two hosts that share their servers: one loses power, the other its network."""

from __future__ import annotations

import hashlib

import pytest

from bench.chaos import hosts
from bench.chaos.hosts import clock
from bench.chaos.namespaces import NoNamespaces

PICTURES = 120
CUT = 16.0  # seconds: longer than connections last without a response, shorter than the lease
# Seconds until a reconnected host responds and works, even on a busy machine.
BACK = 30.0
# Seconds until the database gives up a host without power, and with it the lock that keeps all others from claiming.
GIVEN_UP = 25.0
DONE_AFTER = """
SELECT extract(epoch FROM finished_at)::float8 FROM analysis_analysis WHERE state = 'done' ORDER BY finished_at
"""
OPEN = "SELECT id FROM analysis_analysis WHERE state IN ('queued', 'running') LIMIT 1"
CALLS = """
SELECT image.sha256, count(*) FILTER (WHERE call.price > 0), count(*) FILTER (WHERE call.outcome = 'unknown')
FROM analysis_call call JOIN analysis_analysis analysis ON analysis.id = call.analysis_id
JOIN analysis_image image ON image.id = analysis.image_id GROUP BY 1
"""


@pytest.fixture
def cluster(tmp_path, schema):
    try:
        with hosts.cluster(tmp_path, schema=schema) as cluster:
            yield cluster
    except NoNamespaces as error:
        pytest.skip(str(error))


def test_library_outlives_a_power_failure_and_a_cut_network(cluster):
    flag = cluster.folder / "claim"
    first, second = cluster.boot(2), cluster.boot(3)
    claim = hosts.claim_when(cluster, first, flag)
    programs = [*hosts.start_host(cluster, first), *hosts.start_host(cluster, second)]
    beat, worker = cluster.beat("beat", second), programs[3]
    hosts.seed(cluster, pictures=PICTURES)
    hosts.wait_until_ready(programs)
    loads = hosts.start_loads(cluster, [first, second])

    flag.touch()
    claim.wait_until_ready("claiming")
    off_at = clock()
    first.power_off()
    hosts.wait_until_ready(hosts.start_host(cluster, cluster.boot(2), name="again"))
    hosts.wait_for_response(loads[0], since=clock(), limit=BACK)

    cut_at = clock()
    second.cut_off()
    hosts.wait_for_requests(loads[0], until=cut_at + CUT)
    read = [len(program.output) for program in (worker, beat)]
    connected_at = clock()
    second.connect()
    back = {
        "web": hosts.wait_for_response(loads[1], since=connected_at, limit=BACK),
        "beat": hosts.wait_for_text(beat, "Sending due task", since=read[1], limit=BACK),
        "worker": hosts.wait_for_task(worker, since=read[0], limit=BACK),
    }
    for load in loads:
        load.kill()
    hosts.seconds_until(lambda: not cluster.rows(OPEN), limit=60, description="the end of all analyses")

    print({"back after": back, "given up after": pause(cluster, off_at)})
    assert pause(cluster, off_at) < GIVEN_UP
    # No request to the surviving host failed.
    assert_answered(loads[1], since=off_at, until=cut_at - 1)
    assert_answered(loads[0], since=cut_at, until=connected_at)
    assert_nothing_lost(cluster, loads)
    assert_nothing_paid_twice(cluster)


def pause(cluster, off_at):
    """Seconds of the longest pause between two results after the power failure."""
    ends = [at for (at,) in cluster.rows(DONE_AFTER) if at > off_at]
    return max(later - earlier for earlier, later in zip([off_at, *ends], ends, strict=False))


def assert_answered(load, *, since, until):
    outcomes = [line["outcome"] for line in hosts.requests(load, since=since, until=until)]
    assert ([each for each in outcomes if each not in {"200", "201"}], len(outcomes) > 10) == ([], True)


def assert_nothing_lost(cluster, loads):
    """Each upload that was acknowledged is there, and each picture has its bytes."""
    acknowledged = {line["digest"] for load in loads for line in hosts.requests(load) if line["outcome"] == "201"}
    stored = dict(cluster.rows("SELECT sha256, key FROM analysis_image"))
    content = {key: (cluster.folder / "pictures" / key).read_bytes() for key in stored.values()}
    damaged = [key for digest, key in stored.items() if hashlib.sha256(content[key]).hexdigest() != digest]
    assert (acknowledged - stored.keys(), damaged, len(acknowledged) > 10) == (set(), [], True)
    assert cluster.rows("SELECT error_code FROM analysis_analysis WHERE state <> 'done'") == []


def assert_nothing_paid_twice(cluster):
    """Only calls without a response may be repeated; each paid one is recorded."""
    paid = cluster.simulator("pictures")["DetectLabels"]
    booked = {digest: (priced, unknown) for digest, priced, unknown in cluster.rows(CALLS)}
    repeated = {digest: times for digest, times in paid.items() if times > 1 + booked[digest][1]}
    unbooked = {digest: times for digest, times in paid.items() if times > booked[digest][0]}
    unpaid = {digest: calls for digest, calls in booked.items() if calls[0] - calls[1] > paid.get(digest, 0)}
    assert (repeated, unbooked, unpaid) == ({}, {}, {})
