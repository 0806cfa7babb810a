"""The rival of a bulk run: a Celery group with one task for each picture, each of which calls boto3 as boto3 ships.

python -m bench.celery_group ADDRESS FOLDER --tasks 2000 --threads 64: starts a worker of its own on the Redis of the
library, sends the group, and waits until each task has answered or failed for good. Prints JSON: answers a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import boto3  # noqa: TID251
import redis
from botocore.config import Config  # noqa: TID251
from botocore.exceptions import ClientError  # noqa: TID251
from celery import Celery, group

from imagelib import embedded

ADDRESS, FOLDER, THREADS = "RIVAL_ADDRESS", "RIVAL_FOLDER", "RIVAL_THREADS"
DONE, FAILED = "rival:answered", "rival:failed"
LIMIT = 120.0  # seconds for all of them
VAR = Path(os.environ["IMAGELIB_VAR"])
app = Celery("rival", broker=embedded.broker_url(VAR))
app.conf.task_default_queue = "rival"
app.conf.task_ignore_result = True
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_connection_retry_on_startup = True


def client():
    return boto3.client(
        "rekognition",
        region_name="us-east-1",
        endpoint_url=os.environ[ADDRESS],
        config=Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=64),
        aws_access_key_id="simulated",
        aws_secret_access_key="simulated",
    )


_client, _counts = None, redis.Redis.from_url(embedded.redis_url(VAR))


@app.task(name="rival.ask")  # the same here, where this module is __main__, and in the worker
def ask(name: str) -> None:
    try:
        _asked().detect_labels(
            Image={"Bytes": (Path(os.environ[FOLDER]) / name).read_bytes()},
            MaxLabels=100,
            MinConfidence=55.0,
            Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"],
        )
    except ClientError:
        _counts.incr(FAILED)
    else:
        _counts.incr(DONE)


def _asked():
    global _client  # noqa: PLW0603
    if _client is None:
        _client = client()
    return _client


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    asked = parser.parse_args()
    env = {**os.environ, ADDRESS: asked.address, FOLDER: str(asked.folder), THREADS: str(asked.threads)}
    command = [sys.executable, "-m", "celery", "-A", "bench.celery_group", "worker", "-P", "threads"]
    command += ["-c", str(asked.threads), "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
    names = [str(path.relative_to(asked.folder)) for path in sorted(asked.folder.rglob("*.jpg"))[: asked.tasks]]
    worker = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        group(ask.s(name) for name in names).apply_async()
        print(json.dumps(_waited(len(names))))
    finally:
        worker.terminate()
        worker.wait(timeout=30)


def _waited(number: int) -> dict[str, float]:
    """From the first answer to the last."""
    deadline = time.monotonic() + LIMIT
    while not _count(DONE) and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    while _count(DONE) + _count(FAILED) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"rate": _count(DONE) / (time.monotonic() - began), "failed": _count(FAILED)}


def _count(key: str) -> int:
    return int(_counts.get(key) or 0)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
