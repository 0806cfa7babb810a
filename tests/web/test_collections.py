"""Collections: pages, adding, order, people, and what each of them sees."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.curation import collections
from analysis.curation.bulk import Selection
from analysis.models import Collection, CollectionMember, Image, SavedSearch
from analysis.storage import blobs
from analysis.web.collections.collection_page import PAGE_SIZE
from tests.factories import create_image, create_labeled_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db

PRIVATE, SHARED, PUBLIC = Image.Visibility.values


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def collection_of(owner, *images, name="Trips/Paris", **fields) -> Collection:
    collection = collections.create(owner, name=name)
    for image in images:
        collections.add(collection, Selection(image.owner, ids=(image.pk,)))
    Collection.objects.filter(pk=collection.pk).update(**fields)
    collection.refresh_from_db()
    return collection


def order(collection: Collection) -> list[int]:
    return list(collection.entries.order_by("position").values_list("image_id", flat=True))


def page_of(browser, collection: Collection, **parameters) -> Page:
    return Page(browser.get(collection.get_absolute_url(), parameters))


def toast(browser) -> Page:
    """The next page, with its toast."""
    return Page(browser.get(reverse("collections")))


def undo(browser, page: Page) -> None:
    """Press Undo of the page's toast."""
    forms = [attributes for tag, attributes in page.elements if tag == "form" and attributes.get("method") == "post"]
    action = next(
        form["action"] for form in forms if "/restore-positions/" in form["action"] or "/restore/" in form["action"]
    )
    fields = {field["name"]: field["value"] for field in page.all("input") if field.get("name") in {"rows", "ids"}}
    browser.post(action, fields)


def test_pictures_are_added_by_the_name_of_a_new_or_an_old_collection(owner, browser):
    first, second = create_image(owner), create_image(owner)
    for images, expected in (
        ([first], "Added 1 picture to “Trips/Paris”."),
        ([first, second], "Added 1 picture to “Trips/Paris”."),
        ([second], "These pictures are already in “Trips/Paris”."),
    ):
        ids = ",".join(str(image.pk) for image in images)
        name = "Trips/Paris" if images == [first] else " trips /  Paris"
        answer = browser.post(reverse("collection-add"), {"ids": ids, "collection_name": name, "next": "/?q=dog"})
        assert answer.url == "/?q=dog"
        assert expected in toast(browser).text
    collection = Collection.objects.get()
    assert (collection.owner, order(collection)) == (owner, [first.pk, second.pk])


@pytest.mark.parametrize(("role", "may_add"), [("owner", True), ("add", True), ("see", False)])
def test_pictures_are_dropped_on_a_collection_by_who_may_add_to_it(role, may_add, owner, colleague, signed_in):
    collection = collection_of(owner, create_image(owner))
    if role != "owner":
        CollectionMember.objects.create(collection=collection, user=colleague, can_edit=role == "add")
    page = page_of(signed_in(owner if role == "owner" else colleague), collection)
    chosen = [item for item in page.all("option") if "selected" in item and item.get("value") == str(collection.pk)]
    assert (len(page.all("upload-files")), len(chosen)) == (int(may_add), int(may_add))
    assert ("Add pictures" in page.text) is may_add
    assert "Drop to add to “Paris”" in [area.get("data-drop-text") for area in page.all("upload-files")] or not may_add


def test_results_of_a_search_are_added(owner, browser):
    dogs = [create_labeled_image(owner, {"Dog": 98}) for _ in range(3)]
    create_labeled_image(owner, {"Cat": 98})
    browser.post(reverse("collection-add"), {"all": "1", "q": "dog sort:oldest", "collection_name": "Dogs"})
    assert sorted(order(Collection.objects.get())) == sorted(image.pk for image in dogs)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "A collection needs a name."),
        (" / \x00/ ", "A collection needs a name."),
        ("x" * 201, "A name can have at most 200 characters."),
        ("/".join("abcdefghijk"), "A name can have at most 10 levels."),
    ],
)
def test_bad_names_are_refused(name, message, owner, browser):
    image = create_image(owner)
    browser.post(reverse("collection-add"), {"ids": image.pk, "collection_name": name})
    assert message in toast(browser).text
    page = Page(browser.post(reverse("collection-create"), {"name": name}, follow=True))
    assert message in page.text
    assert page.by_id("new-collection")["value"] == " ".join(name.replace("\x00", " ").split())  # to be corrected
    assert not Collection.objects.exists()


