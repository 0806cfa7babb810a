"""A picture's own pixels for zooming: one file or tiles, made on demand."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.urls import reverse
from PIL import Image as Pillow

from analysis.ingest.examine import examine
from analysis.library import images, removal
from analysis.models import Image, PendingBlob
from analysis.storage import blobs, deletion_pause, orphaned_files
from imagelib.database_connection import connect
from tests import pictures
from tests.web.pages import Page

pytestmark = pytest.mark.django_db(transaction=True)


def added(owner, content: bytes, name: str) -> Image:
    file = io.BytesIO(content)
    return images.add(images.store_files(examine(file, name=name), file, owner_id=owner.pk)).image


@pytest.fixture
def image(owner, pictures_folder):
    return added(owner, pictures.encoded(pictures.quadrants(1800, 1000), "tiff"), "scan.tif")


@pytest.fixture
def browser(owner, signed_in):
    return signed_in(owner)


def zoom(browser, image, **options):
    return browser.get(reverse("image-zoom", args=[image.pk]), **options)


def size_of(response) -> tuple[int, int]:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return Pillow.open(io.BytesIO(content)).size


def files(folder) -> set[str]:
    return {path.name.split("-")[-1] for path in folder.rglob("*") if path.is_file() and "renditions" in str(path)}


def test_picture_up_to_40_megapixels_is_one_jpeg(browser, image, pictures_folder):
    page = Page(browser.get(image.get_absolute_url()))
    assert (
        page.all("picture-zoom")[0]["data-zoom-url"] == f"/images/{image.pk}/zoom.json?v={image.renditions_id.hex[:12]}"
    )
    assert browser.get(reverse("rendition", args=[image.pk, "full"])).status_code == 404  # not made yet
    url = zoom(browser, image).json()["image"]
    response = browser.get(url)
    assert (response["Content-Type"], response["Cache-Control"]) == (
        "image/jpeg",
        "private, max-age=31536000, immutable",
    )
    assert size_of(response) == (1800, 1000)
    assert files(pictures_folder) == {"thumb.webp", "preview.jpeg", "full.jpeg"}
    assert PendingBlob.objects.count() == 0
    removal.remove_image(image)
    assert files(pictures_folder) == set()


def test_larger_picture_is_tiled(browser, owner, pictures_folder):
    large = added(owner, pictures.encoded(Pillow.new("RGB", (8_200, 4_900), "navy"), "jpeg"), "large.jpg")
    described = zoom(browser, large).json()
    assert (described["size"], described["levels"]) == (
        1024,
        [{"width": 2050, "height": 1225}, {"width": 4100, "height": 2450}, {"width": 8200, "height": 4900}],
    )
    assert described["tiles"] == f"/images/{large.pk}/tiles/0/0/0?v={large.renditions_id.hex[:12]}"
    corner = browser.get(described["tiles"].replace("0/0/0", "2/4/8"))
    assert (size_of(corner), corner["Cache-Control"]) == ((8, 804), "private, max-age=31536000, immutable")
    assert browser.get(described["tiles"], headers={"If-None-Match": corner["ETag"]}).status_code == 200
    unchanged = browser.get(described["tiles"].replace("0/0/0", "2/4/8"), headers={"If-None-Match": corner["ETag"]})
    assert unchanged.status_code == 304
    for outside in ("3/0/0", "2/5/0", "2/0/9"):
        assert browser.get(described["tiles"].replace("0/0/0", outside)).status_code == 404
    assert files(pictures_folder) == {"thumb.webp", "preview.jpeg", "tiles.bin"}
    removal.remove_image(large)
    assert files(pictures_folder) == set()


def test_missing_original_is_explained_and_the_preview_stays(browser, image, colleague, signed_in):
    blobs.storage().delete(image.key)
    Image.objects.update(visibility=1)
    response = zoom(browser, image)
    assert (response.status_code, response["Cache-Control"]) == (404, "no-store")
    notice = "The original can't be read, so only the preview can be shown."
    assert response.json() == {"reason": f"{notice} The storage has no file {image.key}."}
    assert zoom(signed_in(colleague), image).json() == {"reason": notice}
    assert size_of(browser.get(reverse("rendition", args=[image.pk, "preview"]))) == (1600, 889)
    assert PendingBlob.objects.count() == 0


def test_rotating_renders_again_and_keeps_the_original(browser, image, pictures_folder):
    zoom(browser, image)
    before, original = image.renditions_id, (pictures_folder / image.key).read_bytes()
    answer = browser.post(reverse("image-rotate", args=[image.pk]) + "?q=dog", {"turns": "1"})
    assert answer.url == f"/images/{image.pk}/?q=dog"
    image.refresh_from_db()
    assert (image.quarter_turns, image.shown_size, image.width) == (1, (1000, 1800), 1800)
    assert image.renditions_id != before
    assert size_of(browser.get(reverse("rendition", args=[image.pk, "preview"]))) == (889, 1600)
    assert size_of(browser.get(zoom(browser, image).json()["image"])) == (1000, 1800)
    assert (pictures_folder / image.key).read_bytes() == original
    assert files(pictures_folder) == {"thumb.webp", "preview.jpeg", "full.jpeg"}
    page = Page(browser.get(image.get_absolute_url()))
    assert "Rotated. Undo" in page.text
    assert page.by_id("boxes")["viewbox"] == "0 0 555.6 1000.0"
    browser.post(reverse("image-rotate", args=[image.pk]), {"turns": "-1"})
    image.refresh_from_db()
    assert (image.quarter_turns, len(files(pictures_folder))) == (0, 2)


def test_files_before_a_rotation_are_deleted_after_a_backup(browser, image, pictures_folder):
    old = blobs.rendition_key(image.renditions_id, "thumb")
    with connect() as backup:
        deletion_pause.pause(backup)
        browser.post(reverse("image-rotate", args=[image.pk]), {"turns": "1"})
        assert (pictures_folder / old).exists()
    orphaned_files.delete(older_than=timedelta())
    assert not (pictures_folder / old).exists()
    assert size_of(browser.get(reverse("rendition", args=[image.pk, "preview"]))) == (889, 1600)


def test_refused_rotation_says_why(browser, image):
    browser.post(reverse("image-rotate", args=[image.pk]), {"turns": "2"})
    assert "Choose a direction." in Page(browser.get(image.get_absolute_url())).text
    blobs.storage().delete(image.key)
    browser.post(reverse("image-rotate", args=[image.pk]), {"turns": "1"})
    assert "The storage has no file" in Page(browser.get(image.get_absolute_url())).text
    assert Image.objects.get().quarter_turns == 0


def test_file_left_by_a_crash_keeps_nobody_from_zooming_or_deleting(browser, image, pictures_folder):
    blobs.register_pending([blobs.rendition_key(image.renditions_id, "full")])  # and then the process was killed
    assert size_of(browser.get(zoom(browser, image).json()["image"])) == (1800, 1000)
    blobs.register_pending(blobs.rendition_keys(image.renditions_id)[-1:])
    removal.remove_image(image)
    assert (files(pictures_folder), PendingBlob.objects.count()) == (set(), 0)
