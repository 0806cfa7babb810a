"""Starts what benches have done inside a library, and the servers that play AWS for it."""

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


def started(var: Path, job: str, **env: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.in_process", job]
    more = {"DJANGO_SETTINGS_MODULE": "imagelib.settings", "LOG_LEVEL": "ERROR", **KEYS, **env}
    return subprocess.Popen(
        command, cwd=sandbox.ROOT, env=sandbox.environment(var, **more), stdout=subprocess.PIPE, text=True
    )


def answer(process: subprocess.Popen[str], *, seconds: float = 300) -> dict[str, Any]:
    output, _ = process.communicate(timeout=seconds)
    if process.returncode:
        raise RuntimeError(f"bench.in_process ended with {process.returncode}: {output}")
    said: dict[str, Any] = json.loads(output.splitlines()[-1])
    return said


def done(var: Path, job: str, **env: str) -> dict[str, Any]:
    return answer(started(var, job, **env))


@contextmanager
def a_listing(count: int, *, milliseconds: float) -> Iterator[str]:
    """A bucket of so many objects in a process of its own; yields its endpoint."""
    command = [sys.executable, "-m", "bench.fake_s3", str(count), str(milliseconds)]
    with sandbox.running_program(command, env=sandbox.environment()) as program:
        yield program.wait_for("http://", seconds=60).strip()


@contextmanager
def a_queue() -> Iterator[str]:
    """A queue in a process of its own; yields its endpoint."""
    with sandbox.running_program([sys.executable, "-m", "bench.fake_sqs"], env=sandbox.environment()) as program:
        yield program.wait_for("http://", seconds=60).strip()
