"""The export page: selection or search, to a file."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

import pytest
from django.urls import reverse
from PIL import Image as Pillow
from PIL import ImageChops, ImageStat

from analysis import pipeline
from analysis.curation import collections
from analysis.models import Export, Image
from analysis.recognition.reindex_images import reindex
from tests import pictures
from tests.factories import create_analysis, create_labeled_image, create_user

pytestmark = pytest.mark.django_db
FORM = {"format": "jsonl", "labels": "effective"}


def lines(response) -> list[dict]:
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_all_results_of_a_search_are_downloaded(owner, signed_in):
    dog = create_labeled_image(owner, {"Dog": 99.0})
    create_labeled_image(owner, {"Cat": 99.0})
    browser = signed_in(owner)
    page = browser.get(reverse("export"), {"q": "dog"}).content.decode()
    assert "Download 1 picture" in page
    response = browser.post(reverse("export-download"), FORM | {"all": "1", "q": "dog"})
    assert response["Content-Disposition"].endswith('-jsonl.jsonl"')
    assert [line["id"] for line in lines(response)] == [dog.pk]


def test_a_selection_is_downloaded_as_far_as_it_may_be_seen(owner, colleague, signed_in):
    own, others = create_labeled_image(owner, {"Dog": 99.0}), create_labeled_image(colleague, {"Dog": 99.0})
    ids = f"{own.pk},{others.pk}"
    browser = signed_in(owner)
    assert "Download 1 picture" in browser.post(reverse("export"), {"ids": ids}).content.decode()
    response = browser.post(reverse("export-download"), FORM | {"ids": ids})
    assert [line["id"] for line in lines(response)] == [own.pk]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"format": "exe"}, "Select a valid choice. exe is not one of the available choices."),
        ({"labels": ""}, "This field is required."),
        ({"min_confidence": "101"}, "Ensure this value is less than or equal to 100."),
        ({"q": "((", "all": "1"}, "This search is not valid"),
        ({"all": "", "ids": "x"}, "No pictures are selected."),
    ],
)
def test_bad_requests_say_what_is_wrong(changed, sentence, owner, signed_in):
    create_labeled_image(owner, {"Dog": 99.0})
    response = signed_in(owner).post(reverse("export-download"), FORM | {"all": "1", "q": "dog"} | changed)
    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_nothing_to_download_is_said(owner, signed_in):
    page = signed_in(owner).get(reverse("export"), {"q": "dog"}).content.decode()
    assert "Nothing to download" in page
    assert signed_in(owner).get(reverse("export"), {"q": "(("}).status_code == 422


@pytest.fixture
def photos(owner) -> list[Image]:
    """Two pictures with files; the second one is sensitive."""
    images = [
        pipeline.ingest_file(
            io.BytesIO(pictures.encoded(pictures.photo(seed), "png")), name=f"St. {seed}.png", owner_id=owner.pk
        ).image
        for seed in (1, 2)
    ]
    labels = [{"Name": "Violence", "ParentName": "", "Confidence": 80.0, "TaxonomyLevel": 1}]
    answer = {"ModerationLabels": labels, "ModerationModelVersion": "7.0"}
    create_analysis(images[1], "moderation", "done", answer=answer)
    reindex([images[1].pk])
    return images


def archive_of(browser, name: str, **selection) -> zipfile.ZipFile:
    response = browser.post(reverse("export-archive", args=[name]), selection)
    assert response["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def detail(archive: zipfile.ZipFile, name: str) -> float:
    """The difference between neighboring pixels; nearly none in a blurred picture."""
    with Pillow.open(io.BytesIO(archive.read(name))) as picture:
        gray = picture.convert("L")
    shifted = ImageChops.difference(gray, ImageChops.offset(gray, 1, 0)).crop((2, 0, *gray.size))
    return ImageStat.Stat(shifted).mean[0]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("originals", ["St. 1.png", "St. 2.png"]),
        ("previews", ["St. 1.jpg", "St. 2.jpg"]),
        ("annotated", ["St. 1.png.jpg", "St. 2.png.jpg"]),
    ],
)
def test_selection_is_downloaded_as_an_archive(owner, signed_in, photos, name, names):
    content = io.BytesIO(pictures.jpeg())
    hidden = pipeline.ingest_file(content, name="hidden.jpg", owner_id=create_user("ann").pk).image
    ids = ",".join(str(image.pk) for image in [*photos, hidden])
    assert archive_of(signed_in(owner), name, ids=ids).namelist() == names
    assert not Export.objects.exists()


def test_previews_are_blurred_as_on_the_pages(owner, signed_in, photos):
    browser, ids = signed_in(owner), ",".join(str(image.pk) for image in photos)
    blurred = archive_of(browser, "previews", ids=ids)
    browser.post(reverse("toggle-sensitive"), {"show": "1"})
    clear = archive_of(browser, "previews", ids=ids)
    assert blurred.read("St. 1.jpg") == clear.read("St. 1.jpg")
    assert detail(blurred, "St. 2.jpg") < detail(clear, "St. 2.jpg") / 4
    sizes = [Pillow.open(io.BytesIO(archive.read("St. 2.jpg"))).size for archive in (blurred, clear)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(("ticked", "is_clear"), [({}, False), ({"shows_sensitive": "on"}, True)])
def test_the_form_asks_whether_previews_are_blurred(owner, signed_in, photos, ticked, is_clear):
    form = FORM | {"format": "previews", "ids": str(photos[1].pk)} | ticked
    response = signed_in(owner).post(reverse("export-download"), form)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert (detail(archive, "St. 2.jpg") > 2) == is_clear


def test_collection_is_downloaded_in_its_order(owner, signed_in, photos):
    trip = collections.create(owner, name="Trip")
    for image in reversed(photos):
        collections.add_image(trip, image.pk, by_id=owner.pk)
    browser, whole = signed_in(owner), {"all": "1", "of_collection": trip.pk}
    assert archive_of(browser, "originals", **whole).namelist() == ["St. 2.png", "St. 1.png"]
    page = browser.post(reverse("export"), whole | {"archive": "previews"}).content.decode()
    assert "Download 2 pictures" in page
    assert 'value="csv" required' not in page


def test_unknown_archive_is_missing(owner, signed_in):
    assert signed_in(owner).post(reverse("export-archive", args=["csv"]), {"all": "1"}).status_code == 404


def test_archive_that_breaks_off_leaves_no_file_open(owner, signed_in, photos, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    browser, ids = signed_in(owner), ",".join(str(image.pk) for image in photos)
    for _ in range(3):  # broken off within the first picture, and begun again
        before = open_files()
        response = browser.post(reverse("export-archive", args=["originals"]), {"ids": ids})
        chunks = iter(response.streaming_content)
        assert next(chunks).startswith(b"PK")
        assert next(chunks)
        response._iterator.close()  # as the server does once nobody reads
        assert (open_files(), list(tmp_path.iterdir())) == (before, [])
    assert len(archive_of(browser, "originals", ids=ids).namelist()) == 2


def open_files() -> set[str]:
    """Files of the storage and temporary ones that this process has open."""
    links = [path.resolve() for path in Path("/proc/self/fd").iterdir()]
    return {str(link) for link in links if link.suffix == ".png" or "(deleted)" in str(link)}
