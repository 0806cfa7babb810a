"""The queue in the database: how many are taken, whatever plan PostgreSQL makes of the question."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis import pipeline
from analysis.models import Analysis
from analysis.recognition import claims
from analysis.recognition.response_cache import find_cached_responses, record_versions
from tests.factories import create_analysis, create_image
from tests.query_plans import rows_read

pytestmark = pytest.mark.django_db

EVERY_OTHER_WAY = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize", "seqscan")


@pytest.mark.parametrize("only", ["", "AND is_bulk"])
def test_no_more_are_taken_than_asked_for_whatever_the_plan(owner, only):
    """A subquery that the planner runs once for each row would take all there are: beyond quota and budget."""
    images = [create_image(owner) for _ in range(6)]
    pipeline.request_analysis(image_ids=[image.pk for image in images], apis=["labels"], is_bulk=True)
    name = Analysis.objects.values_list("recognizer", flat=True)[0]
    with connection.cursor() as cursor:
        for each in EVERY_OTHER_WAY:
            cursor.execute(f"SET LOCAL enable_{each} = off")
    assert len(claims._claim_rows(name, "labels", maximum=2, only=only)) == 2
    assert Analysis.objects.filter(state="running").count() == 2


def test_an_answer_to_the_same_bytes_is_looked_for_among_no_others(owner):
    """Before it knows how many analyses there are, PostgreSQL would read all that were asked the same, for each."""
    record_versions([("local", "labels", "3.0")])
    for number in range(200):
        create_analysis(create_image(owner), state="done" if number < 180 else "running", model_version="3.0")
    running = claims._with_pictures(list(Analysis.objects.filter(state="running").values_list("pk", flat=True)))
    with CaptureQueriesContext(connection) as asked:
        assert find_cached_responses(running) == {}
    assert rows_read(asked[0]["sql"]) <= 200
