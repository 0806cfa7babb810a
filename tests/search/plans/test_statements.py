"""Rows that a search does not read: invisible images and those an index excludes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from analysis.library.duplicate_flags import mark_all_duplicates
from analysis.models import Face, Image, ImageText, Verdict
from analysis.permissions import viewer_of
from analysis.search.database import fetch_all
from analysis.search.filenames import image_id_of
from analysis.search.label_counts import refresh_label_counts
from analysis.search.label_facets import facets
from analysis.search.pagination import UNSORTED, Order
from analysis.search.plans.costs import trial_budget
from analysis.search.plans.execution import QueryPlan
from analysis.search.plans.statements import Scan
from analysis.search.plans.strategies import Strategy, choose_strategy
from analysis.search.resolve import resolve
from analysis.search.results import page
from analysis.search.syntax.parser import parse
from tests.factories import (
    create_bucket,
    create_bucket_image,
    create_image,
    create_label,
    create_labeled_image,
    create_user,
)
from tests.query_plans import rows_read

pytestmark = pytest.mark.django_db
OTHERS = 10_000
FEW_ROWS = 1_000
"""Far fewer than OTHERS; indexes still have entries of rows that earlier tests rolled back."""


@pytest.fixture(scope="module")
def people(module_rows):
    with module_rows():
        return create_user("owner"), create_user("colleague")


@pytest.fixture
def owner(people):
    return people[0]


@pytest.fixture
def colleague(people):
    return people[1]


@pytest.fixture(scope="module", autouse=True)
def few_of_many(module_rows, people):
    """Three images of the owner, and thousands of a colleague they may not see."""
    owner, colleague = people
    with module_rows():
        add_images(owner, colleague)


def add_images(owner, colleague) -> None:
    template = create_image(colleague)
    columns = [field.column for field in Image._meta.concrete_fields if field.name not in {"id", "phash_chunks"}]
    own_of = {"key": "'k' || n", "sha256": "md5(n::text)", "added_at": "added_at + n * interval '1 hour'"}
    own_of |= {"phash": "('x' || md5(n::text))::bit(64)::bigint"}
    chosen = ", ".join(own_of.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO analysis_image ({", ".join(columns)})
                SELECT {chosen} FROM analysis_image, generate_series(1, %s) n WHERE id = %s""",
            [OTHERS, template.pk],
        )
    for _ in range(3):
        create_image(owner, phash=7)
    mark_all_duplicates()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE analysis_image")


def rows_of(statement) -> int:
    return rows_read(statement.text, statement.values)


def statements(plan: QueryPlan, order: Order | None = None, *, limit: int = 61):
    """All statements that are run if the first scans find nothing."""
    statistics = plan.statistics(order, limit=limit)
    while True:
        strategy = choose_strategy(statistics)
        yield plan.statement(
            strategy, statistics, Scan(limit, UNSORTED if statistics.order is Order.NONE else plan.ordering)
        )
        if not strategy.is_trial:
            return
        statistics = statistics.after_trial(scanned=trial_budget(statistics), matches=0)


@pytest.mark.parametrize(
    "text", ["", "sort:newest", "sort:name", "sort:size", "-is:trashed", "-is:trashed sort:name", "is:duplicate"]
)
def test_invisible_images_are_not_read(owner, text):
    plan = QueryPlan(resolve(parse(text), viewer=viewer_of(owner), moment=timezone.now()))
    for statement in (*statements(plan), *statements(plan, Order.NONE, limit=1_001), plan.all_matches(cap=100)):
        assert rows_of(statement) < FEW_ROWS


def test_similar_images_are_found_without_reading_all(colleague):
    image = Image.objects.filter(owner=colleague).last()
    query = parse(f"like:{image.pk}")
    plan = QueryPlan(resolve(query, viewer=viewer_of(colleague), moment=timezone.now()))
    assert max(map(rows_of, statements(plan))) < FEW_ROWS
    assert page(query, viewer=viewer_of(colleague)).images == [image]


def test_first_entries_of_a_label_are_those_of_visible_images(owner, colleague):
    own = create_labeled_image(owner, {"Dog": 90, "Cat": 90})
    for _ in range(5):
        create_labeled_image(colleague, {"Dog": 90, "Cat": 90})
    refresh_label_counts()
    plan = QueryPlan(resolve(parse("dog cat"), viewer=viewer_of(owner), moment=timezone.now()), budget=5)
    statistics = plan.statistics(limit=2)
    assert (choose_strategy(statistics), trial_budget(statistics)) == (Strategy.LABEL_TRIAL, 1)
    statement = plan.statement(Strategy.LABEL_TRIAL, statistics, Scan(2, plan.ordering))
    assert [row[0] for row in fetch_all(statement.text, statement.values)] == [own.pk]


RARE = [
    "bucket:rare",
    "has:text",
    "has:faces",
    "is:reviewed",
    "width<9",
    "height<9",
    "name:rare OR name:q",
    "camera:rare OR name:q",
]


@pytest.mark.parametrize("text", RARE)
def test_rare_matches_are_found_without_reading_all(colleague, text):
    rare = create_bucket_image(create_bucket(colleague, name="rare"), "a.jpg")
    Image.objects.filter(pk=rare.pk).update(width=8, height=8, filename="rare.jpg", camera_make="Rare")
    ImageText.objects.create(image=rare, content="EXIT")
    Face.objects.create(image=rare, left=0, top=0, width=1, height=1, confidence=99)
    Verdict.objects.create(image=rare, label=create_label("Dog"), decision="confirmed", by=colleague)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE analysis_image, analysis_imagetext, analysis_face, analysis_verdict, analysis_bucket")
    query = parse(text)
    plan = QueryPlan(resolve(query, viewer=viewer_of(colleague), moment=timezone.now()), budget=100)
    assert max(map(rows_of, (*statements(plan), *statements(plan, Order.NONE, limit=1_001)))) < FEW_ROWS
    assert page(query, viewer=viewer_of(colleague)).images == [rare]


def test_facets_of_few_images_are_exact_in_a_large_library(owner):
    counted = facets(parse("is:private"), viewer=viewer_of(owner))
    assert (counted.counted, counted.is_sample) == (3, False)


def test_a_file_name_is_looked_up_by_its_index(owner):
    statements = []

    def record(execute, text, values, many, context):
        statements.append((text, values))
        return execute(text, values, many, context)

    with connection.execute_wrapper(record):
        assert image_id_of("Dog.jpg", viewer=viewer_of(owner)) is None
    [(text, values)] = statements
    assert rows_read(text, values) < FEW_ROWS
