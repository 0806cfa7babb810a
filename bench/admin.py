"""Bench of the admin's lists over HTTP, with a million generated pictures.

Rows that the generated library lacks are added first, and only once (`bench/dataset/usage.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from bench.dataset import LoadedLibrary, django_setup, loaded_library
from bench.dataset.usage import REQUEST_ID, add_usage
from bench.report import Measurement, Report, percentile
from bench.search.pages import Pages, serving

PICTURES = 1_000_000
TARGET = 300.0  # milliseconds for each list
REQUESTS = 10
STAFF = 1  # user id


@dataclass(frozen=True)
class ListUrl:
    name: str
    url: str


def measure() -> Report:
    pictures = int(os.environ.get("BENCH_PICTURES", PICTURES))
    with loaded_library(pictures) as library, django_setup(library):
        with psycopg.connect(library.url, autocommit=True) as connection:
            add_usage(connection)
            list_urls = list(collect_urls(connection))
        _make_staff()
        measurements = list(time_lists(library, list_urls))
    title = f"admin lists with {pictures:,} pictures, over HTTP, warm, one client"
    return Report(
        title,
        measurements,
        [f"p95 of {REQUESTS} requests; stored responses are 1.5 kB of text that hardly compresses."],
    )


def collect_urls(connection: psycopg.Connection) -> Iterator[ListUrl]:
    """Home page, all lists, and the large ones with each slow filter."""
    from django.contrib import admin  # needs Django set up
    from django.urls import reverse

    addresses = {
        model._meta.model_name: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }
    row = connection.execute("SELECT id, name FROM analysis_label ORDER BY image_count DESC OFFSET 20 LIMIT 1")
    label, text = row.fetchone() or (1, "")
    yield ListUrl("home", reverse("admin:index"))
    for model, address in sorted(addresses.items()):
        yield ListUrl(model, address)
        for query in filters(label, text.lower()).get(model, ()):
            yield ListUrl(f"  {query}", f"{address}?{query}")


def filters(label: int, text: str) -> dict[str, tuple[str, ...]]:
    label_filter = "image_labels__label__id__exact"
    return {
        "image": (
            *(
                f"q={text}",
                f"{label_filter}={label}&confidence_from=90",
                "owner__id__exact=3",
                "p=200",
                "visibility=private",
            ),
            *("is=failed", "is=pending", "is=trashed", "is=reviewed", "is=untagged", "is=duplicate"),
            *("by=local", "by=rekognition", "model=9.9", "has=text", "format=png", "sort=size", "sort=name"),
            *("bucket__id__exact=1", "added_at_from=2020-01-01&added_at_to=2020-02-01"),
        ),
        "analysis": (
            *("state__exact=failed", "state__exact=done", "api__exact=faces", "api__exact=labels", "recognizer=local"),
            *("model_version=9.9", "permanent=yes", "image__owner__id__exact=3"),
            *("p=200", f"q={text}", f"q={REQUEST_ID}", "finished_at_from=2020-01-01&finished_at_to=2020-02-01"),
        ),
        "call": (
            *("outcome__exact=failed", "api__exact=faces", "recognizer=local", f"q={REQUEST_ID}"),
            "sent_at_from=2020-01-01&sent_at_to=2020-02-01",
        ),
        "label": ("q=a", "kind__exact=tag", "is_hidden__exact=1", "merged=yes"),
        "verdict": (
            *("decision__exact=added", f"label__id__exact={label}", "by__id__exact=3", f"q={text}"),
            "decided_at_from=2020-01-01&decided_at_to=2020-02-01",
        ),
        "face": ("confidence_from=99.9", "confidence_from=99&confidence_to=99.1", f"q={text}"),
        "rating": ("person__id__exact=3", "is_favorite__exact=0", "rating_from=5"),
        "bucketobject": ("state__exact=failed", "q=photos/77", "bucket__id__exact=1"),
    }


def time_lists(library: LoadedLibrary, list_urls: list[ListUrl]) -> Iterator[Measurement]:
    with serving(library) as address:
        pages = Pages(address, user_id=STAFF)
        for target in list_urls:
            # The first request is not counted, since it loads templates and opens connections.
            times = [_milliseconds(pages, target.url) for _ in range(REQUESTS + 1)][1:]
            yield Measurement(name=target.name, value=percentile(times, 0.95), unit="ms", at_most=TARGET)


def _milliseconds(pages: Pages, url: str) -> float:
    began = time.perf_counter()
    pages.get(url)
    return 1_000 * (time.perf_counter() - began)


def _make_staff() -> None:
    from django.contrib.auth import get_user_model  # needs Django set up

    get_user_model().objects.filter(pk=STAFF).update(is_staff=True, is_superuser=True)


if __name__ == "__main__":
    print(measure().to_json())
