"""SENDFILE: the proxy gets paths after our check, none outside of the folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from analysis.models import Image
from analysis.storage import blobs
from analysis.web import byte_ranges
from analysis.web.stored_files import sendfile_response, stored_file
from tests import pictures
from tests.factories import create_image


@pytest.fixture
def image(owner, pictures_folder) -> Image:
    image = create_image(owner, filename="dog.jpg", visibility=Image.Visibility.PRIVATE)
    blobs.put(image.key, pictures.jpeg())
    for name in blobs.RENDITIONS:
        blobs.put(blobs.rendition_key(image.renditions_id, name), b"thumb")
    return image


@pytest.fixture
def clients(owner, stranger, signed_in) -> dict[str, Client]:
    return {"owner": signed_in(owner), "stranger": signed_in(stranger)}


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "header"), [("x-accel", "X-Accel-Redirect"), ("x-sendfile", "X-Sendfile")])
def test_headers_name_the_file_after_the_check(image, clients, settings, mode: str, header: str) -> None:
    settings.SENDFILE = mode
    prefix = {"x-accel": "/stored-files", "x-sendfile": str(blobs.local_folder().resolve())}[mode]
    attachment = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": 'attachment; filename="dog.jpg"',
    }
    inline = {
        "Content-Type": blobs.RENDITIONS["thumb"],
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    for url, key, headers in (
        (reverse("original", args=[image.pk]), image.key, attachment),
        (
            reverse("rendition", args=[image.pk, "thumb"]),
            blobs.rendition_key(image.renditions_id, "thumb"),
            inline,
        ),
    ):
        response = clients["owner"].get(url)
        assert (response.status_code, response.content, response[header]) == (200, b"", f"{prefix}/{key}")
        assert {name: response[name] for name in headers} == headers
        refused = clients["stranger"].get(url)
        assert (refused.status_code, header in refused.headers) == (404, False)


@pytest.mark.django_db
def test_without_the_setting_this_process_sends(image, owner, signed_in) -> None:
    response = signed_in(owner).get(reverse("original", args=[image.pk]))
    assert b"".join(response.streaming_content) == pictures.jpeg()
    assert "X-Accel-Redirect" not in response.headers


def test_files_outside_of_the_folder_are_sent_by_this_process(settings, pictures_folder, tmp_path) -> None:
    settings.SENDFILE = "x-accel"
    (tmp_path / "outside").write_bytes(b"outside")
    pictures_folder.mkdir(parents=True, exist_ok=True)
    (pictures_folder / "link").symlink_to(tmp_path / "outside")
    for path in (tmp_path / "outside", pictures_folder / "link", pictures_folder / ".." / pictures_folder.name / ".."):
        content = path.open("rb") if path.is_file() else NamedContent(path)
        with content:
            assert sendfile_response(stored_file(content, content_type="image/jpeg"), content) is None
    with tempfile.SpooledTemporaryFile() as spooled:
        assert sendfile_response(stored_file(spooled, content_type="image/jpeg"), spooled) is None


class NamedContent(ContentFile):
    """Bytes that claim to be a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(b"bytes", name=str(path))


def test_names_are_quoted(settings, pictures_folder) -> None:
    settings.SENDFILE, settings.SENDFILE_PREFIX = "x-accel", "/inside"
    path = pictures_folder / "a b%2e?\nX-Evil: 1"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    with path.open("rb") as content:
        response = stored_file(content, content_type="image/jpeg")
    assert response["X-Accel-Redirect"] == "/inside/a%20b%252e%3F%0AX-Evil%3A%201"


def test_downloads_that_resume_are_handed_over_whole(settings, pictures_folder, rf) -> None:
    settings.SENDFILE = "x-accel"
    blobs.storage().save("exports/1.zip", ContentFile(b"0123456789"))
    response = byte_ranges.file_response(
        rf.get("/", headers={"Range": "bytes=2-3"}),
        blobs.get("exports/1.zip"),
        size=10,
        etag="digest",
        filename="1.zip",
        content_type="application/zip",
    )
    assert (response.status_code, response.content) == (200, b"")
    assert response["X-Accel-Redirect"] == "/stored-files/exports/1.zip"
    assert response["Cache-Control"] == "private, no-cache"
