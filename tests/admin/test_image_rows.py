"""Columns of the image list: labels, analyses by API, failures."""

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.admin import image_rows
from analysis.admin.image_rows import ApiState, ImageFacts
from tests.factories import create_analysis, create_image, create_labeled_image

pytestmark = pytest.mark.django_db


def test_facts_are_of_the_latest_analysis_of_each_api(owner):
    image = create_labeled_image(owner, {"Dog": 98, "Grass": 90, "Cat": 80, "Tree": 70})
    create_analysis(image, api="faces", state="done")
    create_analysis(image, api="faces", state="failed", error_code="AccessDenied")
    create_analysis(image, api="text", state="done", is_sample=True)
    other = create_image(owner)
    assert image_rows.facts_of([image.pk, other.pk]) == {
        image.pk: ImageFacts(
            ("Dog", "Grass", "Cat"), (ApiState("labels", "done", ""), ApiState("faces", "failed", "AccessDenied"))
        ),
        other.pk: ImageFacts(),
    }


def test_columns_escape_and_name_states(owner):
    image = create_image(owner)
    facts = ImageFacts(("<b>",), (ApiState("labels", "done", ""), ApiState("text", "failed", "<i>")))
    assert image_rows.failures_column(image, facts) == (
        f'<a class="link failure-link" href="{reverse("history", args=[image.pk])}"><strong>1</strong> &lt;i&gt;</a>'
    )
    assert image_rows.analyzed_column(facts) == (
        '<ul class="api-states"><li class="done"><span title="Done">✓</span> Labels</li>'
        '<li class="failed"><span title="Failed">✕</span> Text</li></ul>'
    )
    queued = ImageFacts(states=(ApiState("faces", "queued", ""),))
    assert 'title="Queued">Queued:</span> Faces' in image_rows.analyzed_column(queued)
    assert (image_rows.analyzed_column(ImageFacts()), image_rows.failures_column(image, ImageFacts())) == (
        "Not analyzed",
        "–",
    )


def test_list_shows_columns_and_trash(owner, staff, signed_in):
    image = create_labeled_image(owner, {"Dog": 98}, trashed_at=timezone.now())
    create_analysis(image, api="text", state="failed", error_code="AccessDenied")
    page = signed_in(staff).get(reverse("admin:analysis_image_changelist"), {"is": "trashed"}).content.decode()
    for text in ("In trash", "AccessDenied", f'href="{reverse("history", args=[image.pk])}"'):
        assert text in page
