"""Bench of sync_bucket over 100,000 keys, against boto3's paginator."""

from __future__ import annotations

from bench import sandbox, subprocesses
from bench.report import Measurement, Report

KEYS = 100_000
PAGE_MS = 100


def measure() -> Report:
    with sandbox.empty_library() as library, subprocesses.s3_server(KEYS, milliseconds=PAGE_MS) as endpoint:
        env = {"AWS_ENDPOINT_URL_S3": endpoint}
        paginator = subprocesses.run_job(library.var, "list_keys", **env)
        new = subprocesses.run_job(library.var, "sync", **env)
        unchanged = subprocesses.run_job(library.var, "sync", **env)
    assert (paginator["listed"], new["new"], unchanged["unchanged"]) == (KEYS, KEYS, KEYS)
    baseline = KEYS / paginator["seconds"]
    measurements = [
        Measurement(
            name="all keys new", value=KEYS / new["seconds"], baseline=baseline, unit="keys/s", at_least_ratio=0.5
        ),
        Measurement(
            name="all keys unchanged",
            value=KEYS / unchanged["seconds"],
            baseline=baseline,
            unit="keys/s",
            at_least_ratio=0.5,
        ),
        Measurement(
            name="memory at the end, after 10 pages (new)",
            value=new["late"],
            baseline=new["early"],
            unit="MB",
            at_most_ratio=1.1,
        ),
        Measurement(
            name="the same (unchanged)",
            value=unchanged["late"],
            baseline=unchanged["early"],
            unit="MB",
            at_most_ratio=1.1,
        ),
    ]
    notes = [
        f"{KEYS:,} keys, pages of 1,000, {PAGE_MS} ms a page; the baseline lists the keys and does nothing with them."
    ]
    return Report("sync_bucket against boto3's paginator", measurements, notes)


if __name__ == "__main__":
    print(measure().to_json())
