"""The memory of a worker with 64 calls under way whose pictures are large."""

from __future__ import annotations

from bench.process_usage import descendants, high_water
from bench.recognition_env import JITTER, LATENCY, recognition_env
from bench.report import Measurement, Report

THREADS, PICTURES, SIZE = 64, 1_000, 500_000
LIMIT = 120.0
ENV = {"REKOGNITION_QUOTA": "labels=100000", "RECOGNITION_THREADS": str(THREADS)}


def measure() -> Report:
    with recognition_env(env=ENV, latency=LATENCY, jitter=JITTER, decode=False) as library:
        library.fill(PICTURES, size=SIZE)
        with library.workers() as (worker,):
            idle = high_water(worker.pid)
            seconds = library.analyze(PICTURES, seconds=LIMIT)
            peaks = [high_water(pid) for pid in [worker.pid, *descendants(worker.pid)]]
        counted = library.simulator.statistics()
    sent = counted["bytes_received"] / counted["requests"]
    figures = [
        Measurement(what="peak of the worker", ours=sum(peaks), unit="MB", at_most=300),
        Measurement(what="before its first call", ours=idle, unit="MB"),
        Measurement(what="one picture", ours=SIZE / 1000, unit="kB"),
        Measurement(what="one request, base64", ours=sent / 1000, unit="kB"),
        Measurement(what="under way at most", ours=counted["in_flight_most"], unit="calls"),
        Measurement(what="answered", ours=PICTURES / seconds, unit="/s"),
    ]
    notes = [f"{PICTURES:,} pictures; the kernel's own high-water mark, of {len(peaks)} process(es)."]
    return Report(f"a worker's memory at {THREADS} calls under way", figures, notes)


if __name__ == "__main__":
    print(measure().to_json())
