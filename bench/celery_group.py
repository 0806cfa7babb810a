"""Baseline of a bulk run: a Celery group with one boto3 call for each picture.

python -m bench.celery_group ADDRESS FOLDER --tasks 2000 --threads 64: starts its own worker on the library's
Redis, sends the group, and waits until each task has succeeded or failed. Prints JSON: responses a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import boto3
import redis
from botocore.config import Config
from botocore.exceptions import ClientError
from celery import Celery, group

from imagelib import embedded

ADDRESS, FOLDER, THREADS = "BASELINE_ADDRESS", "BASELINE_FOLDER", "BASELINE_THREADS"
DONE, FAILED = "baseline:answered", "baseline:failed"
LIMIT = 120.0  # seconds for the whole group
VAR = Path(os.environ["IMAGELIB_VAR"])
app = Celery("baseline", broker=embedded.broker_url(VAR))
app.conf.task_default_queue = "baseline"
app.conf.task_ignore_result = True
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_connection_retry_on_startup = True


def make_client():
    return boto3.client(
        "rekognition",
        region_name="us-east-1",
        endpoint_url=os.environ[ADDRESS],
        config=Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=64),
        aws_access_key_id="simulated",
        aws_secret_access_key="simulated",
    )


_client, _counts = None, redis.Redis.from_url(embedded.redis_url(VAR))


# An explicit name, since this module is __main__ here and bench.celery_group in the worker.
@app.task(name="baseline.detect_labels")
def detect_labels(name: str) -> None:
    try:
        _shared_client().detect_labels(
            Image={"Bytes": (Path(os.environ[FOLDER]) / name).read_bytes()},
            MaxLabels=100,
            MinConfidence=55.0,
            Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"],
        )
    except ClientError:
        _counts.incr(FAILED)
    else:
        _counts.incr(DONE)


def _shared_client():
    global _client
    if _client is None:
        _client = make_client()
    return _client


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    env = {**os.environ, ADDRESS: options.address, FOLDER: str(options.folder), THREADS: str(options.threads)}
    command = [sys.executable, "-m", "celery", "-A", "bench.celery_group", "worker", "-P", "threads"]
    command += ["-c", str(options.threads), "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
    names = [str(path.relative_to(options.folder)) for path in sorted(options.folder.rglob("*.jpg"))[: options.tasks]]
    worker = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        group(detect_labels.s(name) for name in names).apply_async()
        print(json.dumps(_wait_for_all(len(names))))
    finally:
        worker.terminate()
        worker.wait(timeout=30)


def _wait_for_all(total: int) -> dict[str, float]:
    """Responses a second from the first to the last, and the number of failures."""
    deadline = time.monotonic() + LIMIT
    while not _count(DONE) and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    while _count(DONE) + _count(FAILED) < total and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"rate": _count(DONE) / (time.monotonic() - began), "failed": _count(FAILED)}


def _count(key: str) -> int:
    return int(_counts.get(key) or 0)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
