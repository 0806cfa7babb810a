"""Folders page: what a viewer may see of the folders of pictures."""

import pytest
from django.urls import reverse

from analysis.library.folders import get_or_create_folder
from analysis.models import Folder, Image
from tests.factories import create_bucket, create_image
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
PRIVATE, SHARED, PUBLIC = Image.Visibility.values


def put(owner, path: str, **fields) -> Image:
    return create_image(owner, folder_id=get_or_create_folder(path, owner_id=owner.pk), **fields)


def put_in_bucket(bucket, path: str, **fields) -> Image:
    folder_id = get_or_create_folder(path, bucket_id=bucket.pk)
    return create_image(bucket.owner, bucket=bucket, key=f"{path}/{folder_id}.jpg", folder_id=folder_id, **fields)


def counts(page: Page) -> dict[str, str]:
    """The numbers of pictures by folder."""
    words = [text.partition(" pictures in ") for text in page.links if " pictures in " in text]
    return {name: number for number, _, name in words}


def folder_page(browser, path: str) -> Page:
    return Page(browser.get(reverse("folder", args=[Folder.objects.get(path=path).pk])))


def test_folders_are_browsed_with_counts_of_all_below(owner, signed_in):
    for path in ("archive/2019", "archive/2019/summer", "archive", "phone"):
        put(owner, path)
    put(owner, "archive/2019", trashed_at="2026-01-01T00:00Z")
    create_image(owner)
    browser = signed_in(owner)
    page = Page(browser.get(reverse("folders")))
    assert counts(page) == {"archive": "3", "phone": "1"}
    assert "Your uploads and imports" in page.text
    archive = Page(browser.get(page.links["archive"]))
    assert (counts(archive), archive.links["Show 3 pictures"]) == ({"2019": "2"}, "/?q=folder%3Aarchive%2F%2A")
    year = Page(browser.get(archive.links["2019"]))
    assert (counts(year), year.links["archive"]) == ({"summer": "1"}, page.links["archive"])
    assert "There are no folders in this folder." in folder_page(browser, "archive/2019/summer").text


def test_nobody_learns_folder_names_of_private_pictures(owner, colleague, stranger, signed_in):
    bucket = create_bucket(owner, name="secret-bucket")
    put(owner, "divorce/papers")
    put(owner, "trips/2019/hidden")
    put(owner, "trips/2019", visibility=SHARED)
    put_in_bucket(bucket, "clients/x")
    put_in_bucket(bucket, "open/y", visibility=PUBLIC)
    put(colleague, "own")
    page = Page(signed_in(colleague).get(reverse("folders")))
    assert counts(page) == {"own": "1", "trips": "1", "open": "1"}
    assert ("secret-bucket" in page.text, page.text.count("From owner")) == (False, 2)
    browser = signed_in(stranger)
    assert counts(folder_page(browser, "trips/2019")) == {}
    for path, status in (("divorce", 404), ("divorce/papers", 404), ("trips/2019/hidden", 404), ("trips", 200)):
        folder = Folder.objects.get(path=path)
        assert browser.get(reverse("folder", args=[folder.pk])).status_code == status
    assert browser.get(reverse("folder", args=[10**18])).status_code == 404
    own = Page(signed_in(owner).get(reverse("folders")))
    assert counts(own) == {"divorce": "1", "trips": "2", "clients": "1", "open": "1"}
    assert "secret-bucket" in own.text


@pytest.mark.parametrize("name", ["100%", "a_b", 'it\'s "quoted"', "<script>alert(1)</script>", "📷 été", "ü" * 900])
def test_hostile_names_stay_text_and_link_to_their_search(owner, signed_in, name):
    clean = name.replace("/", "_")
    put(owner, f"top/{clean}")
    browser = signed_in(owner)
    page = folder_page(browser, "top")
    assert (counts(page), page.inline()) == ({clean: "1"}, [])
    assert browser.get(page.links[clean]).status_code == 200


def test_many_folders_are_shown_in_steps(owner, signed_in, monkeypatch):
    monkeypatch.setattr("analysis.web.folders.PAGE_SIZE", 2)
    for number in range(5):
        put(owner, f"top/{number}")
    browser = signed_in(owner)
    page, seen = folder_page(browser, "top"), []
    while True:
        seen += counts(page)
        if "Show more" not in page.links:
            break
        page = Page(browser.get(page.links["Show more"]))
    assert seen == ["0", "1", "2", "3", "4"]


def folder_filter(browser, query: str) -> dict[str, str]:
    page = Page(browser.get(reverse("folder-filter"), {"q": query}, headers={"HX-Request": "true"}))
    return {name: url for name, url in page.links.items() if name and not name.startswith("Exclude")}


def test_filter_narrows_a_search_level_by_level(owner, stranger, signed_in):
    for path in ("archive/2019", "archive/2019/summer", "archive", "phone", "archive/2020"):
        put(owner, path)
    browser = signed_in(owner)
    assert list(folder_filter(browser, "-dog")) == ["archive 4", "phone 1"]
    archive = folder_filter(browser, "-dog")["archive 4"]
    assert archive == "/?q=-dog+folder%3Aarchive%2F%2A"
    assert folder_filter(browser, "-dog folder:archive/*") == {
        "2019 2": "/?q=-dog+folder%3Aarchive%2F2019%2F%2A",
        "2020 1": "/?q=-dog+folder%3Aarchive%2F2020%2F%2A",
    }
    assert folder_filter(signed_in(stranger), "") == {}
    assert browser.get(reverse("folder-filter"), {"q": "(dog"}).status_code == 400


def test_filter_says_that_it_counted_only_the_first_pictures(owner, signed_in, monkeypatch):
    monkeypatch.setattr("analysis.search.folders.SAMPLE", 2)
    for _ in range(3):
        put(owner, "top")
    page = Page(signed_in(owner).get(reverse("folder-filter")))
    assert "Counted in the first 2 pictures." in page.text
    assert "top 2" in page.links


@pytest.mark.parametrize("number", [1, 3])
def test_pages_take_few_queries(owner, signed_in, number, django_assert_num_queries):
    for index in range(number):
        put(owner, f"top{index}/a{index}")
    browser = signed_in(owner)
    with django_assert_num_queries(5):  # session, person, groups; folders, owners
        browser.get(reverse("folders"))
    address = reverse("folder", args=[Folder.objects.get(path="top0").pk])
    with django_assert_num_queries(7):  # the same three; folder, its pictures, folders in it, path
        browser.get(address)
