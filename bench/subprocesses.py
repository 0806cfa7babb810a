"""Starts the jobs of bench/in_process.py, and servers that stand in for AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import sandbox

KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"}


def start_job(var: Path, job: str, **env: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.in_process", job]
    settings = {"DJANGO_SETTINGS_MODULE": "imagelib.settings", "LOG_LEVEL": "ERROR", **KEYS, **env}
    return subprocess.Popen(
        command, cwd=sandbox.ROOT, env=sandbox.environment(var, **settings), stdout=subprocess.PIPE, text=True
    )


def result(process: subprocess.Popen[str], *, seconds: float = 300) -> dict[str, Any]:
    """JSON that a job printed last. Raises RuntimeError if it failed."""
    output, _ = process.communicate(timeout=seconds)
    if process.returncode:
        raise RuntimeError(f"bench.in_process failed with status {process.returncode}: {output}")
    values: dict[str, Any] = json.loads(output.splitlines()[-1])
    return values


def run_job(var: Path, job: str, **env: str) -> dict[str, Any]:
    return result(start_job(var, job, **env))


@contextmanager
def s3_server(count: int, *, milliseconds: float) -> Iterator[str]:
    """Serve a bucket of `count` objects in a process; yields its endpoint."""
    command = [sys.executable, "-m", "bench.fake_s3", str(count), str(milliseconds)]
    with sandbox.running_program(command, env=sandbox.environment()) as program:
        yield program.wait_for("http://", seconds=60).strip()


@contextmanager
def sqs_server() -> Iterator[str]:
    """Serve a queue from its own process; yields its endpoint."""
    with sandbox.running_program([sys.executable, "-m", "bench.fake_sqs"], env=sandbox.environment()) as program:
        yield program.wait_for("http://", seconds=60).strip()
