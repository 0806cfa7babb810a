"""Bench of one worker with default settings, against a Lambda tutorial's loop."""

from __future__ import annotations

from bench.cpu_per_image import run_baseline
from bench.recognition_env import JITTER, LATENCY, recognition_env
from bench.report import Measurement, Report
from imagelib import embedded

QUOTA = 50  # calls a second: the default of AWS for DetectLabels in us-east-1, and of imagelib
PICTURES, LOOP_PICTURES, WARM_UP = 1_500, 60, 100
SIZE = 20_000  # bytes
LIMIT = 90.0


def measure() -> Report:
    with recognition_env(tps=QUOTA) as library:
        library.fill(WARM_UP + PICTURES, size=SIZE)
        database = embedded.database_url(library.library.var)
        loop = run_baseline(library, threads=1, calls=LOOP_PICTURES, options=["--database", database])
        with library.workers():
            library.analyze(WARM_UP, seconds=LIMIT)
            seconds = library.analyze(PICTURES, seconds=LIMIT)
    rate, loop_rate = PICTURES / seconds, LOOP_PICTURES / loop.seconds
    measurements = [
        Measurement(name="pictures analyzed", value=rate, unit="/s", baseline=loop_rate),
        Measurement(name="a million pictures", value=1e6 / rate / 86400, unit="days", baseline=1e6 / loop_rate / 86400),
    ]
    notes = [
        f"imagelib with default settings and one worker, {PICTURES:,} pictures; the loop alone, {LOOP_PICTURES} "
        f"pictures. The same simulator: {LATENCY} ms ± {JITTER}, {QUOTA} calls a second.",
        "A Lambda function for each upload runs many such loops at once, without a quota between them.",
    ]
    return Report("one worker against the loop of a Lambda tutorial", measurements, notes)


if __name__ == "__main__":
    print(measure().to_json())
