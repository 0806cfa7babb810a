"""The admin's lists in a generated library of a million pictures: over HTTP, as staff, plain, filtered and searched.

What the generated library lacks is added first, once (`bench/dataset/usage.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from bench.dataset import Loaded, django_on, loaded
from bench.dataset.usage import REQUEST_ID, fill
from bench.report import Measurement, Report, percentile
from bench.search.pages import Pages, serving

PICTURES = 1_000_000
MOST = 300.0  # milliseconds that no list may take
TIMES = 10
STAFF = 1


@dataclass(frozen=True)
class Asked:
    what: str
    url: str


def measure() -> Report:
    pictures = int(os.environ.get("BENCH_PICTURES", PICTURES))
    with loaded(pictures) as library, django_on(library):
        with psycopg.connect(library.url, autocommit=True) as connection:
            fill(connection)
            asked = list(questions(connection))
        _make_staff()
        figures = list(measured(library, asked))
    title = f"the admin in {pictures:,} pictures, over HTTP, warm, one client"
    return Report(title, figures, [f"p95 of {TIMES}; answers are 1.5 kB of text that hardly shrinks."])


def questions(connection: psycopg.Connection) -> Iterator[Asked]:
    """Every list plain; those that grow with the library with each filter and search that could be slow."""
    from django.contrib import admin  # noqa: PLC0415 # needs Django set up
    from django.urls import reverse  # noqa: PLC0415

    addresses = {
        model._meta.model_name: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }
    row = connection.execute("SELECT id, name FROM analysis_label ORDER BY image_count DESC OFFSET 20 LIMIT 1")
    label, word = row.fetchone() or (1, "")
    for name, address in sorted(addresses.items()):
        yield Asked(name, address)
        for each in filtered(label, word.lower()).get(name, ()):
            yield Asked(f"  {each}", f"{address}?{each}")


def filtered(label: int, word: str) -> dict[str, tuple[str, ...]]:
    ours = "image_labels__label__id__exact"
    return {
        "image": (
            *(f"q={word}", f"{ours}={label}&confidence_from=90", "owner__id__exact=3", "p=200", "visibility=private"),
            *("is=failed", "is=pending", "is=trashed", "is=reviewed", "is=untagged", "is=duplicate"),
            *("by=local", "by=rekognition", "model=9.9", "has=text", "format=png", "sort=size", "sort=name"),
            *("bucket__id__exact=1", "added_at_from=2020-01-01&added_at_to=2020-02-01"),
        ),
        "analysis": (
            *("state__exact=failed", "state__exact=done", "api__exact=faces", "api__exact=labels", "recognizer=local"),
            *("model_version=9.9", "permanent=yes", "image__owner__id__exact=3"),
            *("p=200", f"q={word}", f"q={REQUEST_ID}", "finished_at_from=2020-01-01&finished_at_to=2020-02-01"),
        ),
        "call": (
            *("outcome__exact=failed", "api__exact=faces", "recognizer=local", f"q={REQUEST_ID}"),
            "sent_at_from=2020-01-01&sent_at_to=2020-02-01",
        ),
        "label": ("q=a", "kind__exact=tag", "is_hidden__exact=1", "merged=yes"),
        "verdict": (
            *("decision__exact=added", f"label__id__exact={label}", "by__id__exact=3", f"q={word}"),
            "decided_at_from=2020-01-01&decided_at_to=2020-02-01",
        ),
        "face": ("confidence_from=99.9", "confidence_from=99&confidence_to=99.1", f"q={word}"),
        "rating": ("person__id__exact=3", "is_favorite__exact=0", "rating_from=5"),
        "bucketobject": ("state__exact=failed", "q=photos/77", "bucket__id__exact=1"),
    }


def measured(library: Loaded, asked: list[Asked]) -> Iterator[Measurement]:
    with serving(library) as address:
        pages = Pages(address, reader=STAFF)
        for each in asked:
            times = [_milliseconds(pages, each.url) for _ in range(TIMES + 1)][1:]
            yield Measurement(what=each.what, ours=percentile(times, 0.95), unit="ms", at_most=MOST)


def _milliseconds(pages: Pages, url: str) -> float:
    began = time.perf_counter()
    pages.get(url)
    return 1_000 * (time.perf_counter() - began)


def _make_staff() -> None:
    from django.contrib.auth import get_user_model  # noqa: PLC0415 # needs Django set up

    get_user_model().objects.filter(pk=STAFF).update(is_staff=True, is_superuser=True)


if __name__ == "__main__":
    print(measure().to_json())
