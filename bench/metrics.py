"""Bench of a page's processor time with metrics, against the same page without."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

from bench import sandbox
from bench.report import Measurement, Report

ROUNDS, REQUESTS = 20, 10
JOB = "job"


def measure() -> Report:
    with sandbox.empty_library() as library:
        library.manage("migrate")
        library.manage("collectstatic", "--no-input")
        library.add_user("bench")
        env = {"DJANGO_SETTINGS_MODULE": "imagelib.settings", "LOG_LEVEL": "ERROR", "METRICS_TOKEN": "bench-token"}
        output = subprocess.run(
            [sys.executable, "-m", "bench.metrics", JOB],
            cwd=sandbox.ROOT,
            env=sandbox.environment(library.var, **env),
            stdout=subprocess.PIPE,
            check=True,
            timeout=300,
        ).stdout
    values = json.loads(output.splitlines()[-1])
    measurements = [
        Measurement(
            name="library page, processor time",
            value=values["on"],
            baseline=values["off"],
            unit="ms",
            at_most_ratio=1.02,
        ),
        Measurement(name="the time of one scrape", value=values["scrape"], unit="ms"),
    ]
    notes = [f"{ROUNDS} rounds of {REQUESTS} requests in turn, in one process; medians. Adding to Redis is included."]
    return Report("metrics", measurements, notes)


def job() -> None:
    import django  # the settings read the environment that `measure` prepares

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    clients: dict[str, Client] = {}
    for name in ("off", "on"):
        settings.METRICS_ENABLED = name == "on"  # middleware is loaded with the first request
        clients[name] = Client()
        clients[name].force_login(get_user_model().objects.get())
        clients[name].get("/")
    times: dict[str, list[float]] = {"off": [], "on": []}
    for _round in range(ROUNDS):
        for name, client in clients.items():
            settings.METRICS_ENABLED = name == "on"
            began = time.process_time()
            for _request in range(REQUESTS):
                client.get("/")
            times[name].append((time.process_time() - began) / REQUESTS * 1000)
    began = time.perf_counter()
    assert Client().get("/metrics", headers={"Authorization": "Bearer bench-token"}).status_code == 200
    scrape = (time.perf_counter() - began) * 1000
    print(json.dumps({name: statistics.median(values) for name, values in times.items()} | {"scrape": scrape}))


if __name__ == "__main__":
    if sys.argv[1:] == [JOB]:
        job()
    else:
        print(measure().to_json())
