from __future__ import annotations

from collections import Counter

from tests.simulator.requests import picture


def test_another_model_version_sees_some_things_differently_and_most_the_same(simulator, client):
    def seen():
        found = [client.detect_labels(Image={"Bytes": picture(n)}, MinConfidence=0) for n in range(60)]
        assert len({answer["LabelModelVersion"] for answer in found}) == 1
        counts = Counter(label["Name"] for answer in found for label in answer["Labels"])
        return (
            found[0]["LabelModelVersion"],
            counts,
            [[one["Confidence"] for one in answer["Labels"]] for answer in found],
        )

    before = seen()
    simulator.set(model_version="3.1")
    after = seen()
    simulator.set(model_version={"DetectLabels": "3.0"}, version_suffix="")
    again = seen()

    assert (before[0], after[0], again[0]) == ("3.0-simulated", "3.1-simulated", "3.0")
    assert before[1:] == again[1:]
    gains, losses = after[1] - before[1], before[1] - after[1]
    assert 0 < gains.total() < before[1].total() / 4
    assert 0 < losses.total() < before[1].total() / 4
    assert before[2] != after[2]
