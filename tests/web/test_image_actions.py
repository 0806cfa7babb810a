"""A person's word on the page of a picture: said with and without a script, seen with who and when, taken back."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from analysis.curation import trash, verdicts
from analysis.models import BulkChange, ChangedImage, Image, ImageIndex, Label, LabelAlias, Rating, Verdict
from tests import rekognition_responses
from tests.factories import create_analysis, create_image, create_label, create_labeled_image, label_rows
from tests.web.pages import Page, address_for

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


@pytest.fixture
def image(owner):
    return create_labeled_image(owner, {"Dog": 62.5, "Cat": 90})


def look(browser, image, **parameters) -> Page:
    return Page(browser.get(address_for(browser, image), parameters))


def post(browser, view, image, query="", **fields):
    return browser.post(reverse(view, args=[image.pk]) + query, fields)


def swap(browser, view, image, **fields) -> Page:
    """What a script swaps in."""
    return Page(browser.post(reverse(view, args=[image.pk]), fields, **HTMX))


def button(page: Page, name: str) -> dict[str, str] | None:
    """A button by its id, as its form sends it."""
    found = page.by_id(name)
    return found and {found["name"]: found["value"]}


# --- Labels ---


def test_confirmed_says_who_when_and_what_the_machine_found(browser, image):
    dog = create_label("Dog").pk
    page = swap(browser, "image-verdict", image, **button(look(browser, image), f"confirm-{dog}"))
    assert "Dog 100 % Confirmed by you just now; found at 62 % Cat 90 %" in page.text
    assert page.by_id(f"confirm-{dog}")["aria-pressed"] == "true"
    back = swap(browser, "image-verdict", image, **button(page, f"confirm-{dog}"))
    assert "Cat 90 % Dog 62 %" in back.text
    assert back.by_id(f"confirm-{dog}")["aria-pressed"] == "false"


def test_rejected_stays_to_be_seen_without_its_box_and_can_be_undone(browser, owner):
    image = create_image(owner)
    found = {
        "Labels": [
            rekognition_responses.label("Dog", 62, instances=(rekognition_responses.instance(),)),
            rekognition_responses.label("Cat", 90),
        ]
    }
    create_analysis(image, state="done", answer=found)
    verdicts.clear(image.pk, label_id=create_label("Dog").pk)
    dog = create_label("Dog").pk
    verdicts.reindex([image.pk])
    page = swap(browser, "image-verdict", image, **button(look(browser, image), f"reject-{dog}"))
    assert "Rejected Dog Undo Rejected by you just now; found at 62 %" in page.text
    assert ("Dog" in page.links, page.all("rect", "box")) == (False, [])
    back = swap(browser, "image-verdict", image, **button(page, f"reject-{dog}"))
    assert ("Rejected" in back.text, len(back.all("rect", "box"))) == (False, 1)
    assert label_rows(image) == {"Dog": 62, "Cat": 90}


def test_saying_it_twice_is_saying_it_once(browser, image):
    dog = create_label("Dog").pk
    for _ in range(2):
        assert post(browser, "image-verdict", image, confirm=dog).status_code == 302
    for _ in range(2):
        post(browser, "image-verdict", image, reject=dog)
    assert list(image.verdicts.values_list("decision", flat=True)) == ["rejected"]
    for _ in range(2):
        post(browser, "image-verdict", image, unsay=dog)
    assert label_rows(image) == {"Dog": 62.5, "Cat": 90}


def test_without_a_script_one_is_led_back_into_the_search(browser, image):
    answer = post(browser, "image-verdict", image, "?q=dog", reject=create_label("Cat").pk)
    assert answer.url == f"/images/{image.pk}/?q=dog"
    page = look(browser, image, q="dog")
    assert "Rejected Cat Undo" in page.text
    assert {each["action"] for each in page.all("form", "labels")} == {f"/images/{image.pk}/verdict/?q=dog"}


def test_another_persons_word_is_theirs_and_nobody_who_is_not_signed_in_learns_names(
    owner, colleague, nobody, signed_in, image
):
    image = create_labeled_image(owner, {"Dog": 62.5}, visibility=Image.Visibility.PUBLIC)
    colleague.first_name, colleague.last_name = "Ada", "Lovelace"
    colleague.save()
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=colleague.pk)
    assert "Confirmed by Ada Lovelace just now" in look(signed_in(owner), image).text
    assert "Confirmed by a person just now" in look(nobody, image).text


def test_who_only_looks_has_nothing_to_press_but_the_own_marks(colleague, nobody, owner, signed_in):
    image = create_labeled_image(owner, {"Dog": 62.5}, visibility=Image.Visibility.PUBLIC)
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    page = look(signed_in(colleague), image)
    menu, marks = ["show"], ["favorite", *["stars"] * 5]
    assert [each["name"] for each in page.all("button") if each.get("name")] == [*menu, *marks]
    assert page.links["holiday"] == "/?q=tag%3Aholiday"
    assert [each for each in look(nobody, image).all("button") if each.get("name")] == []


def test_a_label_that_went_away_meanwhile_is_refused_in_a_sentence(browser, image):
    sentence = "This label is not on the picture any more."
    assert sentence in swap(browser, "image-verdict", image, confirm=10**8).text
    post(browser, "image-verdict", image, confirm=10**8)
    assert sentence in look(browser, image).text
    assert sentence not in look(browser, image).text


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("image-verdict", {}, "Say which label."),
        ("image-verdict", {"confirm": "Dog"}, "Say which label."),
        ("add-label", {}, "A tag needs at least one letter, digit or sign."),
        ("add-label", {"name": "\x00 \n"}, "A tag needs at least one letter, digit or sign."),
        ("add-label", {"name": "a" * 201}, "A tag has at most 200 characters; this one has 201."),
        ("image-rating", {}, "Choose 1 to 5 stars, or 0 for none."),
        ("image-rating", {"stars": "6"}, "A rating is 1 to 5 stars, or 0 for none."),
        ("image-visibility", {"visibility": "3"}, "Choose who may see it: private, shared or public."),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence_and_changes_nothing(browser, image, name, fields, sentence):
    assert sentence in swap(browser, name, image, **fields).text
    assert (image.verdicts.count(), Rating.objects.count(), Label.objects.count()) == (0, 0, 2)


# --- Tags ---


def test_a_tag_is_added_and_taken_off_and_undo_puts_it_back_as_it_was_said(browser, image):
    added = swap(browser, "add-label", image, name="summer holiday")
    assert added.links["summer holiday"] == "/?q=tag%3A%22summer+holiday%22"
    tag = create_label("summer holiday", "tag").pk
    said = Verdict.objects.values("by", "decided_at", "decision").get(label=tag)
    gone = swap(browser, "remove-tag", image, **button(added, f"tag-{tag}"))
    assert "Took “summer holiday” off. Undo" in gone.text
    assert ("summer holiday" in gone.links, label_rows(image)) == (False, {"Dog": 62.5, "Cat": 90})
    assert swap(browser, "remove-tag", image, tag=tag).all("div", "toast") == []
    [undo] = [each["action"] for each in gone.all("form") if each["action"].endswith("/undo/")]
    fields = {each["name"]: each["value"] for each in gone.all("input") if each["name"] == "change"}
    back = Page(browser.post(undo, fields, **HTMX))
    assert "summer holiday" in back.links
    assert Verdict.objects.values("by", "decided_at", "decision").get(label=tag) == said
    assert "This is undone already." in Page(browser.post(undo, fields, **HTMX)).text


def test_a_tag_added_again_meanwhile_stays_as_it_is(browser, image):
    swap(browser, "add-label", image, name="party")
    gone = swap(browser, "remove-tag", image, tag=create_label("party", "tag").pk)
    swap(browser, "add-label", image, name="party")
    fields = {each["name"]: each["value"] for each in gone.all("input") if each["name"] == "change"}
    told = swap(browser, "image-undo", image, **fields)
    assert "Somebody changed it since; it stays as it is." in told.text


def test_the_field_is_emptied_only_when_the_word_was_taken(browser, image):
    address = reverse("add-label", args=[image.pk])
    assert browser.post(address, {"name": "holiday"}, **HTMX)["HX-Trigger"] == "labelAdded"
    assert "HX-Trigger" not in browser.post(address, {"name": " "}, **HTMX)


def test_a_label_that_a_person_added_is_taken_back_by_rejecting_it(browser, owner):
    image = create_image(owner)
    create_label("Dog")
    page = swap(browser, "add-label", image, name="dog")
    assert "Other Dog 100 % Added by you just now" in page.text
    assert page.by_id(f"confirm-{create_label('Dog').pk}") is None
    gone = swap(browser, "image-verdict", image, **button(page, f"reject-{create_label('Dog').pk}"))
    assert ("Dog" in gone.text, image.verdicts.count()) == (False, 0)


def test_a_label_is_no_tag_to_be_taken_off(browser, image):
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=image.owner_id)
    post(browser, "remove-tag", image, tag=create_label("Dog").pk)
    assert label_rows(image)["Dog"] == 100


def test_hostile_words_stay_text(browser, image):
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    swap(browser, "add-label", image, name=hostile)
    for page in (look(browser, image), swap(browser, "remove-tag", image, tag=Label.objects.get(kind="tag").pk)):
        assert page.inline() == []
        assert hostile in page.text
        assert [each for each in page.all("img") if each["src"] == "x"] == []


def offered(browser, text: str) -> list[tuple[str, str]]:
    page = Page(browser.get(reverse("autocomplete-labels"), {"q": text}))
    return [(each["id"], each["data-text"]) for each in page.all("li")]


def test_names_are_offered_of_labels_and_tags_one_can_meet(browser, owner, stranger, signed_in):
    image = create_labeled_image(owner, {"Dog": 62.5, "Dogwood": 60})
    LabelAlias.objects.create(name="Hound", label=create_label("Dog"))
    verdicts.add(image.pk, name="dog show", by_id=owner.pk)
    create_labeled_image(stranger, {"Doghouse": 99})
    assert sorted(name for _, name in offered(browser, " dog ")) == ["Dog", "Dogwood", "dog show"]
    assert offered(browser, "houn") == [("name-1", "Dog")]
    assert offered(signed_in(stranger), "dog") == [("name-1", "Doghouse")]
    assert [offered(browser, text) for text in ("", "\x00", "x" * 5_000, "zebra")] == [[]] * 4


# --- Marks ---


def test_favorite_and_stars_are_each_persons_own(owner, colleague, signed_in):
    image = create_image(owner, visibility=Image.Visibility.SHARED)
    mine, theirs = signed_in(owner), signed_in(colleague)
    page = swap(mine, "image-rating", image, **button(look(mine, image), "favorite"))
    page = swap(mine, "image-rating", image, **button(page, "star-4"))
    assert page.by_id("favorite")["aria-pressed"] == "true"
    assert [each["value"] for each in page.all("button", "is-given")] == ["1", "2", "3", "0"]
    other = look(theirs, image)
    assert (other.by_id("favorite")["aria-pressed"], other.all("button", "is-given")) == ("false", [])
    page = swap(mine, "image-rating", image, **button(page, "star-4"))
    swap(mine, "image-rating", image, **button(page, "favorite"))
    assert not Rating.objects.exists()


# --- Who may see it, and the trash ---


def test_who_may_see_it_is_changed_told_and_undone(browser, image, nobody):
    assert look(nobody, image).text == look(nobody, create_image(image.owner)).text  # neither is there
    page = swap(browser, "image-visibility", image, visibility="2")
    assert "Everyone with its address can see it now. Undo" in page.text
    image.refresh_from_db()
    address = image.get_public_url()
    assert page.links["Public link"] == address
    assert nobody.get(address).status_code == 200
    assert nobody.get(image.get_absolute_url()).status_code == 404
    assert ImageIndex.objects.get(image=image).visibility == Image.Visibility.PUBLIC
    [undo] = [each["action"] for each in page.all("form") if "hx-post" not in each]
    assert {"type": "hidden", "name": "visibility", "value": "0"} in page.all("input")
    browser.post(undo, {"visibility": "0"})
    assert nobody.get(address).status_code == 404
    swap(browser, "image-visibility", image, visibility="2")
    assert nobody.get(address).status_code == 404  # made public again it has another address
    swap(browser, "image-visibility", image, visibility="0")
    assert swap(browser, "image-visibility", image, visibility="0").all("div", "toast") == []


def test_discarded_it_is_seen_by_its_owner_alone_who_may_restore_it(browser, owner, colleague, signed_in):
    image = create_labeled_image(owner, {"Dog": 62.5}, visibility=Image.Visibility.PUBLIC)
    answer = post(browser, "image-trash", image, "?q=dog")
    assert answer.url == f"/images/{image.pk}/?q=dog"
    page = look(browser, image)
    assert "Moved to the trash just now. Only you can open it" in page.text
    assert "Moved to the trash. Undo" in page.text
    assert "Its labels are there again when it is restored." in page.text
    assert (page.by_id("add-label"), page.by_id("visibility")) == (None, None)
    assert signed_in(colleague).get(image.get_absolute_url()).status_code == 404
    assert "/restore/?q=dog" in " ".join(each.get("action", "") for each in page.all("form"))
    post(browser, "restore", image)
    assert "Dog 62 %" in look(browser, image).text


def test_a_script_that_discards_or_restores_loads_the_page_anew(browser, image):
    for name in ("image-trash", "restore"):
        answer = browser.post(reverse(name, args=[image.pk]), **HTMX)
        assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


def test_what_was_brought_in_again_is_not_restored_and_says_so(browser, image):
    trash.trash([image.pk])
    create_image(image.owner, sha256=image.sha256)
    post(browser, "restore", image)
    page = look(browser, image)
    assert "The same picture was brought in again meanwhile; move that one to the trash first" in page.text
    assert "Only you can open it" in page.text


def test_nothing_is_changed_without_the_pages_own_token(owner, image):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    for name in (
        "image-verdict",
        "add-label",
        "remove-tag",
        "image-rating",
        "image-visibility",
        "image-trash",
        "restore",
    ):
        answer = post(browser, name, image, confirm=create_label("Dog").pk, name="x", favorite="1", visibility="2")
        assert answer.status_code == 403
    assert label_rows(image) == {"Dog": 62.5, "Cat": 90}


@pytest.mark.parametrize("number", [1, 3])
def test_an_answer_takes_the_same_queries_however_much_was_said(browser, owner, number, django_assert_num_queries):
    image = create_labeled_image(owner, {f"Label_{each}": 90.0 for each in range(number)})
    for each in range(number):
        verdicts.add(image.pk, name=f"tag {each}", by_id=owner.pk)
    said = {"unsay": 10**8}
    # session, person; picture; transaction begun and ended, picture locked, verdict looked for; best labels; latest
    # and current analyses, verdicts, labels; one's own mark
    with django_assert_num_queries(14):
        browser.post(reverse("image-verdict", args=[image.pk]), said, **HTMX)


def test_what_goes_on_in_the_background_is_undone_there_from_this_page_too(browser, image, owner):
    change = BulkChange.objects.create(person=owner, action="trash", is_open=True)
    ChangedImage.objects.create(change=change, image_id=image.pk, before={})
    told = Page(browser.post(reverse("image-undo", args=[image.pk]), {"change": change.pk}, **HTMX))
    assert "It is undone in the background." in told.text
    change.refresh_from_db()
    assert (change.is_open, change.undone_at is None) == (True, False)
