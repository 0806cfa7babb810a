"""Messages that an alert would have sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from analysis.curation import trash, verdicts
from analysis.delivery import alert_preview
from analysis.delivery.alert_preview import Preview, preview
from analysis.delivery.alerts import AlertOptions
from analysis.models import Analysis, Image
from analysis.search.syntax.parser import InvalidQuery
from analysis.search.time_limit import SearchTooSlow
from tests.factories import create_analysis, create_labeled_image

pytestmark = pytest.mark.django_db
HOOK, HOURLY, WEEKLY = AlertOptions("webhook"), AlertOptions("slack", "hourly"), AlertOptions("email", "weekly")


def dog(owner, *, days: float, analyzed_days: float | None = None, **values) -> Image:
    """A picture of a dog that was added and analyzed this many days ago."""
    image = create_labeled_image(owner, {"Dog": 99.0}, added_at=now() - timedelta(days=days), **values)
    analyzed = now() - timedelta(days=days if analyzed_days is None else analyzed_days)
    Analysis.objects.filter(image=image).update(finished_at=analyzed)
    return image


def test_nothing_would_have_been_sent(owner):
    dog(owner, days=31)
    assert preview("dog", HOOK, owner=owner, now=now()) == Preview([], 0, 0)


def test_pictures_and_messages_of_the_last_days(owner):
    old, first, second = dog(owner, days=31), dog(owner, days=10), dog(owner, days=9.999)
    assert preview("dog", HOOK, owner=owner, now=now()) == Preview([second.pk, first.pk], 2, 2)
    assert preview("dog", HOURLY, owner=owner, now=now()).messages in {1, 2}  # an hour may begin between them
    last = dog(owner, days=1, analyzed_days=0)
    assert preview("dog", WEEKLY, owner=owner, now=now()) == Preview([last.pk, second.pk, first.pk], 3, 2)
    assert old.pk not in preview("", HOOK, owner=owner, now=now()).image_ids


def test_older_pictures_count_from_their_first_analysis_or_a_tag(owner):
    analyzed, again, tagged = dog(owner, days=50, analyzed_days=3), dog(owner, days=50), dog(owner, days=50)
    create_analysis(again, "faces", state="done")  # it matched before
    verdicts.add(tagged.pk, name="Invoice", by_id=owner.pk)
    assert preview("dog", HOOK, owner=owner, now=now()).image_ids == [analyzed.pk]
    assert preview("tag:invoice", HOOK, owner=owner, now=now()).image_ids == [tagged.pk]


def test_only_what_the_owner_sees_outside_the_trash(owner, colleague):
    trashed = dog(owner, days=1)
    dog(colleague, days=1, visibility=Image.Visibility.PRIVATE)
    trash.trash([trashed.pk])
    for query in ("dog", "is:trashed", "is:trashed OR dog"):
        assert preview(query, HOOK, owner=owner, now=now()).pictures == 0


def test_another_date_in_the_search_is_kept(owner):
    dog(owner, days=10)
    recent = dog(owner, days=1)
    assert preview("dog added:last-5-days", HOOK, owner=owner, now=now()).image_ids == [recent.pk]


def test_time_and_query_are_checked(owner, monkeypatch):
    with pytest.raises(InvalidQuery):
        preview("((", HOOK, owner=owner, now=now())
    monkeypatch.setattr(alert_preview, "SECONDS", 0.0)
    with pytest.raises(SearchTooSlow):
        preview("dog", HOOK, owner=owner, now=now())
