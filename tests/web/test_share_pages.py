"""Pages behind a share link: who sees what, without an account."""

from __future__ import annotations

import io
import uuid
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Pillow

from analysis import pipeline
from analysis.models import Collection, CollectionImage, Image, SavedSearch, ShareLink
from analysis.web import attempt_limits
from analysis.web.aspect_ratios import ratio_class
from analysis.web.sharing.shared_pictures import PAGE_SIZE
from analysis.web.sharing.unlock import MAX_ATTEMPTS
from tests import pictures
from tests.factories import create_image
from tests.web.pages import Page
from tests.web.shared_rows import *

pytestmark = pytest.mark.django_db

PRIVATE, SHARED, PUBLIC = Image.Visibility.values


@pytest.fixture(autouse=True)
def _no_attempts():
    for key in attempt_limits.redis_client().scan_iter("share-link:*"):
        attempt_limits.redis_client().delete(key)


@pytest.fixture
def link(image, owner) -> ShareLink:
    Image.objects.update(visibility=SHARED)
    return ShareLink.objects.create(owner=owner, image=image)


@pytest.fixture
def collection_link(image, owner) -> ShareLink:
    Image.objects.update(visibility=SHARED)
    collection = Collection.objects.create(owner=owner, name="Trips/Paris <b>", description="Spring & rain")
    CollectionImage.objects.create(collection=collection, image=image, position="5", added_by=owner)
    return ShareLink.objects.create(owner=owner, collection=collection)


def addresses(link: ShareLink, image: Image) -> dict[str, str]:
    of_picture = {"share-picture": [], "share-rendition": ["preview"], "share-download": []}
    urls = {name: reverse(name, args=[link.token, image.public_id, *more]) for name, more in of_picture.items()}
    return urls | {name: reverse(name, args=[link.token]) for name in ("share", "share-cover", "share-archive")}


def statuses(browser, link: ShareLink, image: Image) -> dict[str, int]:
    answers = {name: browser.get(url) for name, url in addresses(link, image).items()}
    assert {answer["X-Robots-Tag"] for answer in answers.values()} == {"noindex, nofollow"}
    assert {answer["Referrer-Policy"] for answer in answers.values()} <= {"no-referrer", "same-origin"}
    for answer in answers.values():
        b"".join(answer.streaming_content) if answer.streaming else None
    return {name: answer.status_code for name, answer in answers.items()}


OPEN = {"share-picture": 200, "share-rendition": 200, "share": 200, "share-cover": 200}
CLOSED = dict.fromkeys(OPEN, 404)
NO_DOWNLOAD = {"share-download": 404, "share-archive": 404}
DOWNLOAD = {"share-download": 200, "share-archive": 200}


@pytest.fixture(params=["nobody", "owner", "stranger"])
def browser(request, signed_in, nobody):
    return nobody if request.param == "nobody" else signed_in(request.getfixturevalue(request.param))


def test_link_opens_for_everyone_without_a_session(browser, link, image):
    cookies = set(browser.cookies)
    assert statuses(browser, link, image) == OPEN | NO_DOWNLOAD
    assert set(browser.cookies) == cookies
    ShareLink.objects.update(allows_download=True)
    assert statuses(browser, link, image) == OPEN | DOWNLOAD


@pytest.mark.parametrize(
    "change",
    [
        lambda link: ShareLink.objects.update(revoked_at=timezone.now()),
        lambda link: ShareLink.objects.update(expires_at=timezone.now()),
        lambda link: Image.objects.update(trashed_at=timezone.now()),
        lambda link: Image.objects.update(visibility=PRIVATE),
        lambda link: type(link.owner).objects.filter(pk=link.owner_id).update(is_active=False),
    ],
    ids=["revoked", "expired", "trashed", "made private", "maker deactivated"],
)
def test_link_that_ended_looks_like_a_guessed_one(change, link, image, nobody):
    ShareLink.objects.update(allows_download=True)
    guessed = nobody.get(reverse("share", args=["x" * 32]))
    change(link)
    answers = {name: nobody.get(url) for name, url in addresses(link, image).items()}
    assert {answer.status_code for name, answer in answers.items() if name != "share-archive"} == {404}
    assert answers["share"].content == guessed.content
    assert "This link does not work" in guessed.content.decode()
    assert guessed["Referrer-Policy"] == "no-referrer"


