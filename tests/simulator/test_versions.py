from __future__ import annotations

from collections import Counter

from tests.simulator.requests import picture


def test_other_model_version_changes_a_few_labels(simulator, client):
    def detect():
        responses = [client.detect_labels(Image={"Bytes": picture(n)}, MinConfidence=0) for n in range(60)]
        assert len({response["LabelModelVersion"] for response in responses}) == 1
        counts = Counter(label["Name"] for response in responses for label in response["Labels"])
        return (
            responses[0]["LabelModelVersion"],
            counts,
            [[label["Confidence"] for label in response["Labels"]] for response in responses],
        )

    before = detect()
    simulator.set(model_version="3.1")
    after = detect()
    simulator.set(model_version={"DetectLabels": "3.0"}, version_suffix="")
    repeated = detect()

    assert (before[0], after[0], repeated[0]) == ("3.0-simulated", "3.1-simulated", "3.0")
    assert before[1:] == repeated[1:]
    gains, losses = after[1] - before[1], before[1] - after[1]
    assert 0 < gains.total() < before[1].total() / 4
    assert 0 < losses.total() < before[1].total() / 4
    assert before[2] != after[2]
