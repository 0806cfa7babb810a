"""Throttles, internal errors and dropped connections: nothing is lost, nothing twice, and the ledger is right."""

from __future__ import annotations

from typing import Any

from bench.recognition_env import RecognitionEnv, recognition_env
from bench.report import Measurement, Report

PICTURES = 2_000
SIZE = 5_000  # bytes
FAULTS = {"throttles": 5, "errors": 2, "drops": 1}  # percent of the calls
# A throttle slows the limiter down, and these do not end when it is slower: the quota is high so that the bench ends.
ENV = {"REKOGNITION_QUOTA": "labels=5000", "RECOGNITION_THREADS": "32"}
LIMIT = 200.0

# What the simulator counts, and what our ledger calls it.
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


def report(library: RecognitionEnv, counted: dict[str, Any]) -> Report:
    done, lost, twice, called_twice, found, failed, attempts = library.row(COUNT)
    ledger = library.row(LEDGER)[0]
    calls, dollars = library.row(PAID)
    spent_calls, _, spent = library.row(SPENT)
    wrong = {ours: abs(ledger.get(ours, 0) - counted["outcomes"].get(theirs, 0)) for ours, theirs in OUTCOMES.items()}
    figures = [
        Measurement(what="pictures done", ours=done, unit="", rival=PICTURES, at_least_ratio=1),
        Measurement(what="found by a label", ours=found, unit="", rival=PICTURES, at_least_ratio=1),
        Measurement(what="lost, or failed", ours=lost + failed, unit="", at_most=0),
        Measurement(what="recorded twice", ours=twice + called_twice, unit="", at_most=0),
        *(
            Measurement(
                what=f"calls {ours}", ours=ledger.get(ours, 0), unit="", rival=counted["outcomes"].get(theirs, 0)
            )
            for ours, theirs in OUTCOMES.items()
        ),
        Measurement(what="calls paid for", ours=calls, unit="", rival=counted["paid"]),
        Measurement(
            what="where ledger and simulator differ",
            ours=sum(wrong.values()) + abs(calls - counted["paid"]) + abs(spent_calls - counted["requests"]),
            unit="calls",
            at_most=0,
        ),
        Measurement(what="where spending and calls differ", ours=float(abs(spent - dollars)), unit="$", at_most=0),
    ]
    faults = ", ".join(f"{percent} % {name}" for name, percent in FAULTS.items())
    notes = [
        f"{faults} of {counted['requests']:,} calls; the rival's column is the simulator's own count.",
        f"A dropped connection is paid for and asked again: {counted['paid'] - PICTURES} pictures more than once. "
        f"No picture took more than {attempts} attempts.",
    ]
    return Report(f"faults injected over {PICTURES:,} pictures", figures, notes)


if __name__ == "__main__":
    print(measure().to_json())
