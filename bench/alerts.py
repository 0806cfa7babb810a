"""Bench of alerts: comparison of changed pictures with 500 alerts.

The library has 100,000 pictures, or as many as the argument says: python -m bench.alerts 1000000.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import psycopg

from bench.dataset import OWNERS, django_setup, loaded_library
from bench.process_usage import processor_seconds
from bench.report import Measurement, Report
from bench.search.workload import WorkloadGenerator

PICTURES = 100_000
ALERTS = 500
OTHER = 100  # searches without labels, or with other terms as well
RUNS = {500: 12, 50: 40, 1: 300}  # batches by the pictures in one
TARGET = 5.0  # milliseconds a picture
CHANNELS = ("email", "email", "slack", "slack", "webhook")  # webhooks get a message for each picture


@dataclass
class AlertsRun:
    milliseconds: dict[int, list[float]] = field(default_factory=dict)
    """Milliseconds a picture, by the number of pictures compared at once."""
    processor: dict[int, float] = field(default_factory=dict)
    """Milliseconds of processor time a picture, of this process and of PostgreSQL's."""
    first: float = 0.0
    """Milliseconds of a process's first comparison, which resolves all searches."""
    new_names: float = 0.0
    """Milliseconds of the first comparison after a label was added."""
    matches: int = 0
    pictures: int = 0


def measure(pictures: int = PICTURES) -> Report:
    with loaded_library(pictures) as library, django_setup(library):
        run = AlertsRun()
        with psycopg.connect(library.url, autocommit=True) as connection:
            queries = _queries(WorkloadGenerator(connection, pictures=pictures))
            _create_alerts(queries)
            try:
                _time_comparisons(run, pictures)
            finally:
                _delete_alerts()
    return report(pictures, run)


def _queries(generator: WorkloadGenerator) -> list[str]:
    """Queries like those that people save: mostly one to three labels."""
    by_labels = [case.text for case in (*generator.cases(), *generator.cases())]
    others = [case.text for case in (*generator.other_terms(), *generator.without_labels())]
    order = np.random.default_rng(6)
    chosen = [others[index] for index in order.permutation(len(others))[:OTHER]]
    queries = [*by_labels[: ALERTS - len(chosen)], *chosen]
    return [queries[index] for index in order.permutation(len(queries))]


def _create_alerts(queries: Sequence[str]) -> None:
    from analysis.models import Alert, SavedSearch  # needs Django set up

    searches = SavedSearch.objects.bulk_create(
        SavedSearch(owner_id=1 + number % OWNERS, name=f"Bench {number}", query=query)
        for number, query in enumerate(queries)
    )
    Alert.objects.bulk_create(
        Alert(owner_id=search.owner_id, saved_search=search, query=search.query,
              channel=CHANNELS[number % len(CHANNELS)], frequency="at_once", address="https://example.com")
        for number, search in enumerate(searches)
    )  # fmt: skip


def _delete_alerts() -> None:
    from analysis.models import SavedSearch

    SavedSearch.objects.filter(name__startswith="Bench ").delete()


def _time_comparisons(run: AlertsRun, pictures: int) -> None:
    from analysis.models import Label

    order = (1 + np.random.default_rng(5).permutation(pictures)).tolist()
    run.first = _compare([order[-1]], run)
    label = Label.objects.create(kind="tag", name="new in the bench")
    run.new_names = _compare([order[-2]], run)
    label.delete()
    _compare([order[-3]], run)
    for size, number in RUNS.items():
        began = _processor_seconds()
        batches = [order[start : start + size] for start in range(0, size * number, size)]
        run.milliseconds[size] = [_compare(batch, run) / size for batch in batches]
        run.processor[size] = 1_000 * (_processor_seconds() - began) / (size * number)


def _compare(image_ids: list[int], run: AlertsRun) -> float:
    """Milliseconds of a comparison, whose matches are rolled back."""
    from django.db import transaction

    from analysis.delivery import alert_matching
    from analysis.models import AlertMatch

    with transaction.atomic():
        began = time.perf_counter()
        alert_matching.match(image_ids)
        elapsed = 1_000 * (time.perf_counter() - began)
        run.matches += AlertMatch.objects.count()
        run.pictures += len(image_ids)
        transaction.set_rollback(True)
    return elapsed


def _processor_seconds() -> float:
    from django.db import connection

    return time.process_time() + processor_seconds(connection.connection.info.backend_pid)


def report(pictures: int, run: AlertsRun) -> Report:
    measurements = [
        measurement
        for size, times in run.milliseconds.items()
        for measurement in (
            Measurement(name=f"a picture, {size} at once: mean", value=float(np.mean(times)), unit="ms",
                        at_most=TARGET),
            Measurement(name=f"a picture, {size} at once: p95", value=float(np.percentile(times, 95)), unit="ms"),
            Measurement(name=f"a picture, {size} at once: processor time", value=run.processor[size], unit="ms"),
        )
    ]  # fmt: skip
    measurements += [
        Measurement(name="first comparison of a process, 1 picture", value=run.first, unit="ms"),
        Measurement(name="first comparison after a new label, 1 picture", value=run.new_names, unit="ms"),
    ]
    notes = [f"{ALERTS} alerts, {OTHER} with other terms than labels; {run.matches / run.pictures:.1f} of them match a "
             "picture."]  # fmt: skip
    return Report(f"alerts on {pictures:,} pictures", measurements, notes)


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:2])).to_json())