def test_link_of_a_deleted_collection_does_not_work(collection_link, image, nobody):
    assert statuses(nobody, collection_link, image) == OPEN | NO_DOWNLOAD
    Collection.objects.update(deleted_at=timezone.now())
    assert statuses(nobody, collection_link, image) == CLOSED | NO_DOWNLOAD


def test_link_opens_no_picture_but_its_own(link, collection_link, owner, nobody):
    other = create_image(owner, visibility=PUBLIC)
    missing = uuid.uuid4()
    for token in (link.token, collection_link.token):
        for public_id in (other.public_id, missing):
            for name, more in (("share-picture", []), ("share-rendition", ["thumb"]), ("share-download", [])):
                assert nobody.get(reverse(name, args=[token, public_id, *more])).status_code == 404


def test_page_of_a_collection_escapes_and_describes_it(collection_link, image, nobody):
    answer = nobody.get(collection_link.get_absolute_url())
    page = Page(answer)
    assert ("Paris <b>" in page.text, "Spring & rain" in page.text, "1 picture" in page.text) == (True, True, True)
    metas = {meta["property"]: meta["content"] for meta in page.all("meta") if "property" in meta}
    assert metas == {
        "og:title": "Paris <b>",
        "og:type": "website",
        "og:url": f"http://testserver{collection_link.get_absolute_url()}",
        "og:site_name": "imagelib",
        "og:description": "Spring & rain",
        "og:image": f"http://testserver{reverse('share-cover', args=[collection_link.token])}",
        "og:image:type": "image/jpeg",
    }
    assert page.inline() == []
    assert [card["href"] for card in page.all("a") if "/s/" in card.get("href", "")] == [
        reverse("share-picture", args=[collection_link.token, image.public_id])
    ]
    # Nothing leads into the library, and no picture is named by its number.
    assert f"/images/{image.pk}/" not in answer.content.decode()
    assert answer["Cache-Control"] == "private, no-store"


def test_size_of_a_large_picture_is_a_number_for_the_browser(link, image, nobody):
    Image.objects.filter(pk=image.pk).update(width=4000, height=3000)
    page = Page(nobody.get(reverse("share-picture", args=[link.token, image.public_id])))
    assert [(img["width"], img["height"]) for img in page.all("img") if "fetchpriority" in img] == [("4000", "3000")]


def test_rotated_picture_is_described_as_it_is_shown(link, collection_link, image, nobody):
    Image.objects.filter(pk=image.pk).update(width=4000, height=2000, quarter_turns=1)
    page = Page(nobody.get(reverse("share-picture", args=[link.token, image.public_id])))
    assert [(img["width"], img["height"]) for img in page.all("img") if "fetchpriority" in img] == [("2000", "4000")]
    grid = Page(nobody.get(reverse("share", args=[collection_link.token])))
    assert [card["class"] for card in grid.all("li", "card")] == [f"card {ratio_class(2000, 4000)}"]


def test_picture_is_checked_again_before_the_browser_shows_its_copy(link, image, nobody):
    url = reverse("share-rendition", args=[link.token, image.public_id, "thumb"])
    first = nobody.get(url)
    b"".join(first.streaming_content)
    assert first["Cache-Control"] == "private, no-cache"
    assert nobody.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    ShareLink.objects.update(revoked_at=timezone.now())
    assert nobody.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 404


