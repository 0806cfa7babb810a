"""One's own share links: create, change, revoke, and the link itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.models import AuditEntry, Collection, CollectionImage, Image, ImageLabel, SavedSearch, ShareLink
from analysis.sharing import share_links
from tests.factories import create_image, create_label, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db

PRIVATE, SHARED, PUBLIC = Image.Visibility.values


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def hidden_fields(page: Page) -> dict[str, str]:
    fields = [field for field in page.all("input") if field.get("type") == "hidden"]
    return {field["name"]: field["value"] for field in fields if field["name"] != "csrfmiddlewaretoken"}


def test_picture_is_shared_to_the_last_step(owner, browser, nobody):
    image = create_image(owner, visibility=SHARED, title="Rex")
    form = Page(browser.get(Page(browser.get(image.get_absolute_url())).links["Share"]))
    answer = browser.post(
        reverse("share-create"), hidden_fields(form) | {"expires": "7", "password": "", "allows_download": "on"}
    )
    link = ShareLink.objects.get()
    assert (link.owner, link.image, link.allows_download, link.shows_metadata) == (owner, image, True, False)
    assert timedelta(days=6) < link.expires_at - timezone.now() < timedelta(days=7)
    page = Page(browser.get(answer.url))
    [address] = [field["value"] for field in page.all("input") if "readonly" in field]
    assert address == f"http://testserver/s/{link.token}/"
    assert "Rex" in Page(nobody.get(address)).text


@pytest.mark.parametrize(
    ("visibility", "note"), [(PRIVATE, "This picture is private. Anyone with the link can see it."), (SHARED, "")]
)
def test_sharing_a_private_picture_says_so(visibility, note, owner, browser, nobody):
    image = create_image(owner, visibility=visibility)
    form = Page(browser.get(reverse("share-new"), {"image": image.pk}))
    assert ("This picture is private" in form.text) is bool(note)
    browser.post(reverse("share-create"), hidden_fields(form))
    assert nobody.get(ShareLink.objects.get().get_absolute_url()).status_code == 200


def test_collection_form_counts_what_needs_a_yes(owner, colleague, browser):
    images = [create_image(owner, visibility=visibility) for visibility in (PRIVATE, PRIVATE, SHARED)]
    images += [create_image(colleague, visibility=SHARED)]
    label = create_label("Explicit", kind="moderation")
    copied = {"owner": owner, "visibility": SHARED, "sort_time": images[2].added_at}
    ImageLabel.objects.create(image=images[2], label=label, confidence=9_000, **copied)
    collection = Collection.objects.create(owner=owner, name="All")
    for number, image in enumerate(images):
        CollectionImage.objects.create(collection=collection, image=image, position=str(number), added_by=owner)
    page = Page(browser.get(reverse("share-new"), {"collection": collection.pk}))
    for sentence in (
        "3 pictures",
        "Can also see 2 private pictures",
        "Can also see 1 sensitive picture",
        "1 picture that isn't yours is left out: only its owner can share it.",
    ):
        assert sentence in page.text
    assert page.inline() == []
    browser.post(reverse("share-create"), {"collection": collection.pk, "includes_private": "on"})
    link = ShareLink.objects.get()
    assert (link.includes_private, link.includes_sensitive, link.expires_at) == (True, False, None)
    shown = Page(browser.get(reverse("share-link", args=[link.pk]))).text
    assert "This link does not show 1 sensitive picture." in shown
    assert "private pictures." not in shown


def test_selection_becomes_a_collection_with_a_link(owner, browser):
    images = [create_image(owner, visibility=SHARED) for _ in range(2)]
    ids = ",".join(str(image.pk) for image in images)
    form = Page(browser.post(reverse("share-new"), {"ids": ids}))
    [title] = [field["value"] for field in form.all("input") if field.get("name") == "title"]
    assert title.startswith("Shared on ")
    browser.post(reverse("share-create"), hidden_fields(form) | {"title": title})
    link = ShareLink.objects.get()
    assert (link.collection.name, link.collection.entries.count()) == (title, 2)
    again = browser.post(reverse("share-create"), {"ids": ids, "title": title})
    assert (again.status_code, "Choose another name." in again.content.decode()) == (422, True)
    again = Page(browser.post(reverse("share-create"), {"ids": ids, "title": "a/b/c/d/e/f/g/h/i/j/k"}))
    assert [field["value"] for field in again.all("input") if field.get("name") == "title"] == ["a/b/c/d/e/f/g/h/i/j/k"]
    form = Page(browser.post(reverse("share-new"), {"ids": ids}))
    assert [field["value"] for field in form.all("input") if field.get("name") == "title"] == [f"{title} (2)"]
    browser.post(reverse("share-new"), {"ids": ""})
    assert "No pictures are selected." in Page(browser.get(reverse("library"))).text


def test_results_of_a_search_become_a_collection(owner, browser):
    dog = create_labeled_image(owner, {"Dog": 98}, visibility=SHARED)
    create_labeled_image(owner, {"Cat": 98}, visibility=SHARED)
    form = Page(browser.post(reverse("share-new"), {"all": "1", "q": "dog"}))
    browser.post(reverse("share-create"), hidden_fields(form) | {"title": "Dogs"})
    assert list(CollectionImage.objects.values_list("image_id", flat=True)) == [dog.pk]


def test_only_what_one_may_share_has_a_form(owner, colleague, browser):
    theirs = {
        "image": create_image(colleague, visibility=SHARED),
        "collection": Collection.objects.create(owner=colleague, name="All", is_shared=True),
        "search": SavedSearch.objects.create(owner=colleague, name="All", is_shared=True),
    }
    for name, row in theirs.items():
        assert browser.get(reverse("share-new"), {name: row.pk}).status_code == 404
        assert browser.post(reverse("share-create"), {name: row.pk}).status_code == 404
    trashed = create_image(owner, trashed_at=timezone.now())
    assert browser.get(reverse("share-new"), {"image": trashed.pk}).status_code == 404
    assert browser.get(reverse("share-new"), {"image": "9" * 30}).status_code == 404
    theirs_public = create_image(colleague, visibility=PUBLIC)
    assert browser.get(reverse("share-new"), {"image": theirs_public.pk}).status_code == 200


def test_link_is_changed_and_keeps_its_address(owner, browser):
    link = ShareLink.objects.create(owner=owner, image=create_image(owner), expires_at=timezone.now() + timedelta(1))
    url, token, expires_at = reverse("share-link", args=[link.pk]), link.token, link.expires_at
    browser.post(url, {"expires": "keep", "password": "open sesame", "shows_metadata": "on"})
    link.refresh_from_db()
    assert (link.token, link.expires_at, link.shows_metadata) == (token, expires_at, True)
    assert share_links.is_password_of(link, "open sesame")
    assert "open sesame" not in link.password
    browser.post(url, {"expires": "", "password": ""})
    link.refresh_from_db()
    assert (share_links.is_password_of(link, "open sesame"), link.expires_at) == (True, None)
    browser.post(url, {"expires": "", "password": "", "no_password": "on"})
    link.refresh_from_db()
    assert link.password == ""
    answer = browser.post(url, {"expires": "a week", "password": "x" * 300})
    assert (answer.status_code, "at most 200 characters" in answer.content.decode()) == (422, True)


def test_revoked_link_is_undone(owner, browser, nobody):
    image = create_image(owner, visibility=SHARED, title="Rex")
    link = ShareLink.objects.create(owner=owner, image=image)
    browser.post(reverse("share-revoke", args=[link.pk]))
    page = Page(browser.get(reverse("shares")))
    assert "Revoked the link to “Rex”. It no longer works." in page.text
    assert nobody.get(link.get_absolute_url()).status_code == 404
    [action] = [attributes["action"] for tag, attributes in page.elements if "restore" in attributes.get("action", "")]
    browser.post(action)
    assert nobody.get(link.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("number", [1, 3])
def test_list_needs_the_same_queries_for_one_and_three(number, owner, browser, django_assert_num_queries):
    for _ in range(number):
        ShareLink.objects.create(owner=owner, image=create_image(owner))
    with django_assert_num_queries(4):
        page = Page(browser.get(reverse("shares")))
    assert len(page.all("li", "share-row")) == number


def test_links_of_others_are_not_listed(owner, colleague, browser):
    ShareLink.objects.create(owner=colleague, image=create_image(colleague, visibility=PUBLIC, title="Theirs"))
    page = Page(browser.get(reverse("shares")))
    assert ("Theirs" in page.text, "Links that you create appear here." in page.text) == (False, True)


def test_public_picture_has_its_address_to_copy(owner, browser):
    image = create_image(owner, visibility=PUBLIC)
    page = Page(browser.get(image.get_absolute_url()))
    [address] = [field["value"] for field in page.all("input") if "readonly" in field]
    assert address == f"http://testserver/public/{image.public_id}/"
    Image.objects.update(visibility=SHARED)
    assert [field for field in Page(browser.get(image.get_absolute_url())).all("input") if "readonly" in field] == []


def test_number_of_links_is_limited(owner, browser):
    image = create_image(owner)
    ShareLink.objects.bulk_create(ShareLink(owner=owner, image=image) for _ in range(share_links.MAX_LINKS))
    answer = browser.post(reverse("share-create"), {"image": image.pk})
    assert (answer.status_code, "the limit of 1,000 links. Revoke one first." in answer.content.decode()) == (422, True)


def test_audit_log_says_who_shared_and_revoked(owner, signed_in):
    image = create_image(owner)
    link = share_links.create(owner, image, share_links.LinkOptions())
    share_links.revoke(link, by_id=owner.pk)
    share_links.revoke(link, by_id=owner.pk)  # nothing left to revoke
    share_links.restore(link)
    entries = AuditEntry.objects.filter(object_type="sharelink").order_by("pk")
    assert list(entries.values_list("action", "actor_id")) == [
        ("add", owner.pk),
        ("revoke", owner.pk),
        ("undo", owner.pk),
    ]
    page = signed_in(owner).get(reverse("history", args=[image.pk])).content.decode()
    assert "Revoked" in page


def test_own_link_does_not_show_a_picture_that_was_hidden_since(owner, colleague, browser):
    image = create_image(colleague, visibility=PUBLIC, title="Then")
    link = ShareLink.objects.create(owner=owner, image=image)
    pages = [reverse("shares"), reverse("share-link", args=[link.pk])]
    assert all("Then" in Page(browser.get(address)).text for address in pages)
    Image.objects.update(visibility=PRIVATE, title="Secret")
    for name in ("share-revoke", "share-restore"):
        browser.post(reverse(name, args=[link.pk]))
        for address in pages:
            content = browser.get(address).content.decode()
            assert ("Secret" in content, image.renditions_id.hex[:12] in content) == (False, False), address
