"""The memory of a worker with 64 calls under way whose pictures are large."""

from __future__ import annotations

from bench.asking import JITTER, LATENCY, asking
from bench.figures import Figure, Report
from bench.usage import descendants, high_water

THREADS, PICTURES, SIZE = 64, 1_000, 500_000
LIMIT = 120.0
ENV = {"REKOGNITION_QUOTA": "labels=100000", "RECOGNITION_THREADS": str(THREADS)}


def measure() -> Report:
    with asking(env=ENV, latency=LATENCY, jitter=JITTER, decode=False) as library:
        library.fill(PICTURES, size=SIZE)
        with library.workers() as (worker,):
            idle = high_water(worker.pid)
            seconds = library.answer(PICTURES, seconds=LIMIT)
            peaks = [high_water(pid) for pid in [worker.pid, *descendants(worker.pid)]]
        counted = library.simulator.statistics()
    sent = counted["bytes_received"] / counted["requests"]
    figures = [
        Figure(what="peak of the worker", ours=sum(peaks), unit="MB", at_most=300),
        Figure(what="before its first call", ours=idle, unit="MB"),
        Figure(what="one picture", ours=SIZE / 1000, unit="kB"),
        Figure(what="one request, base64", ours=sent / 1000, unit="kB"),
        Figure(what="under way at most", ours=counted["in_flight_most"], unit="calls"),
        Figure(what="answered", ours=PICTURES / seconds, unit="/s"),
    ]
    notes = [f"{PICTURES:,} pictures; the kernel's own high-water mark, of {len(peaks)} process(es)."]
    return Report(f"a worker's memory at {THREADS} calls under way", figures, notes)


if __name__ == "__main__":
    print(measure().to_json())
