"""The rivals of the recognition: a bare pool of threads that calls boto3 alone, and the loop of a Lambda tutorial.

python -m bench.boto3_baseline ADDRESS FOLDER --threads 64 --calls 3000 [--database URL]: with a database it writes each
answer's label names, as such tutorials do; nothing is retried, counted, claimed or kept. Prints what it took as JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import boto3  # noqa: TID251
import psycopg
from botocore.config import Config  # noqa: TID251

WARM_UP = 2
"""Calls of each thread before it counts: connections are made, botocore has read its models."""

Ask = Callable[[Path], dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--database", default="")
    asked = parser.parse_args()
    ask = asking(asked.address, threads=asked.threads)
    paths = sorted(asked.folder.rglob("*.jpg"))[: asked.calls]
    if asked.database:
        with psycopg.connect(asked.database) as connection:
            print(json.dumps(timed(lambda: loop(ask, paths, connection), ask, paths[:WARM_UP])))
        return
    with ThreadPoolExecutor(asked.threads) as pool:
        asked_all(pool, ask, paths[: WARM_UP * asked.threads])
        print(json.dumps(timed(lambda: asked_all(pool, ask, paths), ask, ())))


def asked_all(pool: ThreadPoolExecutor, ask: Ask, paths: Sequence[Path]) -> int:
    """Answers are dropped as they come."""
    return sum(1 for _ in pool.map(ask, paths))


def asking(address: str, *, threads: int) -> Ask:
    """What ours asks, with a client that is made as ours is."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=3,
        read_timeout=20,
        max_pool_connections=threads,
    )
    client = boto3.client(
        "rekognition",
        region_name="us-east-1",
        endpoint_url=address,
        config=config,
        aws_access_key_id="simulated",
        aws_secret_access_key="simulated",
    )

    def ask(path: Path) -> dict[str, Any]:
        answer: dict[str, Any] = client.detect_labels(
            Image={"Bytes": path.read_bytes()},
            MaxLabels=100,
            MinConfidence=55.0,
            Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"],
        )
        return answer

    return ask


def loop(ask: Ask, paths: Sequence[Path], connection: psycopg.Connection) -> None:
    """One picture after another, one row for each label."""
    connection.execute("CREATE TABLE IF NOT EXISTS tutorial_labels (picture text, name text, confidence real)")
    connection.commit()
    for path in paths:
        for label in ask(path)["Labels"]:
            row = path.name, label["Name"], label["Confidence"]
            connection.execute("INSERT INTO tutorial_labels VALUES (%s, %s, %s)", row)
        connection.commit()


def timed(work: Callable[[], object], ask: Ask, first: Sequence[Path]) -> dict[str, float]:
    """Seconds of the wall's clock and of the processor, after some calls that do not count."""
    for path in first:
        ask(path)
    before, began = getrusage(RUSAGE_SELF), time.monotonic()
    work()
    seconds, after = time.monotonic() - began, getrusage(RUSAGE_SELF)
    return {
        "seconds": seconds,
        "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak": after.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
