"""Limits of request bodies, by page and person."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from analysis.library import uploads
from analysis.models import Image, Upload
from tests import pictures
from tests.web.test_upload import outcomes, rows, send

pytestmark = pytest.mark.django_db
KB, MB = 1000, 1000**2


class Unread(io.BytesIO):
    """A body that must not be read."""

    def read(self, *_):
        raise AssertionError("The body was read.")

    readline = read


def announced(client: Client, path: str, length: int, **headers):
    """The response to a form of this length, of which nothing may be read."""
    kind = "multipart/form-data; boundary=x"
    extra = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(length), "wsgi.input": Unread(), **headers}
    return client.post(path, **extra)


@pytest.mark.parametrize("path", ["/accounts/login/", "/upload/", "/", "/nowhere/", "/admin/login/"])
def test_anonymous_upload_is_rejected(path):
    answer = announced(Client(enforce_csrf_checks=True), path, 300 * MB)
    assert (answer.status_code, answer.content.decode()) == (
        413,
        "The request is too large: 300 MB; the limit is 65,536 bytes. Nothing was saved.",
    )


def test_invalid_session_gets_the_anonymous_limit():
    client = Client(enforce_csrf_checks=True)
    client.cookies["sessionid"] = "a" * 32
    assert announced(client, "/upload/", 300 * MB).status_code == 413


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("login", 3 * MB),
        ("bulk-menu", 3 * MB),
        ("uploads", 3 * MB),
        ("upload-file", 101 * MB),
        ("upload", 1025 * MB),
    ],
)
def test_signed_in_limit_depends_on_the_page(owner, signed_in, name, length):
    arguments = ["00000000-0000-4000-8000-000000000000"] if name == "upload-file" else []
    assert announced(signed_in(owner), reverse(name, args=arguments), length).status_code == 413


def test_chunked_body_is_rejected(owner, signed_in):
    answer = announced(signed_in(owner), reverse("upload"), 0, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    sentence = "Content-Length is missing. Send the request again with this header."
    assert (answer.status_code, answer.content.decode()) == (411, sentence)


@pytest.mark.parametrize("length", ["-1", "many", "9" * 30, "1" * 5000])
def test_invalid_content_length_is_no_error(nobody, length):
    answer = nobody.post("/accounts/login/", CONTENT_LENGTH=length)
    assert answer.status_code in {200, 400, 413}


def test_too_large_file_is_truncated_at_the_limit(owner, signed_in, settings):
    settings.MAX_UPLOAD_BYTES, settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * MB, 1
    page = rows(send(signed_in(owner), ("large.jpg", pictures.jpeg() + bytes(5 * MB)), ("a.jpg", pictures.jpeg())))
    assert sorted(outcomes(page)) == ["refused", "stored"]
    assert "2.1 MB is over the limit of 2 MB" in page.text
    assert Image.objects.count() == 1


def test_upload_of_undeclared_size_is_deleted(owner, signed_in, pictures_folder):
    browser, content = signed_in(owner), pictures.jpeg()
    grant = browser.post(reverse("uploads"), {"name": "dog.jpg", "size": 10}).json()
    answer = browser.post(grant["url"], {**grant["fields"], "file": SimpleUploadedFile("x", content)})
    sentence = f"{len(content):,} bytes of 10 bytes arrived; please send it again"
    assert (answer.status_code, answer.content.decode()) == (400, sentence)
    assert [path for path in pictures_folder.rglob("*") if path.is_file()] == []
    assert Upload.objects.values_list("state", "reason").get() == ("refused", sentence)


def test_pending_uploads_per_person_are_limited(owner, colleague, signed_in, settings):
    settings.MAX_OPEN_UPLOADS = 2
    for _ in range(2):
        uploads.issue(owner_id=owner.pk, filename="dog.jpg", size=10)
    row = signed_in(owner).post(reverse("uploads"), {"name": "dog.jpg", "size": 10}).json()["row"]
    assert "2 of your uploads are still in progress. Wait for some to finish, then send this again." in row
    assert "url" in signed_in(colleague).post(reverse("uploads"), {"name": "dog.jpg", "size": 10}).json()
    Upload.objects.filter(owner=owner).update(state=Upload.State.TAKEN)
    assert "url" in signed_in(owner).post(reverse("uploads"), {"name": "dog.jpg", "size": 10}).json()


def test_pending_bytes_per_person_are_limited(owner, settings):
    settings.MAX_OPEN_UPLOAD_BYTES = 3 * MB
    uploads.issue(owner_id=owner.pk, filename="dog.jpg", size=2 * MB)
    uploads.issue(owner_id=owner.pk, filename="dog.jpg", size=MB)
    sentence = "Uploads of 3 MB are still in progress. Wait for some to finish, then send this file again."
    with pytest.raises(uploads.UploadRefused, match=f"^{sentence}$") as refused:
        uploads.issue(owner_id=owner.pk, filename="dog.jpg", size=1)
    assert refused.value.status == 429
