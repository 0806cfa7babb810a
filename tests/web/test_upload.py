"""Upload page: each file has its own outcome."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.curation import trash
from analysis.models import Analysis, Image
from analysis.recognition.reindex_images import reindex
from tests import pictures, raw_bytes
from tests.factories import create_analysis, create_image, label_rows, labels_answer
from tests.web.pages import Page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(owner, signed_in, pictures_folder):
    return signed_in(owner)


def send(browser, *files: tuple[str, bytes], **headers):
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    return browser.post(reverse("upload"), {"files": uploads}, **headers)


def outcomes(page: Page) -> list[str]:
    return [
        row["data-outcome"] for row in page.all("li", "upload-row") if "data-image" in row or "refused" in row["class"]
    ]


def rows(response) -> Page:
    """The rows of a response, without the page's own templates for rows."""
    response._container = [response.content.split(b"<template")[0]]
    return Page(response)


def body(content: bytes, *, name: str) -> bytes:
    """A form as a browser sends it, boundary "cut"."""
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode("utf-8", "replace")
    head = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="' + quoted + b'"\r\n'
    return head + b"Content-Type: image/jpeg\r\n\r\n" + content + b"\r\n--cut--\r\n"


def files_in(folder) -> list:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_form_works_without_javascript(browser):
    page = Page(browser.get(reverse("upload")))
    form = page.all("form", "dropzone")[0]
    assert (form["method"], form["enctype"], form["action"]) == ("post", "multipart/form-data", reverse("upload"))
    assert {"name": "files", "multiple": ""}.items() <= page.by_id("files").items()
    assert "up to 100 MB each" in page.text
    assert page.inline() == []


def test_each_file_has_its_own_outcome(browser, owner):
    jpeg = pictures.jpeg(seed=1)
    send(browser, ("known.jpg", jpeg))
    page = rows(
        send(browser, ("new.jpg", pictures.jpeg(seed=2)), ("known again.jpg", jpeg), ("diary.jpg", b"Dear diary"))
    )
    assert outcomes(page) == ["stored", "duplicate", "refused"]
    assert "1 picture added, 1 already in your library, 1 rejected." in page.text
    present, new = Image.objects.order_by("pk")
    assert page.links["known again.jpg"] == f"/images/{present.pk}/"
    assert page.links["new.jpg"] == f"/images/{new.pk}/"
    assert "Already in your library" in page.text
    assert {image.owner for image in (present, new)} == {owner}


def test_file_in_the_trash_can_be_restored_without_javascript(browser, owner):
    jpeg = pictures.jpeg()
    send(browser, ("dog.jpg", jpeg))
    image = Image.objects.get()
    trash.trash([image.pk])
    page = rows(send(browser, ("again.jpg", jpeg)))
    assert "1 already in the trash." in page.text
    assert "again.jpg Already in the trash Restore" in page.text
    (form,) = [form for form in page.all("form") if form["action"] == reverse("restore", args=[image.pk])]
    assert (form["method"], Image.objects.count()) == ("post", 1)
    assert browser.post(form["action"]).url == f"/images/{image.pk}/"
    image.refresh_from_db()
    assert image.trashed_at is None


def test_picture_in_the_library_comes_before_one_in_the_trash(browser, owner):
    jpeg = pictures.jpeg()
    send(browser, ("dog.jpg", jpeg))
    here = Image.objects.get()
    create_image(owner, sha256=here.sha256, trashed_at=timezone.now())
    page = rows(send(browser, ("again.jpg", jpeg)))
    assert page.links["again.jpg"] == f"/images/{here.pk}/"
    assert "1 already in your library. Show these pictures" in page.text


def test_htmx_request_gets_only_rows(browser):
    page = Page(send(browser, ("new.jpg", pictures.jpeg()), **HTMX))
    assert page.all("html") == []
    row = page.all("li", "upload-row")[0]
    image = Image.objects.get()
    assert (row["data-outcome"], row["data-image"], row["data-version"]) == ("stored", str(image.pk), "queued0")
    assert "data-pending" in row


@pytest.mark.parametrize("what", sorted(pictures.bad_files()))
def test_invalid_file_gets_an_error_and_leaves_nothing(browser, what, pictures_folder):
    name, content, _ = pictures.bad_files()[what]
    page = Page(send(browser, (name, content), ("good.jpg", pictures.jpeg()), **HTMX))
    assert outcomes(page) == ["refused", "stored"]
    assert name in page.text
    assert Image.objects.get().filename == "good.jpg"
    assert len(files_in(pictures_folder)) == 3
    assert "Retry" not in page.text


def test_tiff_with_an_offset_beyond_the_file_is_rejected(browser, settings, pictures_folder):
    """There, the system itself refuses to go where a damaged BigTIFF points to."""
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
    page = rows(send(browser, ("far.tif", raw_bytes.big_tiff(1, at=2**63 - 1)), ("good.jpg", pictures.jpeg())))
    assert outcomes(page) == ["refused", "stored"]
    assert "this TIFF is damaged and cannot be read; copy or send it again" in page.text


def test_error_of_the_rejection_is_shown(browser):
    page = Page(send(browser, ("holiday.svg", pictures.svg()), **HTMX))
    assert "holiday.svg SVG is not accepted" in page.text


def test_hostile_filenames_are_cleaned(browser):
    for name in pictures.NASTY_NAMES:
        sent = body(pictures.jpeg(), name=name)
        response = browser.post(reverse("upload"), sent, content_type="multipart/form-data; boundary=cut", **HTMX)
        assert (response.status_code, Page(response).inline()) == (200, []), name
        filenames = Image.objects.values_list(
            "filename", flat=True
        )  # none for a name of dots or blanks: Django drops it
        assert [filename for filename in filenames if set(filename) & set("\x00\r\n/\\\u202e")] == []
        Image.objects.all().delete()


