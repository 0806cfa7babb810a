"""Baselines of recognition: threads that only call boto3, and a tutorial's loop.

python -m bench.boto3_baseline ADDRESS FOLDER --threads 64 --calls 3000 [--database URL]: with a database it inserts the
labels of each response, as such tutorials do. Nothing is retried or counted. Prints the times as JSON.
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

import boto3
import psycopg
from botocore.config import Config

# Calls of each thread that are not counted, since the first ones open connections and load botocore's models.
WARM_UP = 2

DetectLabels = Callable[[Path], dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--database", default="")
    options = parser.parse_args()
    detect_labels = make_client(options.address, threads=options.threads)
    paths = sorted(options.folder.rglob("*.jpg"))[: options.calls]
    if options.database:
        with psycopg.connect(options.database) as connection:
            print(json.dumps(timed(lambda: loop(detect_labels, paths, connection), detect_labels, paths[:WARM_UP])))
        return
    with ThreadPoolExecutor(options.threads) as pool:
        call_all(pool, detect_labels, paths[: WARM_UP * options.threads])
        print(json.dumps(timed(lambda: call_all(pool, detect_labels, paths), detect_labels, ())))


def call_all(pool: ThreadPoolExecutor, detect_labels: DetectLabels, paths: Sequence[Path]) -> int:
    """Call for all paths and drop the responses; returns the number of calls."""
    return sum(1 for _ in pool.map(detect_labels, paths))


def make_client(address: str, *, threads: int) -> DetectLabels:
    """The request that imagelib sends, by a client with imagelib's settings."""
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

    def detect_labels(path: Path) -> dict[str, Any]:
        response: dict[str, Any] = client.detect_labels(
            Image={"Bytes": path.read_bytes()},
            MaxLabels=100,
            MinConfidence=55.0,
            Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"],
        )
        return response

    return detect_labels


def loop(detect_labels: DetectLabels, paths: Sequence[Path], connection: psycopg.Connection) -> None:
    """Analyze one picture after another and insert a row for each label."""
    connection.execute("CREATE TABLE IF NOT EXISTS tutorial_labels (picture text, name text, confidence real)")
    connection.commit()
    for path in paths:
        for label in detect_labels(path)["Labels"]:
            row = path.name, label["Name"], label["Confidence"]
            connection.execute("INSERT INTO tutorial_labels VALUES (%s, %s, %s)", row)
        connection.commit()


def timed(work: Callable[[], object], detect_labels: DetectLabels, warm_up: Sequence[Path]) -> dict[str, float]:
    """Wall-clock seconds, processor seconds and peak MB, after a warm-up."""
    for path in warm_up:
        detect_labels(path)
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
