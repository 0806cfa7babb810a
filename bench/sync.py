"""sync_bucket over 100,000 keys beside boto3's bare paginator; a page takes 100 ms, as S3 takes."""

from __future__ import annotations

from bench import sandbox, subprocesses
from bench.report import Measurement, Report

KEYS = 100_000
PAGE_MS = 100


def measure() -> Report:
    with sandbox.library() as made, subprocesses.a_listing(KEYS, milliseconds=PAGE_MS) as endpoint:
        env = {"AWS_ENDPOINT_URL_S3": endpoint}
        bare = subprocesses.done(made.var, "listing", **env)
        new = subprocesses.done(made.var, "sync", **env)
        known = subprocesses.done(made.var, "sync", **env)
    assert (bare["listed"], new["new"], known["known"]) == (KEYS, KEYS, KEYS)
    rival = KEYS / bare["seconds"]
    figures = [
        Measurement(what="all are new", ours=KEYS / new["seconds"], rival=rival, unit="keys/s", at_least_ratio=0.5),
        Measurement(what="all are known", ours=KEYS / known["seconds"], rival=rival, unit="keys/s", at_least_ratio=0.5),
        Measurement(
            what="memory at the end beside after 10 pages, new",
            ours=new["late"],
            rival=new["early"],
            unit="MB",
            at_most_ratio=1.1,
        ),
        Measurement(what="the same, known", ours=known["late"], rival=known["early"], unit="MB", at_most_ratio=1.1),
    ]
    notes = [f"{KEYS:,} keys, pages of 1,000, {PAGE_MS} ms a page; the rival lists and does nothing with it."]
    return Report("sync_bucket against boto3's paginator", figures, notes)


if __name__ == "__main__":
    print(measure().to_json())