def test_pictures_of_others_are_added_only_if_one_sees_them(owner, colleague, browser):
    images = [create_image(colleague, visibility=visibility) for visibility in (PRIVATE, SHARED, PUBLIC)]
    ids = ",".join(str(image.pk) for image in images)
    browser.post(reverse("collection-add"), {"ids": ids, "collection_name": "All"})
    assert order(Collection.objects.get()) == [images[1].pk, images[2].pk]


def test_collection_of_another_person_is_not_changed_by_id(owner, colleague, browser):
    theirs = collection_of(colleague, name="Theirs")
    image = create_image(owner)
    assert browser.post(reverse("collection-add"), {"ids": image.pk, "collection_id": theirs.pk}).status_code == 404
    CollectionMember.objects.create(collection=theirs, user=owner)
    assert browser.post(reverse("collection-add"), {"ids": image.pk, "collection_id": theirs.pk}).status_code == 403
    CollectionMember.objects.update(can_edit=True)
    assert browser.post(reverse("collection-add"), {"ids": image.pk, "collection_id": theirs.pk}).status_code == 302
    assert order(theirs) == [image.pk]
    assert "Theirs" in Page(browser.get(reverse("collection-menu"))).text


@pytest.mark.parametrize("number", [1, 3])
def test_page_needs_the_same_queries_for_one_and_three_pictures(number, owner, browser, django_assert_num_queries):
    collection = collection_of(owner, *(create_image(owner) for _ in range(number)))
    with django_assert_num_queries(17):
        page = page_of(browser, collection)
    assert len(page.cards()) == number


def test_page_shows_pictures_in_order_and_leads_back_to_them(owner, browser):
    images = [create_image(owner) for _ in range(3)]
    collection = collection_of(owner, *reversed(images))
    page = page_of(browser, collection)
    assert page.cards() == [image.pk for image in reversed(images)]
    assert page.inline() == []
    url = f"{images[1].get_absolute_url()}?collection={collection.pk}"
    assert url in [link["href"] for link in page.all("a")]
    picture = Page(browser.get(url))
    assert "2 of 3" in picture.text
    assert [link["href"] for link in picture.all("a", "neighbor-link")] == [
        f"{images[2].get_absolute_url()}?collection={collection.pk}",
        f"{images[0].get_absolute_url()}?collection={collection.pk}",
    ]
    back = f"{collection.get_absolute_url()}?to={images[1].pk}#card-{images[1].pk}"
    assert picture.links["Paris"] == back
    assert picture.links["Trips/Paris"] == collection.get_absolute_url()


def test_picture_moved_to_the_trash_leads_to_the_next_one_of_its_collection(owner, browser):
    first, outside, second = (create_image(owner) for _ in range(3))
    collection = collection_of(owner, first, second)
    inside = f"?collection={collection.pk}"
    answer = browser.post(reverse("image-trash", args=[first.pk]) + inside)
    assert answer.url == f"{second.get_absolute_url()}{inside}"
    answer = browser.post(reverse("image-trash", args=[second.pk]) + inside)
    assert answer.url.startswith(f"{collection.get_absolute_url()}?")
    assert list(Image.objects.filter(trashed_at=None)) == [outside]


def test_changed_cards_stay_within_the_collection(owner, stranger, signed_in):
    shared, private = create_image(owner, visibility=SHARED), create_image(owner, visibility=PRIVATE)
    collection = collection_of(owner, shared, private, shares_private=True, is_shared=True)
    reader = signed_in(stranger)
    [selection] = page_of(reader, collection).all("image-selection")
    answer = reader.get(selection["data-cards-url"], {"q": "", "card": [f"{shared.pk}-x", f"{private.pk}-x"]})
    changed = Page(answer)
    assert (answer.status_code, changed.cards()) == (286, [shared.pk, private.pk])
    assert "2 pictures" in changed.text
    assert [link["href"] for link in changed.all("a")] == [
        f"{shared.get_absolute_url()}?collection={collection.pk}",
        reverse("collection-image", args=[collection.pk, private.pk]),
    ]


