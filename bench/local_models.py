"""Bench of the local recognizer's models: processor time, memory and start."""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.process_usage import peak_memory
from bench.report import Measurement, Report
from bench.sandbox import ROOT
from imagelib.sample_images import SAMPLES

SIDE = 2048  # pixels, as pictures are given to the recognizer
ROUNDS = 3
LIMIT = 240.0
PARTS = ("none", "models", "everything")


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="imagelib-bench-") as name:
        folder = Path(name)
        for file in SAMPLES:
            (folder / file).with_suffix(".jpg").write_bytes(_jpeg(file))
        none, models, everything = (_child(part, folder) for part in PARTS)
    measurements = [
        Measurement(name="labels and objects, processor time", value=models["median"], unit="ms", at_most=120),
        Measurement(name="the slowest picture", value=models["slowest"], unit="ms"),
        Measurement(name="first picture, processor time", value=models["first"], unit="s", at_most=2),
        Measurement(name="first picture, waited for", value=models["first_wall"], unit="s"),
        Measurement(
            name="memory with the models", value=models["memory"], unit="MB", baseline=none["memory"], at_most=260
        ),
        Measurement(name="its peak", value=models["peak"], unit="MB", baseline=none["peak"]),
        Measurement(name="memory with text and faces too", value=everything["memory"], unit="MB"),
        Measurement(name="labels, text and faces, processor time", value=everything["median"], unit="ms"),
    ]
    notes = [
        f"{len(SAMPLES)} sample photos of {SIDE} pixels, {ROUNDS} times. Models: {models['version']}.",
        "Memory is of a process with Django after its last picture; the baseline has decoded one and has no model.",
    ]
    return Report("models of the local recognizer", measurements, notes)


def _child(part: str, folder: Path) -> dict[str, Any]:
    """Run a part in a separate process, since a process's memory only grows."""
    command = [sys.executable, "-m", "bench.local_models", part, str(folder)]
    env = {**os.environ, "RECOGNIZER": "local", "DJANGO_SETTINGS_MODULE": "imagelib.settings"}
    process = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, timeout=LIMIT)
    result: dict[str, Any] = json.loads(process.stdout)
    return result


def _run(part: str, folder: Path) -> dict[str, Any]:
    import django  # in the child only

    django.setup()
    from analysis.recognition.local import faces, inspection, label_models, text  # noqa: F401 - as a worker does

    pictures = [path.read_bytes() for path in sorted(folder.iterdir())]
    if part == "none":
        _pixels(pictures[0])
        return {"memory": _memory(), "peak": peak_memory(os.getpid())}

    def analyze(picture: NDArray[np.uint8]) -> None:
        label_models.find(picture, text_share=0)
        if part == "everything":
            text.find(picture)
            faces.find(picture)

    started = time.monotonic()
    first = _processor_time(analyze, pictures[0])
    first_wall = time.monotonic() - started
    rounds = 1 if part == "everything" else ROUNDS  # text takes a second for each picture
    times = [_processor_time(analyze, picture) * 1000 for _ in range(rounds) for picture in pictures]
    return {
        "median": statistics.median(times),
        "slowest": max(times),
        "first": first,
        "first_wall": first_wall,
        "memory": _memory(),
        "peak": peak_memory(os.getpid()),
        "version": label_models.version(),
    }


def _memory() -> float:
    """Resident set in MB, as Linux reports it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _processor_time(analyze: Callable[[NDArray[np.uint8]], None], picture: bytes) -> float:
    from analysis.recognition.local import sessions  # in the child only

    pixels = _pixels(picture)
    before = time.process_time()
    analyze(pixels)
    del pixels
    sessions.give_back_memory()  # as the recognizer does
    return time.process_time() - before


def _pixels(picture: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGB"))


def _jpeg(file: str) -> bytes:
    """A sample photo at the size that a recognizer gets."""
    from skimage.data import data_dir  # a development dependency

    with Image.open(f"{data_dir}/{file}") as image:
        scale = SIDE / max(image.size)
        size = round(image.width * scale), round(image.height * scale)
        stream = io.BytesIO()
        image.convert("RGB").resize(size).save(stream, "JPEG", quality=85)
    return stream.getvalue()


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], Path(sys.argv[2]))) if len(sys.argv) > 1 else measure().to_json())
