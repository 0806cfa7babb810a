"""The duplicates page: one's own like pictures side by side; one is kept, takes over what was said, and back again."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.urls import reverse
from PIL import Image as Drawn

from analysis import pipeline
from analysis.curation import duplicates, ratings, verdicts
from analysis.ingest.hashes import signature
from analysis.models import BulkChange, Image, Rating
from analysis.search.pagination import Cursor
from tests import pictures
from tests.factories import create_image, create_label, create_labeled_image, label_rows
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HASH = 0x0F0F_3333_5555_7171


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def look(browser, **parameters) -> Page:
    return Page(browser.get(reverse("duplicates"), parameters))


def groups(page: Page) -> list[list[int]]:
    return [
        [int(each) for each in field["value"].split(",")] for field in page.all("input") if field.get("name") == "ids"
    ]


def chosen(page: Page) -> list[int]:
    return [int(each["value"]) for each in page.all("input") if "checked" in each]


def keep(browser, image, *others) -> Page:
    ids = ",".join(str(each.pk) for each in (image, *others))
    return Page(browser.post(reverse("duplicates-keep"), {"keep": image.pk, "ids": ids}, follow=True))


def undo(browser, page: Page) -> Page:
    [form] = [each for each in page.all("form") if each.get("action", "").startswith("/undo/")]
    fields = {each["name"]: each["value"] for each in page.all("input") if each.get("name") == "next"}
    return Page(browser.post(form["action"], fields, follow=True))


@pytest.mark.parametrize(
    ("flipped", "is_alike"), [(0, True), (0x0101_0101_0101_01, True), (0x0101_0101_0101_0101, False)]
)
def test_pictures_are_alike_up_to_seven_bits(owner, browser, flipped, is_alike):
    first, second = create_image(owner, phash=HASH), create_image(owner, phash=HASH ^ flipped)
    assert groups(look(browser)) == ([[first.pk, second.pk]] if is_alike else [])


@pytest.mark.parametrize("make", [pictures.text_page, pictures.night_sky])
def test_pictures_with_little_in_them_are_no_duplicates_of_one_another(owner, browser, make):
    for seed in range(3):
        shown = make(seed)
        create_image(owner, phash=HASH, signature=signature(shown), width=shown.width, height=shown.height)
    assert groups(look(browser)) == []


def test_flat_pictures_of_other_colors_are_no_duplicates(owner, browser):
    for color in ("white", "black", "red", "lime", "blue"):
        content = pictures.encoded(Drawn.new("RGB", (80, 60), color), "png")
        pipeline.ingest_file(BytesIO(content), name=f"{color}.png", owner_id=owner.pk)
    assert groups(look(browser)) == []
    assert not Image.objects.filter(has_duplicate=True).exists()


def test_pictures_of_another_color_or_shape_are_no_duplicates(owner, browser):
    fine = bytes(24)
    create_image(owner, phash=HASH, signature=fine + bytes((200, 30, 30)))
    create_image(owner, phash=HASH, signature=fine + bytes((30, 200, 30)))
    create_image(owner, phash=HASH, signature=fine + bytes((200, 30, 30)), width=800, height=800)
    assert groups(look(browser)) == []


def test_a_hash_with_its_highest_bit_set_is_found(owner, browser):
    first, second = create_image(owner, phash=-2), create_image(owner, phash=-1)
    assert groups(look(browser)) == [[first.pk, second.pk]]


def test_a_hash_with_its_highest_bit_set_is_like_one_without(owner, browser):
    first, second = create_image(owner, phash=1), create_image(owner, phash=-(2**63))
    assert groups(look(browser)) == [[first.pk, second.pk]]


def test_the_best_comes_first_and_is_chosen(owner, browser):
    small = create_image(owner, phash=HASH, width=400, height=300)
    light = create_image(owner, phash=HASH, size=900)
    late = create_image(owner, phash=HASH, size=1000)
    older = create_image(owner, phash=HASH, size=1000, added_at=small.added_at)
    page = look(browser)
    assert groups(page) == [[older.pk, late.pk, light.pk, small.pk]]
    assert chosen(page) == [older.pk]
    assert "400 × 300" in page.text
    assert "JPEG, 900 bytes" in page.text


def test_what_is_like_what_is_like_it_is_one_group(owner, browser):
    chain = [create_image(owner, phash=HASH ^ flipped) for flipped in (0, 0x3F, 0x3F_003F)]
    assert [sorted(group) for group in groups(look(browser))] == [[each.pk for each in chain]]


def test_others_pictures_and_those_in_the_trash_are_none_of_them(owner, colleague, browser):
    create_image(owner, phash=HASH)
    create_image(colleague, phash=HASH, visibility=Image.Visibility.PUBLIC)
    create_image(owner, phash=HASH, trashed_at="2026-01-01T00:00:00Z")
    create_image(owner, phash=None)
    page = look(browser)
    assert groups(page) == []
    assert "No two of your pictures look nearly the same." in page.text


def test_the_one_that_is_kept_takes_over_what_people_said(owner, browser):
    best = create_labeled_image(owner, {"Dog": 70}, phash=HASH, width=2400, height=1600)
    other = create_labeled_image(owner, {"Dog": 60, "Cat": 90}, phash=HASH)
    verdicts.confirm(other.pk, label_id=label_id(other, "Dog"), by_id=owner.pk)
    verdicts.add(other.pk, name="holiday", by_id=owner.pk)
    ratings.set_favorite(other.pk, person_id=owner.pk, is_favorite=True)
    ratings.rate(other.pk, person_id=owner.pk, stars=4)
    page = keep(browser, best, other)
    assert "Kept one, moved 1 picture to the trash." in page.text
    assert label_rows(best) == {"Dog": 100.0, "holiday": 100.0}
    assert mark_of(best) == (True, 4)
    assert Image.objects.get(pk=other.pk).trashed_at is not None
    assert groups(look(browser)) == []


def test_all_of_it_can_be_taken_back(owner, browser):
    best = create_labeled_image(owner, {"Dog": 70}, phash=HASH, width=2400, height=1600)
    others = [create_labeled_image(owner, {"Dog": 60}, phash=HASH) for _ in range(2)]
    verdicts.add(others[0].pk, name="holiday", by_id=owner.pk)
    ratings.rate(best.pk, person_id=owner.pk, stars=2)
    ratings.rate(others[1].pk, person_id=owner.pk, stars=5)
    told = undo(browser, keep(browser, best, *others))
    assert "Undone on 2 pictures." in told.text
    assert label_rows(best) == {"Dog": 70.0}
    assert mark_of(best) == (False, 2)
    assert not Image.objects.exclude(trashed_at=None).exists()
    assert [sorted(group) for group in groups(told)] == [[best.pk, *(each.pk for each in others)]]


def test_what_was_rejected_on_the_kept_one_stays_rejected(owner, browser):
    best, other = (create_labeled_image(owner, {"Dog": 70}, phash=HASH) for _ in range(2))
    verdicts.reject(best.pk, label_id=label_id(best, "Dog"), by_id=owner.pk)
    verdicts.confirm(other.pk, label_id=label_id(other, "Dog"), by_id=owner.pk)
    keep(browser, best, other)
    assert label_rows(best) == {}


def test_a_celebrity_stays_one_on_the_kept_one(owner, browser):
    best, other = (create_image(owner, phash=HASH) for _ in range(2))
    celebrity = create_label("Ada Lovelace", "celebrity")
    verdicts.decide(other.pk, label_id=celebrity.pk, decision="confirmed", by_id=owner.pk)
    keep(browser, best, other)
    assert [verdict.label for verdict in best.verdicts.all()] == [celebrity]


def test_what_cannot_be_brought_back_is_not_counted(owner, browser):
    best, *others = (create_image(owner, phash=HASH) for _ in range(3))
    told = keep(browser, best, *others)
    create_image(owner, sha256=others[0].sha256)  # brought in again
    assert "Undone on 1 picture." in undo(browser, told).text


def test_nobody_trashes_what_is_not_theirs(owner, colleague, signed_in):
    best, other = (create_image(owner, phash=HASH, visibility=Image.Visibility.PUBLIC) for _ in range(2))
    own = create_image(colleague, phash=HASH)
    for kept, others in ((best, (other,)), (own, (other,)), (best, (own,))):
        page = keep(signed_in(colleague), kept, *others)
        assert "One of these pictures is no longer available. Review them again." in page.text
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_nobody_takes_back_for_somebody_else(owner, colleague, browser, signed_in):
    best, other = (create_image(owner, phash=HASH) for _ in range(2))
    done = keep(browser, best, other)
    assert "This can no longer be undone." in undo(signed_in(colleague), done).text
    assert Image.objects.exclude(trashed_at=None).get() == other


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose the picture to keep."),
        ({"keep": "1", "ids": "2,3"}, "Choose the picture to keep."),
        ({"keep": "1", "ids": "1"}, "Select at least two pictures and choose the one to keep."),
        ({"keep": "1", "ids": "1,x,2"}, "One of these pictures is no longer available. Review them again."),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(browser, fields, sentence):
    assert sentence in Page(browser.post(reverse("duplicates-keep"), fields, follow=True)).text


def test_stars_and_hearts_given_since_stay_when_it_is_taken_back(owner, browser):
    best, other = (create_image(owner, phash=HASH) for _ in range(2))
    ratings.rate(best.pk, person_id=owner.pk, stars=2)
    ratings.rate(other.pk, person_id=owner.pk, stars=4)
    ratings.set_favorite(other.pk, person_id=owner.pk, is_favorite=True)
    told = keep(browser, best, other)
    assert mark_of(best) == (True, 4)
    ratings.rate(best.pk, person_id=owner.pk, stars=5)
    undo(browser, told)
    assert mark_of(best) == (False, 5)


def test_words_given_since_stay_when_it_is_taken_back(owner, browser):
    best, other = (create_labeled_image(owner, {"Dog": 70}, phash=HASH) for _ in range(2))
    verdicts.confirm(other.pk, label_id=label_id(other, "Dog"), by_id=owner.pk)
    verdicts.add(other.pk, name="holiday", by_id=owner.pk)
    told = keep(browser, best, other)
    verdicts.reject(best.pk, label_id=label_id(best, "Dog"), by_id=owner.pk)
    undo(browser, told)
    assert label_rows(best) == {}
    assert label_rows(other) == {"Dog": 100.0, "holiday": 100.0}


def test_it_is_one_change_and_its_undo_leads_back_to_the_place(owner, browser):
    best, other = (create_image(owner, phash=HASH) for _ in range(2))
    verdicts.add(other.pk, name="holiday", by_id=owner.pk)
    ratings.rate(other.pk, person_id=owner.pk, stars=4)
    place = str(Cursor(best.added_at, best.pk))
    fields = {"keep": best.pk, "ids": f"{best.pk},{other.pk}", "after": place}
    told = Page(browser.post(reverse("duplicates-keep"), fields, follow=True))
    change = BulkChange.objects.get()
    assert (change.action, change.number) == ("keep", 1)
    assert [each["value"] for each in told.all("input") if each.get("name") == "next"][-1] == (
        f"/duplicates/?after={place}"
    )


def test_pictures_are_looked_through_in_bounded_steps(owner, browser, monkeypatch):
    monkeypatch.setattr(duplicates, "STEP", 2)
    monkeypatch.setattr(duplicates, "MAX_SCANNED", 4)
    old = [create_image(owner, phash=HASH) for _ in range(2)]
    [create_image(owner, phash=bits) for bits in (0x1234_5678_9ABC_DEF0, 0x0FED_CBA9_8765_4321)]
    new = [create_image(owner, phash=~HASH) for _ in range(2)]
    first = look(browser)
    assert groups(first) == [[each.pk for each in new]]
    second = Page(browser.get(first.links["Look through older pictures"]))
    assert groups(second) == [[each.pk for each in old]]
    assert second.links["From the newest"] == reverse("duplicates")


def test_a_group_is_shown_once_though_it_spans_steps(owner, browser, monkeypatch):
    monkeypatch.setattr(duplicates, "STEP", 1)
    images = [create_image(owner, phash=HASH) for _ in range(3)]
    assert groups(look(browser)) == [[each.pk for each in images]]


def test_nothing_is_inline_and_hostile_names_stay_text(owner, browser):
    for _ in range(2):
        create_image(owner, phash=HASH, filename='"><img src=x onerror=alert(1)>.jpg')
    page = look(browser)
    assert page.inline() == []
    assert [each for each in page.all("img") if each["src"] == "x"] == []


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_nine_queries(owner, browser, number, django_assert_num_queries):
    for group in range(number):
        for _ in range(2):
            create_labeled_image(owner, {"Dog": 99}, phash=(0x0F0F_0F0F_0F0F_0F0F * (group + 1)) & (2**63 - 1))
    # Session, person; pictures, hashes, closer comparison of pairs and the others; tags, which are sensitive, marks.
    with django_assert_num_queries(9):
        assert len(groups(look(browser))) == number


def label_id(image: Image, name: str) -> int:
    return image.image_labels.get(label__name=name).label_id


def mark_of(image: Image) -> tuple[bool, int | None]:
    mark = Rating.objects.get(image=image)
    return mark.is_favorite, mark.rating