@pytest.mark.parametrize("form", sorted(pictures.every_format()))
def test_every_format_is_accepted(browser, form):
    page = Page(send(browser, (f"picture.{form}", pictures.every_format()[form]), **HTMX))
    assert outcomes(page) == ["stored"]
    assert Image.objects.get().format == form


def test_storage_error_is_shown_and_can_be_retried(browser, pictures_folder):
    pictures_folder.mkdir(exist_ok=True)
    (pictures_folder / "originals").write_text("a file where the folder should be")
    page = Page(send(browser, ("new.jpg", pictures.jpeg()), **HTMX))
    assert outcomes(page) == ["refused"]
    assert "The file could not be stored" in page.text
    assert "Retry" in page.text
    assert not Image.objects.exists()
    assert files_in(pictures_folder) == [pictures_folder / "originals"]


def test_request_without_files_is_explained(browser):
    page = rows(browser.post(reverse("upload")))
    assert "No files arrived. Choose pictures and upload them again." in page.text


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_interrupted_upload_leaves_nothing(browser, pictures_folder, share):
    content = body(pictures.jpeg(), name="a.jpg")
    part = content[: int(len(content) * share)]
    browser.post(reverse("upload"), part, content_type="multipart/form-data; boundary=cut", **HTMX)
    assert not Image.objects.exists()
    assert not files_in(pictures_folder)


def test_form_without_csrf_token_is_rejected(owner, pictures_folder):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    response = send(browser, ("new.jpg", pictures.jpeg()))
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
    assert not Image.objects.exists()


def test_too_many_files_in_a_request_are_rejected(browser, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    response = send(browser, *[(f"{number}.jpg", b"x") for number in range(3)])
    assert response.status_code == 400
    assert "too many files." in response.content.decode()


# --- What becomes of them ---


def test_state_returns_only_changed_rows(browser, owner):
    waiting, done = create_image(owner), create_image(owner)
    create_analysis(waiting)
    create_analysis(done)
    parameters = {"id": [f"{waiting.pk}-queued0", f"{done.pk}-queued0"]}
    assert outcomes(Page(browser.get(reverse("upload-state"), parameters))) == []

    Analysis.objects.filter(image=done).update(
        state="done", model_version="1", answer=labels_answer(Dog=90, Pet=80), finished_at="2026-01-01T00:00Z",
        is_current=True,
    )  # fmt: skip
    reindex([done.pk])
    page = Page(browser.get(reverse("upload-state"), parameters))
    row = page.all("li", "upload-row")[0]
    assert (row["data-image"], row["data-version"], "data-pending" in row) == (str(done.pk), "done2", False)
    assert "Dog, Pet" in page.text


def test_row_of_a_picture_moved_to_the_trash_is_not_waited_for(browser, owner, colleague, signed_in):
    image = create_image(owner)
    create_analysis(image)
    trash.trash([image.pk])
    parameters = {"id": f"{image.pk}-queued0"}
    page = Page(browser.get(reverse("upload-state"), parameters))
    [row] = page.all("li", "upload-row")
    assert (row["data-image"], "data-pending" in row) == (str(image.pk), False)
    assert "Moved to the trash" in page.text
    assert outcomes(Page(signed_in(colleague).get(reverse("upload-state"), parameters))) == []


def test_labels_appear_while_faces_are_still_analyzed(browser, owner):
    image = create_image(owner)
    create_analysis(image, state="done", answer=labels_answer(Dog=90))
    create_analysis(image, api="faces", state="running")
    reindex([image.pk])
    page = Page(browser.get(reverse("upload-state"), {"id": f"{image.pk}-running0"}))
    assert "Dog Analyzing" in page.text


def test_failed_analysis_is_shown(browser, owner):
    image = create_image(owner)
    create_analysis(image, state="failed")
    assert "Analysis failed" in Page(browser.get(reverse("upload-state"), {"id": str(image.pk)})).text


@pytest.mark.parametrize("number", [1, 3])
def test_state_takes_five_queries(browser, owner, number, django_assert_num_queries):
    images = [create_image(owner) for _ in range(number)]
    for image in images:
        create_analysis(image)
    with django_assert_num_queries(5):  # session, person, pictures, labels, states
        browser.get(reverse("upload-state"), {"id": [str(image.pk) for image in images]})


@pytest.mark.parametrize("name", ["dog.jpg.xmp", "dog.xmp", "dog.XMP"])
def test_sidecar_sent_together_with_its_picture_is_read(browser, name):
    page = rows(send(browser, (name, pictures.full_xmp()), ("dog.jpg", pictures.jpeg())))
    assert outcomes(page) == ["stored"]
    image = Image.objects.get()
    assert (image.title, sorted(label_rows(image))) == ("At the lake", ["Grandma", "Trip 2026", "été"])


def test_sidecar_belongs_to_every_picture_of_its_name_and_needs_one(browser):
    packet = pictures.full_xmp()
    files = [("dog.jpg", pictures.jpeg()), ("dog.png", pictures.one_bit()), ("dog.xmp", packet), ("cat.xmp", packet)]
    page = rows(send(browser, *files))
    assert set(Image.objects.values_list("title", flat=True)) == {"At the lake"}
    assert outcomes(page) == ["stored", "stored", "refused"]
    assert "No picture with the same name was chosen with it. Choose both together." in page.text
