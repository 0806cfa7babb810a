from __future__ import annotations

from imagelib.simulator.quota import Quota
from tests.simulator.requests import picture, raw, send_request

DOCUMENT = {"Image": send_request(picture())}


def code(simulator, operation="DetectLabels") -> str:
    status, _, content = raw(simulator.address, operation, DOCUMENT)
    return "" if status == 200 else content["__type"]


def test_quota_throttles_each_operation_separately(simulator):
    simulator.set(tps=0.001, burst=3)  # three at once, the next one in a quarter of an hour

    assert [code(simulator) for _ in range(5)] == ["", "", ""] + ["ProvisionedThroughputExceededException"] * 2
    assert code(simulator, "DetectFaces") == ""
    assert simulator.statistics()["throttled"] == 2
    assert raw(simulator.address, "DetectLabels", DOCUMENT)[2]["Message"] == "Provisioned rate exceeded"


def test_quota_of_one_operation_leaves_others_unlimited(simulator):
    simulator.set(tps={"DetectText": 0.001})
    assert [code(simulator, "DetectText") for _ in range(2)] == ["", "ProvisionedThroughputExceededException"]
    assert [code(simulator) for _ in range(3)] == ["", "", ""]


def test_raised_quota_and_reset_take_effect_immediately(simulator):
    simulator.set(tps=0.001)
    assert [bool(code(simulator)) for _ in range(2)] == [False, True]
    simulator.reset()
    assert [bool(code(simulator)) for _ in range(2)] == [False, True]
    simulator.set(tps=None)
    assert code(simulator) == ""


def test_bucket_fills_evenly():
    quota = Quota()

    def granted(now: float, calls: int, *, burst: float | None = None) -> int:
        return sum(quota.acquire("DetectLabels", rate=50, burst=burst, now=now) for _ in range(calls))

    assert granted(100, 80) == 50  # a second's worth at once
    assert granted(100.1, 80) == 5
    assert granted(101.1, 80) == 50
    assert [granted(200 + tenth / 10, 20) for tenth in range(6)] == [20, 20, 20, 5, 5, 5]
    quota.reset()
    assert [granted(300 + tick / 50, 3, burst=1) for tick in range(100)] == [1] * 100


def test_no_rate_is_unlimited():
    assert all(Quota().acquire("DetectLabels", rate=None, burst=None, now=0) for _ in range(3))


def test_any_second_holds_at_most_the_quota():
    quota = Quota()
    granted = [quota.acquire_in_second("a", rate=3, now=now) for now in (0.0, 0.5, 0.9, 0.95, 1.0, 1.4, 1.5, 1.6)]
    assert granted == [True, True, True, False, True, False, True, False]
    assert quota.acquire_in_second("b", rate=3, now=1.6)
    assert quota.acquire_in_second("a", rate=None, now=1.6)


def test_strict_second_over_http(simulator):
    simulator.set(tps=1, window="second")
    assert [bool(code(simulator)) for _ in range(2)] == [False, True]
