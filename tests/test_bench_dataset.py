"""Generated libraries, the search workload and the report of the search bench."""

import numpy as np
import pytest
from django.db import connection

from analysis.models import Image, ImageIndex, ImageLabel, Label
from analysis.search.label_counts import refresh_label_counts
from bench import dataset
from bench.dataset import spec, words
from bench.dataset.indexes import without_indexes
from bench.dataset.spec import LABELS, RARE, DatasetSpec
from bench.search import __main__
from bench.search.baselines import HandWrittenSql
from bench.search.oracle import Oracle
from bench.search.run import LISTS, SearchRun
from bench.search.workload import SearchCase, WorkloadGenerator


@pytest.fixture(scope="module")
def dataset_spec():
    return DatasetSpec(600)


@pytest.fixture
def library(db, dataset_spec):
    """Connection to a database with the rows of the library."""
    connection.ensure_connection()
    dataset.fill(connection.connection, dataset_spec)
    return connection.connection


def test_dataset_is_reproducible_and_generated_in_chunks(dataset_spec, monkeypatch):
    monkeypatch.setattr(spec, "CHUNK", 250)
    chunks, same_chunks = list(dataset_spec.chunks()), list(DatasetSpec(600).chunks())
    assert [len(chunk.id) for chunk in chunks] == [250, 250, 100]
    assert np.concatenate([chunk.id for chunk in chunks]).tolist() == list(range(1, 601))
    for chunk, same_chunk in zip(chunks, same_chunks, strict=True):
        assert chunk.labels.label.tolist() == same_chunk.labels.label.tolist()
        assert chunk.phash.tolist() == same_chunk.phash.tolist()
    assert chunks[0].added.tolist() != chunks[1].added.tolist()


def test_image_has_each_label_once_with_its_ancestors(dataset_spec):
    (chunk,) = dataset_spec.chunks()
    pairs = list(zip(chunk.labels.image.tolist(), chunk.labels.label.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    parents = {}
    for label, parent in dataset_spec.label_parents:
        parents.setdefault(label, set()).add(parent)
    image_labels = set(pairs)
    # A label has five ancestors at most, its parents first among them.
    assert {(image, parent) for image, label in pairs for parent in parents.get(label, ())} <= image_labels
    ancestors = {}
    for label, ancestor in dataset_spec.label_ancestors:
        ancestors.setdefault(label, set()).add(ancestor)
    assert {(image, above) for image, label in pairs for above in ancestors.get(label, ())} <= image_labels
    assert 12 < len(pairs) / dataset_spec.pictures < 15


def test_label_names_and_aliases_are_unique():
    names = [words.name_of(label_id).lower() for label_id in range(1, LABELS + RARE + 1)]
    aliases = [alias.lower() for label_id in range(1, LABELS + 1) if (alias := words.alias_of(label_id))]
    assert len({*names, *aliases}) == len(names) + len(aliases)


def test_derived_rows_match_images(library, dataset_spec):
    assert Image.objects.count() == dataset_spec.pictures
    rows = ImageLabel.objects.values_list("image_id", "label_id", "owner_id", "visibility", "sort_time")
    image_labels = {}
    for image_id, label_id, *columns in rows:
        labels, image_columns = image_labels.setdefault(image_id, ([], columns))
        labels.append(label_id)
        assert columns == image_columns
    indexed = ImageIndex.objects.values_list("image_id", "label_ids", "owner_id", "visibility", "sort_time")
    assert {image_id: (sorted(labels), columns) for image_id, (labels, columns) in image_labels.items()} == {
        image_id: (labels, columns) for image_id, labels, *columns in indexed
    }
    assert {(image.pk, image.owner_id) for image in Image.objects.all()} == {
        (image_id, columns[0]) for image_id, (_, columns) in image_labels.items()
    }
    assert refresh_label_counts() == 0
    assert Label.objects.count() == LABELS + RARE


def test_indexes_are_restored_after_filling(db):
    connection.ensure_connection()
    before = definitions()
    with without_indexes(connection.connection, ["analysis_image", "analysis_imagelabel"]):
        during = definitions()
    assert before == definitions()
    assert sorted(before - during)[0].startswith("CREATE INDEX")
    assert not [definition for definition in during if " ON public.analysis_imagelabel " in definition]


def definitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
               UNION ALL SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) FROM pg_constraint"""
        )
        return {row[0] for row in cursor.fetchall()}


def test_hand_written_sql_matches_numpy(library, dataset_spec):
    workload, oracle = WorkloadGenerator(library, pictures=dataset_spec.pictures), Oracle(library, user_id=5)
    by_hand = HandWrittenSql(library, user_id=5, counts=workload.counts)
    cases = workload.cases()
    assert len(cases) == 200
    for case in cases[::3]:
        assert [row[0] for row in by_hand.page(case)] == oracle.newest(case, 60), case
    assert sum(oracle.count(case) for case in cases) > 0


def test_queries_use_the_search_syntax(library, dataset_spec):
    cases = WorkloadGenerator(library, pictures=dataset_spec.pictures).cases()
    by_shape = {case.shape: case.text for case in cases}
    top = words.name_of(cases[0].ids[0])
    assert cases[0].text == f'"{top}"'
    assert by_shape["and2"].count('"') == 4
    assert ' -"' in by_shape["and_not"]
    assert ">=" in by_shape["threshold"]
    assert " owner:owner-" in by_shape["owner"]
    assert " taken:20" in by_shape["date"]


def search_run(pictures: int, *, factor: float) -> SearchRun:
    run = SearchRun(pictures, "settings", 0.0, values={"facet overlap": 96.0, "page kB": 12.0, "assets kB": 40.0})
    series_names = ("imagelib", "by hand", "orm", "like", "imagelib, cases of like", "page 50", "page 1", "anonymous")
    for offset, series in enumerate(series_names):
        run.times[series] = {"and2": [1.0 * factor + offset, 2.0 * factor + offset]}
    for series in ("empty", "count", "facets", "cards", "page", "timeline", "jump", "page before", "complete", *LISTS):
        run.times[series] = {"and2": [3.0]}
    run.times["other terms"] = {"OR": [20.0, 310.0]}
    return run


def test_report_covers_the_million_and_the_growth():
    report = __main__.report([search_run(1_000_000, factor=1), search_run(3_000_000, factor=1.5)])
    measurements = {measurement.name: measurement for measurement in report.measurements}
    assert "1,000,000 pictures" in report.title
    first_page = measurements["first page p95, by hand"]
    assert (first_page.value, first_page.baseline) == (2.0, 3.0)
    assert (measurements["OR, slowest"].value, measurements["OR, slowest"].is_met) == (310.0, False)
    growth = measurements["p95 at 3,000,000 and 1,000,000"]
    assert (growth.value, growth.baseline, growth.is_met) == (3.0, 2.0, True)
    report_of_one = __main__.report([search_run(100_000, factor=1)])
    names = [measurement.name for measurement in report_of_one.measurements]
    assert not [name for name in names if "000 and" in name]


def test_span_covers_full_days():
    from datetime import UTC, date, datetime

    case = SearchCase("date", "", first=date(2020, 2, 28), last=date(2020, 2, 29))
    assert case.span == (datetime(2020, 2, 28, tzinfo=UTC), datetime(2020, 3, 1, tzinfo=UTC))
    assert SearchCase("one", "").span is None