def test_next_pictures_follow_as_a_fragment(owner, browser):
    images = [create_image(owner) for _ in range(PAGE_SIZE + 2)]
    collection = collections.create(owner, name="Many")
    collections.add(collection, Selection(owner, ids=tuple(image.pk for image in images)))
    first = page_of(browser, collection)
    assert (len(first.cards()), "62 pictures" in first.text) == (PAGE_SIZE, True)
    fragment = Page(browser.get(first.links["Load more"], headers={"HX-Request": "true"}))
    assert (fragment.cards(), fragment.all("h1")) == ([images[-2].pk, images[-1].pk], [])
    assert len(page_of(browser, collection, to=images[-1].pk).cards()) == PAGE_SIZE + 2
    second = page_of(browser, collection, page=2)
    assert (len(second.cards()), second.links["Back to the start"]) == (2, collection.get_absolute_url())


def test_whole_collection_is_selected_beyond_what_is_loaded(owner, browser):
    images = [create_image(owner) for _ in range(3)]
    collection = collection_of(owner, *images)
    create_image(owner)
    browser.post(reverse("bulk", args=["trash"]), {"all": "1", "q": "", "of_collection": collection.pk})
    assert Image.objects.filter(trashed_at=None).count() == 1
    assert page_of(browser, collection).cards() == []


def test_removed_pictures_return_to_their_places(owner, browser):
    images = [create_image(owner) for _ in range(3)]
    collection = collection_of(owner, *images)
    Collection.objects.update(cover=images[1])
    browser.post(reverse("collection-remove", args=[collection.pk]), {"ids": images[1].pk})
    page = toast(browser)
    assert "Removed 1 picture from “Trips/Paris”." in page.text
    assert order(collection) == [images[0].pk, images[2].pk]
    assert Collection.objects.get().cover_id is None
    undo(browser, page)
    assert order(collection) == [image.pk for image in images]


