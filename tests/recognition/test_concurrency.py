"""The limit of concurrent calls by quota, duration, threads and bytes."""

import pytest

from analysis.recognition.concurrency import MAX_BYTES, MIN_CALLS, ConcurrencyLimit


def room(*held: float, threads: int = 128, per_second: float | None = 50, size: int = 0) -> ConcurrencyLimit:
    made = ConcurrencyLimit(threads, per_second=per_second)
    for seconds in held:
        made.record_duration(seconds)
        made.record_size(size)
    return made


@pytest.mark.parametrize(("seconds", "enough"), [(0.15, 7.5), (0.3, 15), (0.9, 45)])
def test_limit_is_one_and_a_half_times_what_the_quota_needs(seconds, enough):
    assert enough < room(*[seconds] * 60).size < 2 * enough


def test_limit_grows_when_calls_take_longer():
    made = room(*[0.2] * 60)
    before = made.size
    for _ in range(20):
        made.record_duration(2.0)
    assert before == 16
    assert made.size > 100


def test_limit_is_bounded_by_threads_bytes_and_quota():
    assert room(*[20.0] * 20).size == 128
    assert room(*[20.0] * 20, threads=1).size == 1
    assert room(0.1, per_second=0.1).size == MIN_CALLS
    assert room(*[0.9] * 60, size=5 * 2**20).size == pytest.approx(MAX_BYTES / 2**20 / 5, abs=1)
    assert room(*[0.9] * 60, size=2**40).size == 1


def test_limit_without_quota_is_the_number_of_threads():
    assert room(*[0.1] * 60, threads=2, per_second=None).size == 2
    assert room(threads=2, per_second=None).free(1) == 1
