"""Page of a person's bulk changes: list, undo, rights."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis import pipeline
from analysis.curation import bulk
from analysis.curation.bulk import Selection
from analysis.models import BulkChange, Image
from tests.factories import create_image

pytestmark = pytest.mark.django_db
URL = "/changes/"


def trash(person, *images) -> BulkChange:
    return bulk.apply(Selection(person, ids=tuple(image.pk for image in images)), BulkChange.Action.TRASH)


def test_change_is_listed_and_undone(owner, signed_in):
    images = [create_image(owner) for _ in range(2)]
    change = trash(owner, *images)
    browser = signed_in(owner)
    assert "Moved 2 pictures to the trash." in browser.get(URL).content.decode()
    page = browser.post(reverse("undo", args=[change.pk]), {"next": URL}, follow=True).content.decode()
    assert "Undone for 2 pictures" in page
    assert f'id="undo-{change.pk}"' not in page
    assert Image.objects.filter(trashed_at=None).count() == 2


def test_only_own_changes_of_the_last_day_are_listed(owner, colleague, signed_in):
    trash(colleague, create_image(colleague))
    old = trash(owner, create_image(owner))
    BulkChange.objects.filter(pk=old.pk).update(done_at=timezone.now() - timedelta(days=2))
    page = signed_in(owner).get(URL).content.decode()
    assert 'class="change"' not in page
    assert "can be undone for a day" in page


def test_running_change_is_polled(owner, signed_in):
    change = trash(owner, create_image(owner))
    BulkChange.objects.filter(pk=change.pk).update(is_open=True)
    page = signed_in(owner).get(URL, headers={"HX-Request": "true"}).content.decode()
    assert ('hx-trigger="every 2s"' in page, "1 picture done so far." in page) == (True, True)


def test_undo_is_not_offered_for_pictures_deleted_forever(owner, signed_in):
    gone, remaining = create_image(owner), create_image(owner)
    change, only_gone = trash(owner, gone, remaining), trash(owner, other := create_image(owner))
    pipeline.delete_now(Image.objects.filter(pk__in=[gone.pk, other.pk]), by_id=owner.pk)
    browser = signed_in(owner)
    page = browser.get(URL).content.decode()
    assert f'id="undo-{only_gone.pk}"' not in page
    assert "Can&#x27;t be undone: deleted forever" in page
    assert "1 picture was deleted forever and can&#x27;t be restored" in page
    page = browser.post(reverse("undo", args=[change.pk]), {"next": URL}, follow=True).content.decode()
    assert "Undone for 1 picture. 1 picture was changed again or deleted forever." in page
    page = browser.post(reverse("undo", args=[only_gone.pk]), {"next": URL}, follow=True).content.decode()
    assert "Nothing was undone: the pictures were changed again or deleted forever." in page


@pytest.mark.parametrize("number", [1, 3])
def test_number_of_queries_does_not_grow(owner, signed_in, number, django_assert_num_queries):
    for _ in range(number):
        trash(owner, create_image(owner))
    browser = signed_in(owner)
    browser.get(URL)
    with django_assert_num_queries(5):
        browser.get(URL)
