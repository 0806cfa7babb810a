"""`python -m tests.fuzz`: mutate inputs for some seconds and print what fails.

Each reader runs in a separate process with limits of memory and time, so that a crash is a finding and not the end.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imagelib.settings")
django.setup()  # messages of errors pass gettext

from tests.fuzz.mutation import WORDS, minimized, mutated
from tests.fuzz.seeds import keep, seeds
from tests.fuzz.targets import TARGETS

SECONDS_EACH = 6
MEMORY_BYTES = 3 * 1024**3
FAILED = "failed: "


class Reader:
    """A child process with one target. Results that begin with FAILED are findings."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._start()

    def _start(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(theirs, self.target), daemon=True
        )
        self.process.start()
        theirs.close()

    def outcome(self, content: bytes) -> str:
        self.connection.send_bytes(content)
        try:
            if self.connection.poll(SECONDS_EACH):
                return self.connection.recv_bytes().decode()
            reason = f"{FAILED}slower than {SECONDS_EACH} s"
        except EOFError:
            self.process.join()
            reason = f"{FAILED}ended with {self.process.exitcode}"
        self.close()
        self._start()
        return reason

    def close(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection, target: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    warnings.simplefilter("ignore")
    while True:
        content = connection.recv_bytes()
        try:
            result = TARGETS[target](content)
        except Exception as error:  # noqa: BLE001 (an error of any kind is what is searched for)
            line = traceback.extract_tb(error.__traceback__)[-1]
            result = f"{FAILED}{type(error).__name__} in {Path(line.filename).name}:{line.lineno}"
        connection.send_bytes(result.encode())


def main() -> int:
    options = _options()
    if options.add:
        keep(options.targets[0], options.add.name, options.add.read_bytes())
        return 0
    failures = sum(fuzz(target, seconds=options.seconds, seed=options.seed) for target in options.targets)
    return 1 if failures else 0


def fuzz(target: str, *, seconds: float, seed: int) -> int:
    """The number of different failures; each is minimized, printed and written once."""
    chance, reader, pool = random.Random(seed), Reader(target), seeds(target)
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        content = mutated(chance.choice(pool), chance, others=pool, words=WORDS[target])
        outcome = reader.outcome(content)
        outcomes[outcome] += 1
        if outcomes[outcome] == 1:
            pool.append(content)  # something new: its neighbors are worth a look
            if outcome.startswith(FAILED):
                _report(target, content, outcome, reader)
    reader.close()
    failures = [outcome for outcome in outcomes if outcome.startswith(FAILED)]
    print(f"{target}: {outcomes.total():,} inputs, {len(outcomes)} outcomes, {len(failures)} failures", flush=True)
    return len(failures)


def _report(target: str, content: bytes, outcome: str, reader: Reader) -> None:
    attempts = 20 if "slower" in outcome else 300
    shortest = minimized(content, lambda shorter: reader.outcome(shorter) == outcome, attempts=attempts)
    path = Path("var/fuzz") / target / hashlib.sha256(shortest).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(shortest)
    print(f"{target}: {outcome}\n  {path}, {len(shortest)} bytes: {shortest[:60]!r}", flush=True)
    print(f"  When it is mended: python -m tests.fuzz {target} --add {path}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"{', '.join(TARGETS)}; all if none is named")
    parser.add_argument("--seconds", type=float, default=30, help="for each target")
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="for the same changes again")
    parser.add_argument("--add", type=Path, metavar="FILE", help="keep a file in tests/corpus with its outcome of now")
    options = parser.parse_args()
    options.targets = options.targets or list(TARGETS)
    if unknown := [name for name in options.targets if name not in TARGETS]:
        parser.error(f"unknown target: {unknown[0]}")
    return options


if __name__ == "__main__":
    sys.exit(main())
