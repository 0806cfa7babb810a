"""How many calls may be under way: what quota and length need, bounded by threads and bytes."""

import pytest

from analysis.recognition.concurrency import AT_LEAST, MOST_BYTES, Room


def room(*held: float, threads: int = 128, per_second: float | None = 50, size: int = 0) -> Room:
    made = Room(threads, per_second=per_second)
    for seconds in held:
        made.note_held(seconds)
        made.note_size(size)
    return made


@pytest.mark.parametrize(("seconds", "enough"), [(0.15, 7.5), (0.3, 15), (0.9, 45)])
def test_as_many_calls_as_the_quota_needs_and_half_as_many_more(seconds, enough):
    assert enough < room(*[seconds] * 60).size < 2 * enough


def test_it_follows_a_service_that_becomes_slow():
    made = room(*[0.2] * 60)
    before = made.size
    for _ in range(20):
        made.note_held(2.0)
    assert before == 16
    assert made.size > 100


def test_threads_bytes_and_a_slow_quota_bound_it():
    assert room(*[20.0] * 20).size == 128
    assert room(*[20.0] * 20, threads=1).size == 1
    assert room(0.1, per_second=0.1).size == AT_LEAST
    assert room(*[0.9] * 60, size=5 * 2**20).size == pytest.approx(MOST_BYTES / 2**20 / 5, abs=1)
    assert room(*[0.9] * 60, size=2**40).size == 1


def test_without_a_quota_there_are_as_many_as_threads():
    assert room(*[0.1] * 60, threads=2, per_second=None).size == 2
    assert room(threads=2, per_second=None).free(1) == 1
