"""Actions on the image page, with and without JavaScript, and Undo."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from analysis.curation import trash, verdicts
from analysis.models import BulkChange, ChangedImage, Image, ImageIndex, Label, LabelAlias, Rating, Verdict
from analysis.recognition.reindex_images import reindex
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
    """The fragment that htmx gets."""
    return Page(browser.post(reverse(view, args=[image.pk]), fields, **HTMX))


def button(page: Page, name: str) -> dict[str, str] | None:
    """A button by its id, as its form sends it."""
    button = page.by_id(name)
    return button and {button["name"]: button["value"]}


# --- Labels ---


def test_confirmation_shows_author_date_and_detected_confidence(browser, image):
    dog = create_label("Dog").pk
    page = swap(browser, "image-verdict", image, **button(look(browser, image), f"confirm-{dog}"))
    assert "Dog 100 % Confirmed by you just now; detected at 62 % Cat 90 %" in page.text
    assert page.by_id(f"confirm-{dog}")["aria-pressed"] == "true"
    back = swap(browser, "image-verdict", image, **button(page, f"confirm-{dog}"))
    assert "Cat 90 % Dog 62 %" in back.text
    assert back.by_id(f"confirm-{dog}")["aria-pressed"] == "false"


def test_rejected_label_is_listed_without_box_and_can_be_undone(browser, owner):
    image = create_image(owner)
    response = {
        "Labels": [
            rekognition_responses.label("Dog", 62, instances=(rekognition_responses.instance(),)),
            rekognition_responses.label("Cat", 90),
        ]
    }
    create_analysis(image, state="done", answer=response)
    verdicts.clear(image.pk, label_id=create_label("Dog").pk, by_id=image.owner_id)
    dog = create_label("Dog").pk
    reindex([image.pk])
    page = swap(browser, "image-verdict", image, **button(look(browser, image), f"reject-{dog}"))
    assert "Rejected Dog Undo Rejected by you just now; detected at 62 %" in page.text
    assert ("Dog" in page.links, page.all("rect", "box")) == (False, [])
    back = swap(browser, "image-verdict", image, **button(page, f"reject-{dog}"))
    assert ("Rejected" in back.text, len(back.all("rect", "box"))) == (False, 1)
    assert label_rows(image) == {"Dog": 62, "Cat": 90}


def test_repeated_verdict_is_stored_once(browser, image):
    dog = create_label("Dog").pk
    for _ in range(2):
        assert post(browser, "image-verdict", image, confirm=dog).status_code == 302
    for _ in range(2):
        post(browser, "image-verdict", image, reject=dog)
    assert list(image.verdicts.values_list("decision", flat=True)) == ["rejected"]
    for _ in range(2):
        post(browser, "image-verdict", image, clear=dog)
    assert label_rows(image) == {"Dog": 62.5, "Cat": 90}


def test_redirect_without_javascript_keeps_the_search(browser, image):
    answer = post(browser, "image-verdict", image, "?q=dog", reject=create_label("Cat").pk)
    assert answer.url == f"/images/{image.pk}/?q=dog"
    page = look(browser, image, q="dog")
    assert "Rejected Cat Undo" in page.text
    assert {element["action"] for element in page.all("form", "labels")} == {f"/images/{image.pk}/verdict/?q=dog"}


def test_verdict_names_its_author_to_signed_in_people_only(owner, colleague, nobody, signed_in, image):
    image = create_labeled_image(owner, {"Dog": 62.5}, visibility=Image.Visibility.PUBLIC)
    colleague.first_name, colleague.last_name = "Ada", "Lovelace"
    colleague.save()
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=colleague.pk)
    assert "Confirmed by Ada Lovelace just now" in look(signed_in(owner), image).text
    assert "Confirmed by a person just now" in look(nobody, image).text


def test_viewers_can_only_rate(colleague, nobody, owner, signed_in):
    image = create_labeled_image(owner, {"Dog": 62.5}, visibility=Image.Visibility.PUBLIC)
    verdicts.add(image.pk, name="holiday", by_id=owner.pk)
    page = look(signed_in(colleague), image)
    menu, marks = [*["theme"] * 3, "show"], ["favorite", *["stars"] * 5]
    assert [element["name"] for element in page.all("button") if element.get("name")] == [*menu, *marks]
    assert page.links["holiday"] == "/?q=tag%3Aholiday"
    assert [element for element in look(nobody, image).all("button") if element.get("name")] == []


def test_verdict_on_a_removed_label_is_refused(browser, image):
    sentence = "This label is no longer on the picture."
    assert sentence in swap(browser, "image-verdict", image, confirm=10**8).text
    post(browser, "image-verdict", image, confirm=10**8)
    assert sentence in look(browser, image).text
    assert sentence not in look(browser, image).text


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("image-verdict", {}, "Choose a label."),
        ("image-verdict", {"confirm": "Dog"}, "Choose a label."),
        ("add-label", {}, "Tag can't be empty."),
        ("add-label", {"name": "\x00 \n"}, "Tag can't be empty."),
        ("add-label", {"name": "a" * 201}, "A tag can have at most 200 characters; this one has 201."),
        ("image-rating", {}, "Choose 1 to 5 stars, or 0 to clear the rating."),
        ("image-rating", {"stars": "6"}, "A rating is 1 to 5 stars, or 0 for none."),
        ("image-visibility", {"visibility": "3"}, "Choose a visibility: private, shared or public."),
    ],
)
def test_invalid_action_is_refused_and_changes_nothing(browser, image, name, fields, sentence):
    assert sentence in swap(browser, name, image, **fields).text
    assert (image.verdicts.count(), Rating.objects.count(), Label.objects.count()) == (0, 0, 2)


# --- Tags ---


def test_tag_is_added_removed_and_restored_with_its_author(browser, image):
    added = swap(browser, "add-label", image, name="summer holiday")
    assert added.links["summer holiday"] == "/?q=tag%3A%22summer+holiday%22"
    tag = create_label("summer holiday", "tag").pk
    verdict = Verdict.objects.values("by", "decided_at", "decision").get(label=tag)
    gone = swap(browser, "remove-tag", image, **button(added, f"tag-{tag}"))
    assert "Removed tag “summer holiday”. Undo" in gone.text
    assert ("summer holiday" in gone.links, label_rows(image)) == (False, {"Dog": 62.5, "Cat": 90})
    assert swap(browser, "remove-tag", image, tag=tag).all("div", "toast") == []
    [undo] = [element["action"] for element in gone.all("form") if element["action"].endswith("/undo/")]
    fields = {element["name"]: element["value"] for element in gone.all("input") if element["name"] == "change"}
    back = Page(browser.post(undo, fields, **HTMX))
    assert "summer holiday" in back.links
    assert Verdict.objects.values("by", "decided_at", "decision").get(label=tag) == verdict
    assert "This has already been undone." in Page(browser.post(undo, fields, **HTMX)).text


def test_undo_keeps_a_tag_added_again(browser, image):
    swap(browser, "add-label", image, name="party")
    gone = swap(browser, "remove-tag", image, tag=create_label("party", "tag").pk)
    swap(browser, "add-label", image, name="party")
    fields = {element["name"]: element["value"] for element in gone.all("input") if element["name"] == "change"}
    page = swap(browser, "image-undo", image, **fields)
    assert "It was changed in the meantime, so nothing was undone." in page.text


def test_field_is_emptied_only_after_success(browser, image):
    address = reverse("add-label", args=[image.pk])
    assert browser.post(address, {"name": "holiday"}, **HTMX)["HX-Trigger"] == "labelAdded"
    assert "HX-Trigger" not in browser.post(address, {"name": " "}, **HTMX)


def test_rejecting_an_added_label_removes_it(browser, owner):
    image = create_image(owner)
    create_label("Dog")
    page = swap(browser, "add-label", image, name="dog")
    assert "Other Dog 100 % Added by you just now" in page.text
    assert page.by_id(f"confirm-{create_label('Dog').pk}") is None
    gone = swap(browser, "image-verdict", image, **button(page, f"reject-{create_label('Dog').pk}"))
    assert ("Dog" in gone.text, image.verdicts.count()) == (False, 0)


def test_detected_label_cannot_be_removed_as_tag(browser, image):
    verdicts.confirm(image.pk, label_id=create_label("Dog").pk, by_id=image.owner_id)
    post(browser, "remove-tag", image, tag=create_label("Dog").pk)
    assert label_rows(image)["Dog"] == 100


def test_hostile_tag_is_escaped(browser, image):
    hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    swap(browser, "add-label", image, name=hostile)
    for page in (look(browser, image), swap(browser, "remove-tag", image, tag=Label.objects.get(kind="tag").pk)):
        assert page.inline() == []
        assert hostile in page.text
        assert [element for element in page.all("img") if element["src"] == "x"] == []


def offered(browser, text: str) -> list[tuple[str, str]]:
    page = Page(browser.get(reverse("autocomplete-labels"), {"q": text}))
    return [(element["id"], element["data-text"]) for element in page.all("li")]


def test_visible_labels_and_tags_are_suggested(browser, owner, stranger, signed_in):
    image = create_labeled_image(owner, {"Dog": 62.5, "Dogwood": 60})
    LabelAlias.objects.create(name="Hound", label=create_label("Dog"))
    verdicts.add(image.pk, name="dog show", by_id=owner.pk)
    create_labeled_image(stranger, {"Doghouse": 99})
    assert sorted(name for _, name in offered(browser, " dog ")) == ["Dog", "Dogwood", "dog show"]
    assert offered(browser, "houn") == [("name-1", "Dog")]
    assert offered(signed_in(stranger), "dog") == [("name-1", "Doghouse")]
    assert [offered(browser, text) for text in ("", "\x00", "x" * 5_000, "zebra")] == [[]] * 4


# --- Marks ---


def test_favorite_and_stars_are_personal(owner, colleague, signed_in):
    image = create_image(owner, visibility=Image.Visibility.SHARED)
    mine, theirs = signed_in(owner), signed_in(colleague)
    page = swap(mine, "image-rating", image, **button(look(mine, image), "favorite"))
    page = swap(mine, "image-rating", image, **button(page, "star-4"))
    assert page.by_id("favorite")["aria-pressed"] == "true"
    assert [element["value"] for element in page.all("button", "is-given")] == ["1", "2", "3", "0"]
    other = look(theirs, image)
    assert (other.by_id("favorite")["aria-pressed"], other.all("button", "is-given")) == ("false", [])
    page = swap(mine, "image-rating", image, **button(page, "star-4"))
    swap(mine, "image-rating", image, **button(page, "favorite"))
    assert not Rating.objects.exists()


# --- Visibility, and the trash ---


def test_visibility_is_changed_and_undone(browser, image, nobody):
    assert look(nobody, image).text == look(nobody, create_image(image.owner)).text  # neither is there
    page = swap(browser, "image-visibility", image, visibility="2")
    assert "Anyone with the link can see this picture now. Undo" in page.text
    image.refresh_from_db()
    address = image.get_public_url()
    assert page.links["Public link"] == address
    assert nobody.get(address).status_code == 200
    assert nobody.get(image.get_absolute_url()).status_code == 404
    assert ImageIndex.objects.get(image=image).visibility == Image.Visibility.PUBLIC
    [undo] = [element["action"] for element in page.all("form") if "hx-post" not in element]
    assert {"type": "hidden", "name": "visibility", "value": "0"} in page.all("input")
    browser.post(undo, {"visibility": "0"})
    assert nobody.get(address).status_code == 404
    swap(browser, "image-visibility", image, visibility="2")
    assert nobody.get(address).status_code == 404  # made public again it has another address
    swap(browser, "image-visibility", image, visibility="0")
    assert swap(browser, "image-visibility", image, visibility="0").all("div", "toast") == []


def test_trashed_picture_is_visible_to_its_owner_who_can_restore_it(browser, owner, colleague, signed_in):
    image = create_labeled_image(owner, {"Dog": 62.5}, visibility=Image.Visibility.PUBLIC)
    answer = post(browser, "image-trash", image, "?q=dog")
    assert answer.url == "/?q=dog"  # there is no other picture
    page = look(browser, image)
    assert "Moved to trash just now. Only you can see it" in page.text
    assert "Moved to trash. Undo" in page.text
    assert "Labels reappear when you restore this picture." in page.text
    assert (page.by_id("add-label"), page.by_id("visibility")) == (None, None)
    assert signed_in(colleague).get(image.get_absolute_url()).status_code == 404
    assert "/restore/?q=dog" in " ".join(element.get("action", "") for element in page.all("form"))
    post(browser, "restore", image)
    assert "Dog 62 %" in look(browser, image).text


@pytest.mark.parametrize(("number", "expected"), [(2, 1), (1, 0), (0, 1)], ids=["newest", "middle", "last"])
def test_trash_leads_to_the_next_picture_and_undo_to_the_restored_one(browser, owner, number, expected):
    dogs = [create_labeled_image(owner, {"Dog": 98}) for _ in range(3)]
    answer = post(browser, "image-trash", dogs[number], "?q=dog")
    assert answer.url == f"/images/{dogs[expected].pk}/?q=dog"
    page = Page(browser.get(answer.url))
    assert ("Moved to trash. Undo" in page.text, "of 2" in page.text) == (True, True)
    [undo] = [form["action"] for form in page.all("form") if "/restore/" in form.get("action", "")]
    assert browser.post(undo).url == f"/images/{dogs[number].pk}/?q=dog"
    assert Image.objects.filter(trashed_at=None).count() == 3


def test_scripts_are_told_where_trash_and_restore_lead(browser, image):
    next_image = create_image(image.owner)
    answer = browser.post(reverse("image-trash", args=[image.pk]), **HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/images/{next_image.pk}/")
    answer = browser.post(reverse("restore", args=[image.pk]), **HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/images/{image.pk}/")


def test_page_that_is_fetched_ahead_leaves_the_toasts(browser, image):
    next_image = create_image(image.owner)
    post(browser, "image-trash", image)
    ahead = Page(browser.get(reverse("image", args=[next_image.pk]), headers={"X-Prefetch": "1"}))
    assert ahead.all("div", "toast") == []
    assert "Moved to trash. Undo" in look(browser, next_image).text


def test_duplicate_of_a_new_upload_is_not_restored(browser, image):
    trash.trash([image.pk])
    create_image(image.owner, sha256=image.sha256)
    post(browser, "restore", image)
    page = look(browser, image)
    assert "The same file was uploaded again. Move that copy to the trash" in page.text
    assert "Only you can see it" in page.text


def test_actions_require_a_csrf_token(owner, image):
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
def test_action_query_count_is_constant(browser, owner, number, django_assert_num_queries):
    image = create_labeled_image(owner, {f"Label_{index}": 90.0 for index in range(number)})
    for index in range(number):
        verdicts.add(image.pk, name=f"tag {index}", by_id=owner.pk)
    fields = {"clear": 10**8}
    # session, person; picture; transaction begun and ended, picture locked, verdict looked for; best labels; latest
    # and current analyses, verdicts, labels; one's own mark
    with django_assert_num_queries(14):
        browser.post(reverse("image-verdict", args=[image.pk]), fields, **HTMX)


def test_background_change_is_undone_in_the_background(browser, image, owner):
    change = BulkChange.objects.create(person=owner, action="trash", is_open=True)
    ChangedImage.objects.create(change=change, image_id=image.pk, before={})
    page = Page(browser.post(reverse("image-undo", args=[image.pk]), {"change": change.pk}, **HTMX))
    assert "Undo continues in the background." in page.text
    change.refresh_from_db()
    assert (change.is_open, change.undone_at is None) == (True, False)
