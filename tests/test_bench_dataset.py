"""The generated library that search is measured in, and the figures made of it."""

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
def recipe():
    return DatasetSpec(600)


@pytest.fixture
def library(db, recipe):
    """Its rows in the tables, until the test ends."""
    connection.ensure_connection()
    dataset.fill(connection.connection, recipe)
    return connection.connection


def test_a_library_is_the_same_every_time_and_made_in_chunks(recipe, monkeypatch):
    monkeypatch.setattr(spec, "CHUNK", 250)
    first, again = list(recipe.chunks()), list(DatasetSpec(600).chunks())
    assert [len(chunk.id) for chunk in first] == [250, 250, 100]
    assert np.concatenate([chunk.id for chunk in first]).tolist() == list(range(1, 601))
    for one, other in zip(first, again, strict=True):
        assert one.labels.label.tolist() == other.labels.label.tolist()
        assert one.phash.tolist() == other.phash.tolist()
    assert first[0].added.tolist() != first[1].added.tolist()


def test_a_picture_carries_each_label_once_with_its_ancestors(recipe):
    (chunk,) = recipe.chunks()
    pairs = list(zip(chunk.labels.image.tolist(), chunk.labels.label.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    parents = {}
    for label, parent in recipe.label_parents:
        parents.setdefault(label, set()).add(parent)
    carried = set(pairs)
    # A label has five ancestors at most, its parents first among them.
    assert {(image, parent) for image, label in pairs for parent in parents.get(label, ())} <= carried
    assert 12 < len(pairs) / recipe.pictures < 15


def test_every_label_has_a_name_of_its_own():
    names = [words.name_of(label_id).lower() for label_id in range(1, LABELS + RARE + 1)]
    aliases = [alias.lower() for each in range(1, LABELS + 1) if (alias := words.alias_of(each))]
    assert len({*names, *aliases}) == len(names) + len(aliases)


def test_the_rows_are_in_step_with_one_another(library, recipe):
    assert Image.objects.count() == recipe.pictures
    rows = ImageLabel.objects.values_list("image_id", "label_id", "owner_id", "visibility", "added_at")
    carried = {}
    for image_id, label_id, *own in rows:
        labels, known = carried.setdefault(image_id, ([], own))
        labels.append(label_id)
        assert own == known
    indexed = ImageIndex.objects.values_list("image_id", "label_ids", "owner_id", "visibility", "added_at")
    assert {image_id: (sorted(labels), own) for image_id, (labels, own) in carried.items()} == {
        image_id: (labels, own) for image_id, labels, *own in indexed
    }
    assert {(image.pk, image.owner_id) for image in Image.objects.all()} == {
        (image_id, own[0]) for image_id, (_, own) in carried.items()
    }
    assert refresh_label_counts() == 0
    assert Label.objects.count() == LABELS + RARE


def test_tables_get_their_indexes_back(db):
    connection.ensure_connection()
    before = definitions()
    with without_indexes(connection.connection, ["analysis_image", "analysis_imagelabel"]):
        during = definitions()
    assert before == definitions()
    assert sorted(before - during)[0].startswith("CREATE INDEX")
    assert not [each for each in during if " ON public.analysis_imagelabel " in each]


def definitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
               UNION ALL SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) FROM pg_constraint"""
        )
        return {row[0] for row in cursor.fetchall()}


def test_the_rival_finds_what_numpy_finds(library, recipe):
    asker, truth = WorkloadGenerator(library, pictures=recipe.pictures), Oracle(library, reader=5)
    hand = HandWrittenSql(library, reader=5, counts=asker.counts)
    questions = asker.questions()
    assert len(questions) == 200
    for question in questions[::3]:
        assert [row[0] for row in hand.page(question)] == truth.newest(question, 60), question
    assert sum(truth.number(question) for question in questions) > 0


def test_questions_are_written_as_people_write_them(library, recipe):
    questions = WorkloadGenerator(library, pictures=recipe.pictures).questions()
    by_shape = {question.shape: question.text for question in questions}
    top = words.name_of(questions[0].ids[0])
    assert questions[0].text == f'"{top}"'
    assert by_shape["and2"].count('"') == 4
    assert ' -"' in by_shape["and_not"]
    assert ">=" in by_shape["threshold"]
    assert " owner:owner-" in by_shape["owner"]
    assert " added:20" in by_shape["date"]


def measured(pictures: int, *, slower: float) -> SearchRun:
    found = SearchRun(pictures, "settings", 0.0, figures={"overlap": 96.0, "html": 12.0, "assets": 40.0})
    for number, what in enumerate(("ours", "hand", "orm", "like", "instead of like", "page 50", "page 1", "anonymous")):
        found.times[what] = {"and2": [1.0 * slower + number, 2.0 * slower + number]}
    for what in ("empty", "count", "facets", "cards", "page", "complete", *LISTS):
        found.times[what] = {"and2": [3.0]}
    found.times["further"] = {"OR": [20.0, 310.0]}
    return found


def test_the_report_tells_of_the_million_and_how_it_grows():
    report = __main__.report([measured(1_000_000, slower=1), measured(3_000_000, slower=1.5)])
    figures = {figure.what: figure for figure in report.figures}
    assert "1,000,000 pictures" in report.title
    assert (figures["first page p95, by hand"].ours, figures["first page p95, by hand"].rival) == (2.0, 3.0)
    assert (figures["OR, slowest"].ours, figures["OR, slowest"].is_met) == (310.0, False)
    grows = figures["p95 at 3,000,000 and 1,000,000"]
    assert (grows.ours, grows.rival, grows.is_met) == (3.0, 2.0, True)
    alone = __main__.report([measured(100_000, slower=1)])
    assert not [figure for figure in alone.figures if "000 and" in figure.what]


def test_a_question_is_about_whole_days():
    from datetime import UTC, date, datetime

    question = SearchCase("date", "", first=date(2020, 2, 28), last=date(2020, 2, 29))
    assert question.span == (datetime(2020, 2, 28, tzinfo=UTC), datetime(2020, 3, 1, tzinfo=UTC))
    assert SearchCase("one", "").span is None
