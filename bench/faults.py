"""Bench with faults: no result is lost or saved twice, and the ledger is exact."""

from __future__ import annotations

from typing import Any

from bench.recognition_env import RecognitionEnv, recognition_env
from bench.report import Measurement, Report

PICTURES = 2_000
SIZE = 5_000  # bytes
FAULTS = {"throttles": 5, "errors": 2, "drops": 1}  # percent of the calls
# The limiter slows down at each throttled call, and a fixed share is throttled, however slow it gets. With a usual
# quota the bench would take hours.
ENV = {"REKOGNITION_QUOTA": "labels=5000", "RECOGNITION_THREADS": "32"}
LIMIT = 200.0

# Outcomes in the ledger, with the simulator's names for them.
OUTCOMES = {
    "answered": "answered",
    "throttled": "ThrottlingException",
    "failed": "InternalServerError",
    "unknown": "dropped",
}
COUNT = """
SELECT (SELECT count(*) FROM analysis_analysis WHERE state = 'done'),
       (SELECT count(*) FROM analysis_image WHERE id NOT IN (
            SELECT image_id FROM analysis_analysis WHERE state = 'done' AND is_current)),
       (SELECT count(*) - count(DISTINCT image_id) FROM analysis_analysis WHERE state = 'done'),
       (SELECT count(*) - count(DISTINCT analysis_id) FROM analysis_call WHERE outcome = 'answered'),
       (SELECT count(DISTINCT image_id) FROM analysis_imagelabel),
       (SELECT count(*) FROM analysis_analysis WHERE state = 'failed'),
       (SELECT max(attempts) FROM analysis_analysis)
"""
LEDGER = (
    "SELECT json_object_agg(outcome, number) FROM (SELECT outcome, count(*) number FROM analysis_call GROUP BY 1) _"
)
PAID = "SELECT count(*), coalesce(sum(price), 0) FROM analysis_call WHERE price > 0"
SPENT = """
SELECT sum(calls), sum(answered), sum(dollars) FROM (
    SELECT calls, answered, dollars FROM analysis_spend UNION ALL
    SELECT calls, answered, dollars FROM analysis_spendentry) both_tables
"""


def measure() -> Report:
    with recognition_env(env=ENV, latency=20, jitter=10, **FAULTS) as library:
        library.fill(PICTURES, size=SIZE)
        library.queue(PICTURES)
        with library.workers():
            library.simulator.reset()
            library.announce()
            library.wait_until_done(seconds=LIMIT)
        return report(library, library.simulator.statistics())


def report(library: RecognitionEnv, statistics: dict[str, Any]) -> Report:
    done, lost, duplicates, duplicate_calls, searchable, failed, attempts = library.row(COUNT)
    ledger = library.row(LEDGER)[0]
    calls, dollars = library.row(PAID)
    spend_calls, _, spend = library.row(SPENT)
    differences = {
        outcome: abs(ledger.get(outcome, 0) - statistics["outcomes"].get(simulated, 0))
        for outcome, simulated in OUTCOMES.items()
    }
    measurements = [
        Measurement(name="pictures analyzed", value=done, unit="", baseline=PICTURES, at_least_ratio=1),
        Measurement(name="pictures with labels", value=searchable, unit="", baseline=PICTURES, at_least_ratio=1),
        Measurement(name="lost or failed", value=lost + failed, unit="", at_most=0),
        Measurement(name="recorded twice", value=duplicates + duplicate_calls, unit="", at_most=0),
        *(
            Measurement(
                name=f"calls {outcome}",
                value=ledger.get(outcome, 0),
                unit="",
                baseline=statistics["outcomes"].get(simulated, 0),
            )
            for outcome, simulated in OUTCOMES.items()
        ),
        Measurement(name="paid calls", value=calls, unit="", baseline=statistics["paid"]),
        Measurement(
            name="differences of ledger and simulator",
            value=sum(differences.values())
            + abs(calls - statistics["paid"])
            + abs(spend_calls - statistics["requests"]),
            unit="calls",
            at_most=0,
        ),
        Measurement(name="difference of spend and calls", value=float(abs(spend - dollars)), unit="$", at_most=0),
    ]
    faults = ", ".join(f"{percent} % {name}" for name, percent in FAULTS.items())
    notes = [
        f"{faults} of {statistics['requests']:,} calls; the baseline is the simulator's own count.",
        f"A call whose connection drops is paid for and retried: {statistics['paid'] - PICTURES} calls were paid twice."
        f" No picture took more than {attempts} attempts.",
    ]
    return Report(f"faults injected over {PICTURES:,} pictures", measurements, notes)


if __name__ == "__main__":
    print(measure().to_json())
