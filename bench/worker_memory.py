"""Bench of a worker's memory, with 64 calls in flight and large pictures."""

from __future__ import annotations

from bench.process_usage import descendants, peak_memory
from bench.recognition_env import JITTER, LATENCY, recognition_env
from bench.report import Measurement, Report

THREADS, PICTURES, SIZE = 64, 1_000, 500_000
LIMIT = 120.0
ENV = {"REKOGNITION_QUOTA": "labels=100000", "RECOGNITION_THREADS": str(THREADS)}


def measure() -> Report:
    with recognition_env(env=ENV, latency=LATENCY, jitter=JITTER, decode=False) as library:
        library.fill(PICTURES, size=SIZE)
        with library.workers() as (worker,):
            idle = peak_memory(worker.pid)
            seconds = library.analyze(PICTURES, seconds=LIMIT)
            peaks = [peak_memory(pid) for pid in [worker.pid, *descendants(worker.pid)]]
        statistics = library.simulator.statistics()
    sent = statistics["bytes_received"] / statistics["requests"]
    measurements = [
        Measurement(name="peak memory of the worker", value=sum(peaks), unit="MB", at_most=300),
        Measurement(name="memory before its first call", value=idle, unit="MB"),
        Measurement(name="size of a picture", value=SIZE / 1000, unit="kB"),
        Measurement(name="size of a request, base64", value=sent / 1000, unit="kB"),
        Measurement(name="peak calls in flight", value=statistics["in_flight_peak"], unit="calls"),
        Measurement(name="pictures analyzed", value=PICTURES / seconds, unit="/s"),
    ]
    notes = [f"{PICTURES:,} pictures; the kernel's high-water mark of {len(peaks)} process(es)."]
    return Report(f"memory of a worker with {THREADS} calls in flight", measurements, notes)


if __name__ == "__main__":
    print(measure().to_json())
