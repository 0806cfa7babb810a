"""Ours as it is shipped against the loop of a Lambda tutorial: one picture after another, a row for each label."""

from __future__ import annotations

from bench.cpu_per_image import bare_calls
from bench.recognition_env import JITTER, LATENCY, recognition_env
from bench.report import Measurement, Report
from imagelib import embedded

QUOTA = 50  # calls a second: AWS's default for DetectLabels in us-east-1, and ours
PICTURES, LOOPED, WARM_UP = 1_500, 60, 100
SIZE = 20_000  # bytes
LIMIT = 90.0


def measure() -> Report:
    with recognition_env(tps=QUOTA) as library:
        library.fill(WARM_UP + PICTURES, size=SIZE)
        database = embedded.database_url(library.library.var)
        loop = bare_calls(library, threads=1, calls=LOOPED, more=["--database", database])
        with library.workers():
            library.analyze(WARM_UP, seconds=LIMIT)
            seconds = library.analyze(PICTURES, seconds=LIMIT)
    rate, loops = PICTURES / seconds, LOOPED / loop.seconds
    figures = [
        Measurement(what="pictures answered", ours=rate, unit="/s", rival=loops),
        Measurement(what="a million pictures", ours=1e6 / rate / 86400, unit="days", rival=1e6 / loops / 86400),
    ]
    notes = [
        f"Ours with every setting at its default and one worker, {PICTURES:,} pictures; the loop alone, {LOOPED} "
        f"pictures. The same simulator: {LATENCY} ms ± {JITTER}, {QUOTA} calls a second.",
        "A Lambda function for each upload runs many such loops at once, without a quota between them.",
    ]
    return Report("one worker against the loop of a Lambda tutorial", figures, notes)


if __name__ == "__main__":
    print(measure().to_json())
