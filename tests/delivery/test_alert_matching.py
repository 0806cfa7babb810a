"""Changes of pictures become messages of alerts, each picture once."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from analysis.curation import trash, verdicts
from analysis.delivery import alert_digests, alert_matching, events
from analysis.delivery.alert_baseline import renew
from analysis.library import image_events
from analysis.library import images as library_images
from analysis.models import Alert, AlertMatch, Delivery, Image, ImageEvent, SavedSearch
from analysis.recognition.reindex_images import reindex
from tests.factories import (
    create_analysis,
    create_bucket,
    create_bucket_image,
    create_image,
    create_label,
    create_labeled_image,
    labels_answer,
)

pytestmark = pytest.mark.django_db
PRIVATE, SHARED = Image.Visibility.PRIVATE, Image.Visibility.SHARED


def create_alert(owner, query: str, **values) -> Alert:
    search = SavedSearch.objects.create(owner=owner, name=f"{query} {SavedSearch.objects.count()}", query=query)
    defaults = {"channel": "webhook", "frequency": "at_once", "query": query}
    return Alert.objects.create(owner=owner, saved_search=search, **{**defaults, **values})


def change(*images: Image) -> None:
    image_events.record_changed([image.pk for image in images])
    events.compare_due()


def sent(alert: Alert) -> list[int | None]:
    return list(Delivery.objects.filter(alert=alert).order_by("pk").values_list("image_id", flat=True))


def matched(alert: Alert) -> set[int]:
    return set(AlertMatch.objects.filter(alert=alert).exclude(matched_at=None).values_list("image_id", flat=True))


def test_picture_is_sent_once_however_often_it_changes(owner):
    alert = create_alert(owner, "dog")
    dog = create_labeled_image(owner, {"Dog": 99.0}, filename="dog.jpg")
    cat = create_labeled_image(owner, {"Cat": 99.0})
    change(dog, cat)
    change(dog)
    alert_matching.match([dog.pk, cat.pk])
    assert (sent(alert), matched(alert)) == ([dog.pk], {dog.pk})
    payload = Delivery.objects.get().payload
    assert (payload["event"], payload["count"], payload["images"][0]["file_name"]) == ("matches", 1, "dog.jpg")
    assert payload["search"]["query"] == "dog"


def test_analysis_verdict_and_tag_start_a_match(owner):
    dogs, cats, tagged = create_alert(owner, "dog"), create_alert(owner, "cat"), create_alert(owner, "tag:Invoice")
    image = create_image(owner)
    change(image)
    assert (sent(dogs), sent(cats)) == ([], [])
    create_analysis(image, state="done", answer=labels_answer(Dog=98.0))
    reindex([image.pk])
    change(image)
    verdicts.add(image.pk, name="Cat", by_id=owner.pk)
    events.compare_due()
    # The tag is a name that did not exist when the searches were last resolved.
    verdicts.add(image.pk, name="Invoice", by_id=owner.pk)
    events.compare_due()
    assert (sent(dogs), sent(cats), sent(tagged)) == ([image.pk], [image.pk], [image.pk])


@pytest.mark.parametrize(
    ("query", "is_match"),
    [
        ("", True),
        ("dog", True),
        ("dogs", True),
        ("dog>=97", True),
        ("dog>=99.5", False),
        ("dog cat", False),
        ("dog OR cat", True),
        ("dog>=99.5 OR cat", False),
        ("-cat", True),
        ("dog -pet", False),
        ("dog -cat width>=1000", True),
        ("dog width>=2000", False),
        ("dog (pet name:rex)", True),
        ("name:rex", True),
        ("name:rex OR cat", True),
        ("-(dog pet)", False),
        ("nothing-is-named-so", False),
        ("is:private", True),
        ("is:trashed", False),
        ("is:trashed OR dog", True),
        ("owner:me format:jpeg", True),
        ("category:Animals", False),
        ("added:last 9 years -cat", True),
        ("has:faces", False),
    ],
)
def test_alert_matches_as_the_search_does(owner, query, is_match):
    from analysis.models import Viewer
    from analysis.search.results import Search
    from analysis.search.syntax.parser import parse

    image = create_labeled_image(owner, {"Dog": 98.5, "Pet": 60.0}, filename="rex.jpg", visibility=PRIVATE)
    create_label("Cat")
    alert = create_alert(owner, query)
    change(image)
    assert matched(alert) == ({image.pk} if is_match else set())
    assert Search(parse(query), Viewer(owner.pk)).matching([image.pk]) == matched(alert)


def test_only_pictures_that_the_owner_may_see(owner, colleague):
    own, others = create_alert(owner, "dog"), create_alert(colleague, "dog width>=10")
    private = create_labeled_image(owner, {"Dog": 99.0}, visibility=PRIVATE)
    shared = create_labeled_image(owner, {"Dog": 99.0}, visibility=SHARED)
    change(private, shared)
    assert (sent(own), sent(others)) == ([private.pk, shared.pk], [shared.pk])
    library_images.set_visibility([private.pk], SHARED)
    events.compare_due()
    assert sent(others) == [shared.pk, private.pk]


def test_paused_alerts_and_those_of_inactive_people_get_nothing(owner, colleague):
    paused, inactive = create_alert(owner, "dog", is_active=False), create_alert(colleague, "dog")
    type(colleague).objects.filter(pk=colleague.pk).update(is_active=False)
    change(create_labeled_image(owner, {"Dog": 99.0}, visibility=SHARED))
    assert (sent(paused), sent(inactive)) == ([], [])


def test_pictures_that_match_from_the_start_are_never_sent(owner):
    dog = create_labeled_image(owner, {"Dog": 99.0})
    alert = create_alert(owner, "dog")
    renew(alert.pk)
    change(dog)
    new = create_labeled_image(owner, {"Dog": 99.0})
    change(dog, new)
    assert (sent(alert), matched(alert)) == ([new.pk], {new.pk})


def test_too_many_matches_at_the_start_are_not_listed(owner, monkeypatch):
    monkeypatch.setattr("analysis.delivery.alert_baseline.MAX_MATCHES", 1)
    old = [create_labeled_image(owner, {"Dog": 99.0}) for _ in range(2)]
    alert = create_alert(owner, "dog")
    renew(alert.pk)
    alert.refresh_from_db()
    assert (alert.after_image_id, AlertMatch.objects.count()) == (old[1].pk, 0)
    new = create_labeled_image(owner, {"Dog": 99.0})
    change(*old, new)
    assert sent(alert) == [new.pk]


def test_edited_search_starts_anew(owner):
    alert = create_alert(owner, "dog")
    cat, late = (create_labeled_image(owner, {"Cat": 99.0}) for _ in range(2))
    SavedSearch.objects.filter(pk=alert.saved_search_id).update(query="cat")
    change(late)  # it changed after the edit, so it is new
    change(cat)
    alert.refresh_from_db()
    assert (sent(alert), alert.query) == ([late.pk], "cat")


def test_invalid_search_is_named_and_others_go_on(owner):
    broken, alert = create_alert(owner, "width:"), create_alert(owner, "dog")
    change(create_labeled_image(owner, {"Dog": 99.0}))
    broken.refresh_from_db()
    assert (len(sent(alert)), broken.last_error) == (
        1,
        "width: needs a value; put quotes around several words.",
    )


def test_slow_search_is_named_and_others_go_on(owner, monkeypatch):
    slow, alert = create_alert(owner, "width>=10"), create_alert(owner, "height>=10")
    monkeypatch.setattr(alert_matching, "TOGETHER_SECONDS", 0.0)
    image = create_image(owner)
    change(image)
    assert (matched(slow), matched(alert)) == ({image.pk}, {image.pk})
    Alert.objects.filter(pk=slow.pk).update(last_error="Slow before.")
    monkeypatch.undo()
    monkeypatch.setattr(alert_matching, "ALONE_SECONDS", 0.0)
    change(other := create_image(owner))
    slow.refresh_from_db()
    assert (other.pk in matched(slow), other.pk in matched(alert)) == (False, True)
    assert slow.last_error.startswith("This search takes too long.")


def test_trashed_and_deleted_pictures_never_match(owner):
    alert = create_alert(owner, "")
    image = create_image(owner)
    trash.trash([image.pk])
    image_events.record_changed([image.pk + 1_000])
    events.compare_due()
    assert (matched(alert), ImageEvent.objects.count()) == (set(), 0)
    trash.restore(image.pk, by_id=owner.pk)
    events.compare_due()
    assert matched(alert) == {image.pk}


def test_at_once_by_email_is_one_message_for_several_pictures(owner):
    alert = create_alert(owner, "dog", channel="email")
    change(*(create_labeled_image(owner, {"Dog": 99.0}) for _ in range(3)))
    assert (sent(alert), alert_digests.is_due()) == ([], True)
    assert (alert_digests.compose_due(), alert_digests.is_due()) == (False, False)
    assert (sent(alert), Delivery.objects.get().payload["count"]) == ([None], 3)
    # The next one waits for five minutes.
    change(create_labeled_image(owner, {"Dog": 99.0}))
    alert.refresh_from_db()
    assert not alert_digests.is_due()
    assert 290 < (alert.next_message_at - Delivery.objects.get().created_at).total_seconds() <= 300


@pytest.mark.parametrize("frequency", ["at_once", "daily"])
def test_buckets_and_keys_are_sent_to_their_owners_only(frequency, owner, colleague):
    image = create_bucket_image(create_bucket(owner, name="merger"), "plans/a.jpg", visibility=SHARED)
    for person in (owner, colleague):
        create_alert(person, "name:a.jpg", frequency=frequency)
    change(image)
    Alert.objects.exclude(next_message_at=None).update(next_message_at=Now())
    alert_digests.compose_due()
    payloads = Delivery.objects.order_by("alert").values_list("payload", flat=True)
    sources = [(document["bucket"], document["key"]) for payload in payloads for document in payload["images"]]
    assert sources == [("merger", "plans/a.jpg"), (None, None)]