@pytest.mark.parametrize("shows_metadata", [False, True])
def test_metadata_is_shown_or_left_out_everywhere(shows_metadata, owner, nobody):
    file = io.BytesIO(pictures.with_exif())
    image = pipeline.ingest_file(file, name="secret-place.jpg", owner_id=owner.pk).image
    Image.objects.filter(pk=image.pk).update(visibility=SHARED, camera_model="Lumix", place="Atlantis")
    collection = Collection.objects.create(owner=owner, name="All")
    CollectionImage.objects.create(collection=collection, image=image, position="5", added_by=owner)
    link = ShareLink.objects.create(
        owner=owner, collection=collection, allows_download=True, shows_metadata=shows_metadata
    )
    page = nobody.get(reverse("share-picture", args=[link.token, image.public_id])).content.decode()
    assert [word in page for word in ("Lumix", "Atlantis", "secret-place", "33.85")] == [shows_metadata] * 4
    download = nobody.get(reverse("share-download", args=[link.token, image.public_id]))
    content = body_of(download)
    archive = zipfile.ZipFile(
        io.BytesIO(b"".join(nobody.get(reverse("share-archive", args=[link.token])).streaming_content))
    )
    [name] = archive.namelist()
    smaller = nobody.get(reverse("share-archive", args=[link.token]), {"content": "previews"})
    preview = b"".join(
        nobody.get(reverse("share-rendition", args=[link.token, image.public_id, "preview"])).streaming_content
    )
    assert archive.read(name) == content
    [smaller_name] = (previews := zipfile.ZipFile(io.BytesIO(b"".join(smaller.streaming_content)))).namelist()
    assert (smaller_name, previews.read(smaller_name)) == (name, preview)
    assert [exif_of(data) for data in (preview, content)] == [{}, {"GPS": True} if shows_metadata else {}]
    expected = ("secret-place.jpg", "secret-place.jpg") if shows_metadata else ("00001.jpg", "Picture.jpg")
    assert (name, download["Content-Disposition"].split('"')[1]) == expected
    dates = {file.infolist()[0].date_time for file in (archive, previews)}
    assert (dates == {(1980, 1, 1, 0, 0, 0)}) is not shows_metadata


def body_of(response) -> bytes:
    return b"".join(response.streaming_content)


def exif_of(content: bytes) -> dict[str, bool]:
    exif = Pillow.open(io.BytesIO(content)).getexif()
    return {"GPS": bool(exif.get_ifd(0x8825))} if exif else {}


def test_views_are_counted_but_not_the_makers_own(link, nobody, owner, stranger, signed_in):
    for browser in (nobody, signed_in(owner), signed_in(stranger), nobody):
        browser.get(link.get_absolute_url())
    nobody.head(link.get_absolute_url())
    link.refresh_from_db()
    assert (link.views, link.viewed_at is not None) == (3, True)


@pytest.fixture
def locked(collection_link) -> ShareLink:
    ShareLink.objects.update(password=make_password("open sesame"))
    collection_link.refresh_from_db()
    return collection_link


def test_password_opens_the_link_and_nothing_is_told_before(locked, image, nobody):
    assert statuses(nobody, locked, image) == CLOSED | NO_DOWNLOAD | {"share": 200}
    answer = nobody.get(locked.get_absolute_url())
    assert answer["Referrer-Policy"] == "same-origin"  # with no-referrer the form's POST has the origin null
    form = answer.content.decode()
    assert ("Paris" in form, "og:" in form, 'type="password"' in form) == (False, False, True)
    unlock = reverse("share-unlock", args=[locked.token])
    wrong = nobody.post(unlock, {"password": "guess"})
    assert (wrong.status_code, "Wrong password." in wrong.content.decode()) == (422, True)
    answer = nobody.post(unlock, {"password": "open sesame"})
    cookie = answer.cookies["share"]
    assert (answer.url, cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        locked.get_absolute_url(),
        locked.get_absolute_url(),
        True,
        "Lax",
    )
    assert statuses(nobody, locked, image) == OPEN | NO_DOWNLOAD
    assert nobody.get(locked.get_absolute_url()).content.decode().count("og:image") == 0


def test_cookie_of_another_link_or_an_old_password_opens_nothing(locked, image, owner, nobody):
    nobody.post(reverse("share-unlock", args=[locked.token]), {"password": "open sesame"})
    other = ShareLink.objects.create(owner=owner, image=image, password=make_password("open sesame"))
    assert statuses(nobody, other, image)["share-picture"] == 404
    ShareLink.objects.update(password=make_password("another"))
    assert statuses(nobody, locked, image)["share-picture"] == 404


