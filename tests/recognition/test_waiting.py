"""The queue in the database: how many are taken, whatever plan PostgreSQL makes of the question."""

import pytest
from django.db import connection

from analysis import pipeline
from analysis.models import Analysis
from analysis.recognition import waiting
from tests.factories import an_image

pytestmark = pytest.mark.django_db

EVERY_OTHER_WAY = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize", "seqscan")


@pytest.mark.parametrize("only", ["", "AND is_bulk"])
def test_no_more_are_taken_than_asked_for_whatever_the_plan(owner, only):
    """A subquery that the planner runs once for each row would take all there are: beyond quota and budget."""
    images = [an_image(owner) for _ in range(6)]
    pipeline.request(image_ids=[image.pk for image in images], apis=["labels"], is_bulk=True)
    name = Analysis.objects.values_list("recognizer", flat=True)[0]
    with connection.cursor() as cursor:
        for each in EVERY_OTHER_WAY:
            cursor.execute(f"SET LOCAL enable_{each} = off")
    assert len(waiting._take(name, "labels", most=2, only=only)) == 2
    assert Analysis.objects.filter(state="running").count() == 2
