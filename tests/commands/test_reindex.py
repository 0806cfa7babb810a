"""reindex: the search index is rebuilt from responses and verdicts."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from analysis.models import Face, ImageIndex, ImageLabel, ImageText, Label
from tests import rekognition_responses
from tests.factories import create_analysis, create_image, create_labeled_image, label_rows

pytestmark = pytest.mark.django_db


def report(**options) -> dict:
    out = StringIO()
    call_command("reindex", as_json=True, stdout=out, **options)
    return json.loads(out.getvalue())


@pytest.fixture
def damaged(owner):
    """Three pictures, each with another error in its index."""
    lost, wrong, stale = (create_labeled_image(owner, {"Dog": 98, "Cat": 70}) for _ in range(3))
    create_analysis(lost, "faces", state="done", answer=rekognition_responses.faces())
    call_command("reindex", stdout=StringIO())
    ImageLabel.objects.filter(image=lost).delete()
    Face.objects.filter(image=lost).delete()
    ImageLabel.objects.filter(image=wrong, label__name="Dog").update(confidence=1)
    ImageText.objects.create(image=stale, content="unrelated text")
    ImageIndex.objects.filter(image=stale).update(label_ids=[])
    return lost, wrong, stale


def test_differing_rows_are_reported_and_corrected(damaged):
    lost, wrong, stale = damaged
    expected = {str(lost.pk): ["faces", "labels"], str(wrong.pk): ["labels"], str(stale.pk): ["index", "text"]}
    assert report()["differing"] == expected
    assert [label_rows(image).get("Dog") for image in damaged] == [98, 98, 98]
    assert Face.objects.filter(image=lost).count() == 1
    assert report() == {"pictures": 3, "differing": {}, "counts": 0}


def test_dry_run_changes_nothing(damaged):
    first = report(dry_run=True)
    assert len(first["differing"]) == 3
    assert report(dry_run=True) == first


def test_index_of_trashed_picture_is_removed(owner, django_user_model):
    image = create_labeled_image(owner, {"Dog": 98})
    image.trashed_at = image.added_at
    image.save()
    out = StringIO()
    call_command("reindex", stdout=out)
    assert out.getvalue().splitlines()[0] == f"Picture {image.pk} differed: index, labels."
    assert not ImageLabel.objects.exists()
    assert not ImageIndex.objects.exists()


def test_label_counts_are_refreshed(owner):
    create_labeled_image(owner, {"Dog": 98})
    Label.objects.update(image_count=7)
    create_image(owner)
    call_command("reindex", stdout=StringIO())
    assert list(Label.objects.values_list("name", "image_count")) == [("Dog", 1)]