def test_password_cannot_be_tried_fifty_times(locked, nobody):
    unlock = reverse("share-unlock", args=[locked.token])
    answers = [nobody.post(unlock, {"password": f"guess {number}"}) for number in range(50)]
    assert [answer.status_code for answer in answers] == [422] * MAX_ATTEMPTS + [429] * (50 - MAX_ATTEMPTS)
    assert "Too many wrong passwords." in answers[-1].content.decode()
    assert int(answers[-1]["Retry-After"]) > 0
    # Not even the right one, until the time is over.
    assert nobody.post(unlock, {"password": "open sesame"}).status_code == 429


def test_password_for_a_link_without_one_leads_to_it(link, nobody):
    assert nobody.post(reverse("share-unlock", args=[link.token]), {"password": "x"}).url == link.get_absolute_url()


@pytest.mark.parametrize("number", [1, 3])
def test_grid_needs_the_same_queries_for_one_and_three_pictures(
    number, collection_link, owner, django_assert_num_queries
):
    for position in range(number - 1):
        image = create_image(owner, visibility=PUBLIC)
        CollectionImage.objects.create(
            collection=collection_link.collection, image=image, position=f"6{position}", added_by=owner
        )
    with django_assert_num_queries(5):  # the link, a view counted, the ids, which are sensitive, the pictures
        page = Page(Client().get(collection_link.get_absolute_url()))
    assert len(page.all("li", "card")) == number


def test_grid_has_pages_and_pictures_lead_back_to_theirs(collection_link, owner, nobody):
    images = [create_image(owner, visibility=PUBLIC) for _ in range(PAGE_SIZE)]
    rows = [
        CollectionImage(collection=collection_link.collection, image=image, position=f"6{number:03}", added_by=owner)
        for number, image in enumerate(images)
    ]
    CollectionImage.objects.bulk_create(rows)
    first = Page(nobody.get(collection_link.get_absolute_url()))
    assert (len(first.all("li", "card")), "61 pictures" in first.text) == (PAGE_SIZE, True)
    second = Page(nobody.get(first.links["Next"]))
    assert (len(second.all("li", "card")), second.links["Previous"]) == (
        1,
        collection_link.get_absolute_url(),
    )
    last = Page(nobody.get(reverse("share-picture", args=[collection_link.token, images[-1].public_id])))
    assert "61 of 61" in last.text
    assert last.links["Paris <b>"] == f"{collection_link.get_absolute_url()}?page=2"
    assert [link["href"] for link in last.all("a", "share-neighbor")] == [
        reverse("share-picture", args=[collection_link.token, images[-2].public_id])
    ]
    beyond = Page(nobody.get(collection_link.get_absolute_url(), {"page": "9999"}))  # there were more before
    assert (len(beyond.all("li", "card")), "There are no pictures" in beyond.text) == (1, False)


def test_link_of_a_saved_search_shows_its_results(image, owner, nobody):
    Image.objects.update(visibility=PUBLIC)
    saved = SavedSearch.objects.create(owner=owner, name="Everything", query="")
    link = ShareLink.objects.create(owner=owner, search=saved)
    page = Page(nobody.get(link.get_absolute_url()))
    assert ("Everything" in page.text, len(page.all("li", "card"))) == (True, 1)
    assert statuses(nobody, link, image) == OPEN | NO_DOWNLOAD


def test_missing_files_do_not_break_the_page_or_the_archive(collection_link, image, nobody, pictures_folder: Path):
    ShareLink.objects.update(allows_download=True, shows_metadata=True)
    for file in [*pictures_folder.rglob("*.jpg"), *pictures_folder.rglob("*.jpeg"), *pictures_folder.rglob("*.webp")]:
        file.unlink()
    assert statuses(nobody, collection_link, image) == {
        "share-picture": 200,
        "share-rendition": 404,
        "share-download": 404,
        "share": 200,
        "share-cover": 404,
        "share-archive": 200,
    }
    answer = nobody.get(reverse("share-archive", args=[collection_link.token]))
    errors = zipfile.ZipFile(io.BytesIO(body_of(answer))).read("errors.txt").decode()
    assert (image.filename in errors, image.key in errors) == (True, False)


def test_expiry_is_exact(link, nobody):
    ShareLink.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert nobody.get(link.get_absolute_url()).status_code == 200
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert nobody.get(link.get_absolute_url()).status_code == 404