def test_undo_cannot_be_made_up(owner, colleague, browser):
    collection = collection_of(owner, create_image(owner))
    for rows in ("", "e30:x:y"):
        browser.post(reverse("collection-restore-positions", args=[collection.pk]), {"rows": rows})
        assert "This can no longer be undone." in toast(browser).text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ids": "2", "to": "start"}, "2 0 1 3"),
        ({"ids": "0", "to": "end"}, "1 2 3 0"),
        ({"ids": "0,2", "to": "end"}, "1 3 0 2"),
        ({"ids": "3,1", "before": "0"}, "1 3 0 2"),
        ({"ids": "3", "before": "1"}, "0 3 1 2"),
        ({"step": "earlier-1"}, "1 0 2 3"),
        ({"step": "earlier-0"}, "0 1 2 3"),
        ({"step": "later-1"}, "0 2 1 3"),
        ({"step": "later-2"}, "0 1 3 2"),
        ({"step": "later-3"}, "0 1 2 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_pictures_are_moved(fields, expected, owner, browser):
    images = [create_image(owner) for _ in range(4)]
    collection = collection_of(owner, *images)
    numbers = {image.pk: str(number) for number, image in enumerate(images)}

    def by_id(name: str, text: str) -> str:
        if name == "step":
            return f"{text.split('-', maxsplit=1)[0]}-{images[int(text[-1])].pk}"
        return text if name == "to" else ",".join(str(images[int(part)].pk) for part in text.split(","))

    browser.post(
        reverse("collection-move", args=[collection.pk]), {name: by_id(name, text) for name, text in fields.items()}
    )
    assert " ".join(numbers[pk] for pk in order(collection)) == expected
    undo(browser, toast(browser))
    assert order(collection) == [image.pk for image in images]


def test_move_beside_a_removed_picture_says_so_to_scripts_and_pages(owner, browser):
    images = [create_image(owner) for _ in range(3)]
    collection = collection_of(owner, *images)
    collections.remove(collection, [images[1].pk])
    url, fields = reverse("collection-move", args=[collection.pk]), {"ids": images[2].pk, "before": images[1].pk}
    answer = browser.post(url, fields, headers={"Accept": "application/json"})
    message = "This collection changed in the meantime. Reload the page and try again."
    assert (answer.status_code, answer.json()) == (409, {"message": message})
    browser.post(url, {"ids": images[1].pk, "to": "start"})
    assert message in toast(browser).text
    moved = browser.post(url, {"ids": images[2].pk, "to": "start"}, headers={"Accept": "application/json"})
    assert (moved.status_code, order(collection)) == (200, [images[2].pk, images[0].pk])


def test_collection_is_sorted_at_once_and_undone(owner, browser):
    days = [timezone.datetime(2024, 5, day, tzinfo=timezone.get_current_timezone()) for day in (3, 1, 2)]
    images = [create_image(owner, taken_at=day) for day in days]
    collection = collection_of(owner, *images)
    browser.post(reverse("collection-sort", args=[collection.pk]), {"order": "taken"})
    assert order(collection) == [images[1].pk, images[2].pk, images[0].pk]
    undo(browser, toast(browser))
    assert order(collection) == [image.pk for image in images]
    browser.post(reverse("collection-sort", args=[collection.pk]), {"order": "; DROP TABLE"})
    assert "Choose a sort order." in toast(browser).text


def test_order_page_works_without_scripts(owner, browser):
    images = [create_image(owner) for _ in range(2)]
    collection = collection_of(owner, *images)
    page = Page(browser.get(reverse("collection-order", args=[collection.pk])))
    steps = [button["value"] for button in page.all("button") if button.get("name") == "step"]
    assert steps == [f"{step}-{image.pk}" for image in images for step in ("earlier", "later")]
    assert page.inline() == []


def test_cover_is_the_chosen_picture_or_the_first(owner, browser):
    images = [create_image(owner) for _ in range(2)]
    collection = collection_of(owner, *images, name="Paris")

    def cover() -> str:
        [tile] = [img["src"] for img in Page(browser.get(reverse("collections"))).all("img") if "thumb" in img["src"]]
        return tile.split("/")[2]

    assert cover() == str(images[0].pk)
    browser.post(reverse("collection-cover", args=[collection.pk]), {"ids": images[1].pk})
    assert cover() == str(images[1].pk)
    Image.objects.filter(pk=images[1].pk).update(trashed_at=timezone.now())
    assert cover() == str(images[0].pk)


def test_names_make_levels(owner, browser):
    paris, rome = (collection_of(owner, name=name) for name in ("Trips/2024/Paris", "Trips/2024/Rome"))
    trips = collection_of(owner, name="trips")
    top = Page(browser.get(reverse("collections")))
    assert [text for text in top.links if "trips" in text.lower()] == ["trips 0 pictures · 2 collections"]
    inside = page_of(browser, trips)
    year = next(href for text, href in inside.links.items() if text.startswith("2024"))
    assert year == f"{reverse('collections')}?in=Trips%2F2024"
    level = Page(browser.get(year))
    assert [level.links[f"{name} 0 pictures"] for name in ("Paris", "Rome")] == [
        paris.get_absolute_url(),
        rome.get_absolute_url(),
    ]
    assert Page(browser.get(paris.get_absolute_url())).links["2024"] == f"{reverse('collections')}?in=Trips%2F2024"


def test_renaming_renames_those_below(owner, browser):
    trips, *_others = [collection_of(owner, name=name) for name in ("Trips", "Trips/Paris", "Tripsy")]
    url = reverse("collection-settings", args=[trips.pk])
    assert browser.post(url, {"name": "Travel/Far", "description": "  Far\r\naway "}).url == trips.get_absolute_url()
    names = list(Collection.objects.order_by("pk").values_list("name", "description"))
    assert names == [("Travel/Far", "Far\naway"), ("Travel/Far/Paris", ""), ("Tripsy", "")]
    for fields, message in (
        ({"name": "TRIPSY"}, "You already have a collection named “TRIPSY”. Choose another name."),
        ({"name": "x" * 196}, "The name of a collection below this one would be too long."),
        ({"name": "Travel", "description": "x" * 5_001}, "A description can have at most 5,000 characters."),
    ):
        answer = browser.post(url, fields)
        assert (answer.status_code, message in answer.content.decode()) == (422, True)
    assert list(Collection.objects.order_by("pk").values_list("name", "description")) == names


def test_deleted_collection_comes_back_with_everything(owner, browser):
    image = create_image(owner)
    collection = collection_of(owner, image)
    browser.post(reverse("collection-delete", args=[collection.pk]))
    assert browser.get(collection.get_absolute_url()).status_code == 404
    page = toast(browser)
    assert "Deleted “Trips/Paris”. Its pictures stay in the library." in page.text
    undo(browser, page)
    assert page_of(browser, collection).cards() == [image.pk]
    browser.post(reverse("collection-delete", args=[collection.pk]))
    collection_of(owner, name="Trips/Paris")
    browser.post(reverse("collection-restore", args=[collection.pk]))
    assert "You already have a collection named “Trips/Paris”." in toast(browser).text


@pytest.fixture
def mixed(owner, colleague) -> dict[str, Image]:
    return {
        "private": create_image(owner, visibility=PRIVATE),
        "shared": create_image(owner, visibility=SHARED),
        "trashed": create_image(owner, visibility=SHARED, trashed_at=timezone.now()),
        "colleague's": create_image(colleague, visibility=SHARED),
    }


@pytest.mark.parametrize("shares_private", [False, True])
def test_people_see_private_pictures_only_where_the_collection_says_so(
    shares_private, mixed, owner, stranger, signed_in
):
    expected = ["private"] * shares_private + ["shared", "colleague's"]
    added = {name: image for name, image in mixed.items() if name != "trashed"}
    collection = collection_of(owner, *added.values(), shares_private=shares_private)
    reader = signed_in(stranger)
    assert reader.get(collection.get_absolute_url()).status_code == 404
    browser = signed_in(owner)
    browser.post(reverse("collection-share-with", args=[collection.pk]), {"username": "STRANGER"})
    names = {image.pk: name for name, image in mixed.items()}
    page = page_of(reader, collection)
    assert [names[pk] for pk in page.cards()] == expected
    thumb = reverse("collection-rendition", args=[collection.pk, mixed["private"].pk, "thumb"])
    assert (thumb in [img["src"] for img in page.all("img")]) is shares_private
    picture = reader.get(reverse("collection-image", args=[collection.pk, mixed["private"].pk]))
    assert picture.status_code == (200 if shares_private else 404)
    # Only there: neither its own page nor a search shows it.
    assert reader.get(mixed["private"].get_absolute_url()).status_code == 404
    assert mixed["private"].pk not in Page(reader.get(reverse("library"))).cards()


def test_private_picture_of_another_person_is_not_shared_by_who_did_not_add_it(owner, colleague, stranger, signed_in):
    image = create_image(owner, visibility=PRIVATE)
    collection = collection_of(owner, image, shares_private=True, is_shared=True)
    Image.objects.update(owner=colleague)  # given to another person
    assert page_of(signed_in(stranger), collection).cards() == []


def test_adding_private_pictures_to_a_shared_collection_says_who_sees_them(owner, browser):
    collection = collection_of(owner, name="All", shares_private=True)
    image = create_image(owner, visibility=PRIVATE)
    browser.post(reverse("collection-add"), {"ids": image.pk, "collection_name": "All"})
    assert "visible to everyone with access" not in toast(browser).text
    Collection.objects.filter(pk=collection.pk).update(is_shared=True)
    another = create_image(owner, visibility=PRIVATE)
    browser.post(reverse("collection-add"), {"ids": another.pk, "collection_name": "All"})
    assert "1 private picture is now visible to everyone with access to this collection." in toast(browser).text


def test_sharing_is_given_and_taken(owner, colleague, signed_in, browser):
    collection = collection_of(owner, create_image(owner, visibility=SHARED))
    other = signed_in(colleague)
    for username, message in (
        ("nobody-here", "There is no account named “nobody-here”."),
        ("owner", "They already own this collection."),
        ("\x00", "There is no account named “”."),
    ):
        answer = browser.post(reverse("collection-share-with", args=[collection.pk]), {"username": username})
        assert (answer.status_code, message in answer.content.decode()) == (422, True)
        assert Page(answer).by_id("username").get("value", "") == username.replace("\x00", "")
    browser.post(reverse("collection-share", args=[collection.pk]), {"everyone": "1"})
    assert "Shared with everyone signed in" in page_of(other, collection).text
    assert "Paris" in " ".join(Page(other.get(reverse("collections"))).links)
    browser.post(reverse("collection-share", args=[collection.pk]), {})
    assert other.get(collection.get_absolute_url()).status_code == 404
    browser.post(reverse("collection-share-with", args=[collection.pk]), {"username": "colleague", "can_edit": "1"})
    assert other.get(reverse("collection-order", args=[collection.pk])).status_code == 200
    assert "Leave this collection" in page_of(other, collection).text
    remove_url = reverse("collection-remove-person", args=[collection.pk])
    assert other.post(remove_url, {"user": owner.pk}).status_code == 404
    other.post(remove_url, {"user": colleague.pk})
    assert other.get(collection.get_absolute_url()).status_code == 404


def test_saved_searches_are_listed_as_smart_collections(owner, browser):
    saved = SavedSearch.objects.create(owner=owner, name="Dogs", query="dog")
    assert Page(browser.get(reverse("collections"))).links["Dogs"] == f"/?q=dog&saved={saved.pk}"


@pytest.mark.parametrize("number", [1, 3])
def test_list_needs_the_same_queries_for_one_and_three(number, owner, browser, django_assert_num_queries):
    for position in range(number):
        collection_of(owner, create_image(owner), name=f"Number {position}")
    with django_assert_num_queries(12):
        browser.get(reverse("collections"))


def test_empty_pages_say_what_to_do(owner, browser):
    assert "A collection groups pictures" in Page(browser.get(reverse("collections"))).text
    assert "There are no collections here." in Page(browser.get(reverse("collections"), {"in": "Nowhere"})).text
    assert "This collection is empty." in page_of(browser, collection_of(owner)).text


def test_filter_offers_collections_that_one_can_open(owner, colleague, browser):
    dogs = [create_labeled_image(owner, {"Dog": 98}) for _ in range(2)]
    collection_of(owner, *dogs, name="Trips/Paris")
    collection_of(owner, dogs[0], name="Best")
    Collection.objects.create(owner=colleague, name="Hidden").entries.create(image=dogs[0], position="5")
    page = Page(browser.get(reverse("collection-filter"), {"q": "dog"}, headers={"HX-Request": "true"}))
    assert {name: url for name, url in page.links.items() if name} == {
        "Trips/Paris 2": "/?q=dog+collection%3ATrips%2FParis",
        "Best 1": "/?q=dog+collection%3ABest",
    }
    chosen = Page(
        browser.get(reverse("collection-filter"), {"q": "dog collection:Best"}, headers={"HX-Request": "true"})
    )
    assert chosen.links["Best 1"] == "/?q=dog"
    assert "No collections." in Page(browser.get(reverse("collection-filter"), {"q": "cat"})).text
    assert browser.get(reverse("collection-filter"), {"q": "(dog"}).status_code == 400


def test_names_of_collections_are_completed(owner, colleague, browser):
    collection_of(owner, name="Trips/Paris 2024")
    Collection.objects.create(owner=colleague, name="Trips/Hidden")
    query = "dog collection:tri"
    text = browser.get(reverse("autocomplete"), {"q": query, "cursor": len(query)}).content.decode()
    assert ("Trips/Paris 2024" in text, "Hidden" in text) == (True, False)


def test_undo_of_an_order_does_not_return_what_was_removed_since(owner, colleague, signed_in):
    shown, private = create_image(owner, visibility=SHARED), create_image(owner)
    collection = collection_of(owner, shown, private, shares_private=True)
    CollectionMember.objects.create(collection=collection, user=colleague, can_edit=True)
    editor = signed_in(colleague)
    editor.post(reverse("collection-sort", args=[collection.pk]), {"order": "taken"})
    collections.remove(collection, [private.pk])  # its owner no longer wants others to see it
    undo(editor, toast(editor))
    assert order(collection) == [shown.pk]


def test_next_picture_of_a_collection_may_be_private(owner, colleague, signed_in):
    shared, private = create_image(owner, visibility=SHARED), create_image(owner)
    collection = collection_of(owner, shared, private, shares_private=True)
    CollectionMember.objects.create(collection=collection, user=colleague)
    reader = signed_in(colleague)
    page = reader.get(shared.get_absolute_url(), {"collection": collection.pk})
    following = page.context["neighbors"].next
    assert reader.get(following.url).status_code == 200
    address = reverse("collection-rendition", args=[collection.pk, private.pk, "preview"])
    assert (following.url, following.preview) == (
        reverse("collection-image", args=[collection.pk, private.pk]),
        address,
    )


def test_collection_has_no_full_size_of_a_private_picture(owner, colleague, signed_in):
    private = create_image(owner)
    for name in ("preview", "full"):  # made when its owner zoomed
        blobs.put(blobs.rendition_key(private.renditions_id, name), b"picture")
    collection = collection_of(owner, private, shares_private=True, is_shared=True)
    reader = signed_in(colleague)
    preview, full = (
        reader.get(reverse("collection-rendition", args=[collection.pk, private.pk, name]))
        for name in ("preview", "full")
    )
    assert (b"".join(preview.streaming_content), full.status_code) == (b"picture", 404)
