"""Duplicates page: groups, keeping one picture, and undo."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.urls import reverse
from PIL import Image as Drawn
from PIL import ImageDraw

from analysis import pipeline
from analysis.curation import duplicate_groups, ratings, verdicts
from analysis.ingest.hashes import signature
from analysis.models import BulkChange, Image, Rating
from analysis.recognition.embeddings import compute
from analysis.search.pagination import Cursor
from tests import pictures
from tests.factories import create_embedding, create_image, create_label, create_labeled_image, label_rows
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
        [int(image_id) for image_id in field["value"].split(",")]
        for field in page.all("input")
        if field.get("name") == "ids"
    ]


def chosen(page: Page) -> list[int]:
    return [int(field["value"]) for field in page.all("input") if "checked" in field]


def keep(browser, image, *others) -> Page:
    ids = ",".join(str(member.pk) for member in (image, *others))
    return Page(browser.post(reverse("duplicates-keep"), {"keep": image.pk, "ids": ids}, follow=True))


def undo(browser, page: Page) -> Page:
    [form] = [form for form in page.all("form") if form.get("action", "").startswith("/undo/")]
    fields = {field["name"]: field["value"] for field in page.all("input") if field.get("name") == "next"}
    return Page(browser.post(form["action"], fields, follow=True))


@pytest.mark.parametrize(
    ("flipped", "is_alike"), [(0, True), (0x0101_0101_0101_01, True), (0x0101_0101_0101_0101, False)]
)
def test_hashes_differ_by_at_most_seven_bits(owner, browser, flipped, is_alike):
    first, second = create_image(owner, phash=HASH), create_image(owner, phash=HASH ^ flipped)
    assert groups(look(browser)) == ([[first.pk, second.pk]] if is_alike else [])


@pytest.mark.parametrize("make", [pictures.text_page, pictures.night_sky])
def test_low_detail_pictures_are_not_duplicates(owner, browser, make):
    for seed in range(3):
        drawing = make(seed)
        create_image(owner, phash=HASH, signature=signature(drawing), width=drawing.width, height=drawing.height)
    assert groups(look(browser)) == []


def on_white(shape: str) -> Drawn.Image:
    """A thing in the middle of a white page.

    All have the same hash and nearly the same colors.
    """
    picture = Drawn.new("RGB", (640, 480), (245, 245, 245))
    pen = ImageDraw.Draw(picture)
    draw = pen.ellipse if shape == "disk" else pen.rectangle
    draw((280, 220, 360, 300), fill="brown")
    return picture


def add(owner, picture: Drawn.Image, **options) -> Image:
    content = pictures.encoded(picture, "jpeg", **options)
    return pipeline.ingest_file(BytesIO(content), name="picture.jpg", owner_id=owner.pk).image


def test_different_things_on_white_are_told_apart_by_embedding(owner, browser):
    square, disk = add(owner, on_white("square")), add(owner, on_white("disk"))
    smaller = add(owner, on_white("square").resize((400, 300)), quality=50)
    assert [set(group) for group in groups(look(browser))] == [
        {square.pk, disk.pk, smaller.pk}
    ]  # before the embeddings are computed
    compute.compute_due()
    assert groups(look(browser)) == [[square.pk, smaller.pk]]


def test_small_pictures_and_other_model_versions_are_not_told_apart(owner, browser):
    small = [create_image(owner, phash=HASH, width=300, height=200) for _ in range(2)]
    other = [create_image(owner, phash=~HASH) for _ in range(2)]
    for images, versions in ((small, ("1", "1")), (other, ("1", "2"))):
        for image, vector, version in zip(images, ([1, 0], [0, 1]), versions, strict=True):
            create_embedding(image, vector, model_version=version)
    assert groups(look(browser)) == [[image.pk for image in other], [image.pk for image in small]]


def test_flat_pictures_of_different_colors_are_not_duplicates(owner, browser):
    for color in ("white", "black", "red", "lime", "blue"):
        content = pictures.encoded(Drawn.new("RGB", (80, 60), color), "png")
        pipeline.ingest_file(BytesIO(content), name=f"{color}.png", owner_id=owner.pk)
    assert groups(look(browser)) == []
    assert not Image.objects.filter(has_duplicate=True).exists()


def test_different_color_or_shape_is_not_a_duplicate(owner, browser):
    fine = bytes(24)
    create_image(owner, phash=HASH, signature=fine + bytes((200, 30, 30)))
    create_image(owner, phash=HASH, signature=fine + bytes((30, 200, 30)))
    create_image(owner, phash=HASH, signature=fine + bytes((200, 30, 30)), width=800, height=800)
    assert groups(look(browser)) == []


def test_hashes_with_the_highest_bit_set_match(owner, browser):
    first, second = create_image(owner, phash=-2), create_image(owner, phash=-1)
    assert groups(look(browser)) == [[first.pk, second.pk]]


def test_hash_with_the_highest_bit_set_matches_one_without(owner, browser):
    first, second = create_image(owner, phash=1), create_image(owner, phash=-(2**63))
    assert groups(look(browser)) == [[first.pk, second.pk]]


def test_best_picture_comes_first_and_is_preselected(owner, browser):
    small = create_image(owner, phash=HASH, width=400, height=300)
    light = create_image(owner, phash=HASH, size=900)
    late = create_image(owner, phash=HASH, size=1000)
    older = create_image(owner, phash=HASH, size=1000, added_at=small.added_at)
    page = look(browser)
    assert groups(page) == [[older.pk, late.pk, light.pk, small.pk]]
    assert chosen(page) == [older.pk]
    assert "400 × 300" in page.text
    assert "JPEG, 900 bytes" in page.text


def test_chain_of_duplicates_is_one_group(owner, browser):
    chain = [create_image(owner, phash=HASH ^ flipped) for flipped in (0, 0x3F, 0x3F_003F)]
    assert [sorted(group) for group in groups(look(browser))] == [[image.pk for image in chain]]


def test_others_pictures_and_trash_are_left_out(owner, colleague, browser):
    create_image(owner, phash=HASH)
    create_image(colleague, phash=HASH, visibility=Image.Visibility.PUBLIC)
    create_image(owner, phash=HASH, trashed_at="2026-01-01T00:00:00Z")
    create_image(owner, phash=None)
    page = look(browser)
    assert groups(page) == []
    assert "No near-duplicates found." in page.text


def test_kept_picture_takes_over_tags_verdicts_and_rating(owner, browser):
    best = create_labeled_image(owner, {"Dog": 70}, phash=HASH, width=2400, height=1600)
    other = create_labeled_image(owner, {"Dog": 60, "Cat": 90}, phash=HASH)
    verdicts.confirm(other.pk, label_id=label_id(other, "Dog"), by_id=owner.pk)
    verdicts.add(other.pk, name="holiday", by_id=owner.pk)
    ratings.set_favorite(other.pk, person_id=owner.pk, is_favorite=True)
    ratings.rate(other.pk, person_id=owner.pk, stars=4)
    page = keep(browser, best, other)
    assert "Kept 1, moved 1 picture to the trash." in page.text
    assert label_rows(best) == {"Dog": 100.0, "holiday": 100.0}
    assert mark_of(best) == (True, 4)
    assert Image.objects.get(pk=other.pk).trashed_at is not None
    assert groups(look(browser)) == []


def test_undo_restores_pictures_tags_and_ratings(owner, browser):
    best = create_labeled_image(owner, {"Dog": 70}, phash=HASH, width=2400, height=1600)
    others = [create_labeled_image(owner, {"Dog": 60}, phash=HASH) for _ in range(2)]
    verdicts.add(others[0].pk, name="holiday", by_id=owner.pk)
    ratings.rate(best.pk, person_id=owner.pk, stars=2)
    ratings.rate(others[1].pk, person_id=owner.pk, stars=5)
    page = undo(browser, keep(browser, best, *others))
    assert "Undone for 2 pictures." in page.text
    assert label_rows(best) == {"Dog": 70.0}
    assert mark_of(best) == (False, 2)
    assert not Image.objects.exclude(trashed_at=None).exists()
    assert [sorted(group) for group in groups(page)] == [[best.pk, *(other.pk for other in others)]]


def test_rejected_label_of_the_kept_picture_stays_rejected(owner, browser):
    best, other = (create_labeled_image(owner, {"Dog": 70}, phash=HASH) for _ in range(2))
    verdicts.reject(best.pk, label_id=label_id(best, "Dog"), by_id=owner.pk)
    verdicts.confirm(other.pk, label_id=label_id(other, "Dog"), by_id=owner.pk)
    keep(browser, best, other)
    assert label_rows(best) == {}


def test_celebrity_is_taken_over(owner, browser):
    best, other = (create_image(owner, phash=HASH) for _ in range(2))
    celebrity = create_label("Ada Lovelace", "celebrity")
    verdicts.decide(other.pk, label_id=celebrity.pk, decision="confirmed", by_id=owner.pk)
    keep(browser, best, other)
    assert [verdict.label for verdict in best.verdicts.all()] == [celebrity]


def test_undo_does_not_count_pictures_it_cannot_restore(owner, browser):
    best, *others = (create_image(owner, phash=HASH) for _ in range(3))
    page = keep(browser, best, *others)
    create_image(owner, sha256=others[0].sha256)  # imported again
    assert "Undone for 1 picture." in undo(browser, page).text


def test_pictures_of_others_are_not_trashed(owner, colleague, signed_in):
    best, other = (create_image(owner, phash=HASH, visibility=Image.Visibility.PUBLIC) for _ in range(2))
    own = create_image(colleague, phash=HASH)
    for keep_image, others in ((best, (other,)), (own, (other,)), (best, (own,))):
        page = keep(signed_in(colleague), keep_image, *others)
        assert "One of these pictures is no longer available. Review them again." in page.text
    assert not Image.objects.exclude(trashed_at=None).exists()


def test_only_the_owner_can_undo(owner, colleague, browser, signed_in):
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
def test_invalid_choice_is_refused(browser, fields, sentence):
    assert sentence in Page(browser.post(reverse("duplicates-keep"), fields, follow=True)).text


def test_undo_keeps_later_ratings(owner, browser):
    best, other = (create_image(owner, phash=HASH) for _ in range(2))
    ratings.rate(best.pk, person_id=owner.pk, stars=2)
    ratings.rate(other.pk, person_id=owner.pk, stars=4)
    ratings.set_favorite(other.pk, person_id=owner.pk, is_favorite=True)
    page = keep(browser, best, other)
    assert mark_of(best) == (True, 4)
    ratings.rate(best.pk, person_id=owner.pk, stars=5)
    undo(browser, page)
    assert mark_of(best) == (False, 5)


def test_undo_keeps_later_verdicts(owner, browser):
    best, other = (create_labeled_image(owner, {"Dog": 70}, phash=HASH) for _ in range(2))
    verdicts.confirm(other.pk, label_id=label_id(other, "Dog"), by_id=owner.pk)
    verdicts.add(other.pk, name="holiday", by_id=owner.pk)
    page = keep(browser, best, other)
    verdicts.reject(best.pk, label_id=label_id(best, "Dog"), by_id=owner.pk)
    undo(browser, page)
    assert label_rows(best) == {}
    assert label_rows(other) == {"Dog": 100.0, "holiday": 100.0}


def test_undo_returns_to_the_same_position(owner, browser):
    best, other = (create_image(owner, phash=HASH) for _ in range(2))
    verdicts.add(other.pk, name="holiday", by_id=owner.pk)
    ratings.rate(other.pk, person_id=owner.pk, stars=4)
    position = str(Cursor(best.added_at, best.pk))
    fields = {"keep": best.pk, "ids": f"{best.pk},{other.pk}", "after": position}
    page = Page(browser.post(reverse("duplicates-keep"), fields, follow=True))
    change = BulkChange.objects.get()
    assert (change.action, change.number) == ("keep", 1)
    assert [field["value"] for field in page.all("input") if field.get("name") == "next"][-1] == (
        f"/duplicates/?after={position}"
    )


def test_pictures_are_compared_in_bounded_steps(owner, browser, monkeypatch):
    monkeypatch.setattr(duplicate_groups, "STEP", 2)
    monkeypatch.setattr(duplicate_groups, "MAX_SCANNED", 4)
    old = [create_image(owner, phash=HASH) for _ in range(2)]
    [create_image(owner, phash=bits) for bits in (0x1234_5678_9ABC_DEF0, 0x0FED_CBA9_8765_4321)]
    new = [create_image(owner, phash=~HASH) for _ in range(2)]
    first = look(browser)
    assert groups(first) == [[image.pk for image in new]]
    second = Page(browser.get(first.links["Check older pictures"]))
    assert groups(second) == [[image.pk for image in old]]
    assert second.links["Back to newest"] == reverse("duplicates")


def test_group_across_steps_is_shown_once(owner, browser, monkeypatch):
    monkeypatch.setattr(duplicate_groups, "STEP", 1)
    images = [create_image(owner, phash=HASH) for _ in range(3)]
    assert groups(look(browser)) == [[image.pk for image in images]]


def test_nothing_is_inline_and_hostile_names_stay_text(owner, browser):
    for _ in range(2):
        create_image(owner, phash=HASH, filename='"><img src=x onerror=alert(1)>.jpg')
    page = look(browser)
    assert page.inline() == []
    assert [image for image in page.all("img") if image["src"] == "x"] == []


@pytest.mark.parametrize("number", [1, 3])
def test_page_takes_fifteen_queries(owner, browser, number, django_assert_num_queries):
    for group in range(number):
        for _ in range(2):
            create_labeled_image(owner, {"Dog": 99}, phash=(0x0F0F_0F0F_0F0F_0F0F * (group + 1)) & (2**63 - 1))
    # Session, person, groups; hashes, pairs, their signatures, marked ones, images; tags, sensitive ones, ratings,
    # marked ones; exact copies.
    with django_assert_num_queries(15):
        assert len(groups(look(browser))) == number


def label_id(image: Image, name: str) -> int:
    return image.image_labels.get(label__name=name).label_id


def mark_of(image: Image) -> tuple[bool, int | None]:
    rating = Rating.objects.get(image=image)
    return rating.is_favorite, rating.rating
