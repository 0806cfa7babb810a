"""Downloads prepared in the background: from the form to the file, in parts."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from analysis.exports import background
from analysis.exports.csv_table import CSV_COLUMNS
from analysis.exports.options import label_options, style_of
from analysis.models import Export
from analysis.storage import blobs
from analysis.web.export import COLUMN_TITLES
from tests.factories import create_labeled_image

pytestmark = pytest.mark.django_db
FORM = {"format": "jsonl", "labels": "effective", "all": "1", "q": "dog", "background": "1"}


@pytest.fixture
def browser(owner, signed_in):
    create_labeled_image(owner, {"Dog": 99.0}, filename="dog.jpg")
    return signed_in(owner)


@pytest.fixture
def export(owner, browser) -> Export:
    """Finished, of one picture."""
    export = background.create(Export(owner=owner, format="jsonl", query="dog", total=1))
    background.run(export.pk)
    export.refresh_from_db()
    return export


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_form_queues_an_export_with_its_options(browser, owner):
    options = {"format": "annotated", "line_width": "5", "position": "bottom", "palette": "contrast", "kinds": "label"}
    response = browser.post(reverse("export-download"), FORM | options)
    assert (response.status_code, response.url) == (302, reverse("exports"))
    export = Export.objects.get()
    assert (export.owner, export.query, export.total, export.state) == (owner, "dog", 1, "queued")
    assert label_options(export.options).kinds == {"label"}
    style = style_of(export.options)
    assert (style.line_width, style.position, style.palette[0]) == (5, "bottom", "#ffff00")


def test_name_freezes_a_dataset_also_from_the_first_button(browser):
    for _version in range(2):
        browser.post(reverse("export-download"), FORM | {"background": "", "name": " Dogs  2026 "})
    assert list(Export.objects.order_by("pk").values_list("name", "version")) == [("Dogs 2026", 1), ("Dogs 2026", 2)]
    assert "Dogs 2026, version 2" in browser.get(reverse("exports")).content.decode()


def test_form_offers_every_column():
    assert tuple(COLUMN_TITLES) == CSV_COLUMNS


def test_too_many_at_once_are_refused_on_the_form(browser, monkeypatch):
    monkeypatch.setattr(background, "MAX_UNFINISHED", 0)
    response = browser.post(reverse("export-download"), FORM)
    assert response.status_code == 422
    assert "0 files are still being prepared" in response.content.decode()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kinds": "smell"}, "Select a valid choice. smell is not one of the available choices."),
        ({"columns": "secret"}, "Select a valid choice. secret is not one of the available choices."),
        ({"line_width": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"name": "x" * 101}, "Ensure this value has at most 100 characters"),
    ],
)
def test_bad_options_name_their_field(browser, changed, sentence):
    response = browser.post(reverse("export-download"), FORM | changed)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Export.objects.exists()


def test_whole_file_has_checksum_and_name(browser, export):
    response = browser.get(reverse("export-file", args=[export.pk]))
    assert response["Content-Disposition"] == f'attachment; filename="{background.filename(export)}"'
    assert (response["ETag"], response["Accept-Ranges"]) == (f'"{export.sha256}"', "bytes")
    assert response["Content-Length"] == str(export.size)
    assert json.loads(body(response))["filename"] == "dog.jpg"
    manifest = browser.get(reverse("export-manifest", args=[export.pk])).json()
    assert (manifest["query"], manifest["images"], manifest["sha256"]) == ("dog", 1, export.sha256)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=10-", slice(10, None)),
        ("bytes=0-4", slice(0, 5)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-999999", slice(5, None)),
    ],
)
def test_broken_off_download_goes_on_with_the_rest(browser, export, header, expected):
    address = reverse("export-file", args=[export.pk])
    whole = body(browser.get(address))
    response = browser.get(address, headers={"range": header, "if-range": f'"{export.sha256}"'})
    part = body(response)
    assert (response.status_code, part) == (206, whole[expected])
    start = whole.index(part)
    assert response["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"


@pytest.mark.parametrize("headers", [{"range": "bytes=0-1,4-5"}, {"range": "bytes=5-2"}, {"range": "bytes=-"}])
def test_ranges_that_are_not_served_get_the_whole_file(browser, export, headers):
    response = browser.get(reverse("export-file", args=[export.pk]), headers=headers)
    assert (response.status_code, len(body(response))) == (200, export.size)


def test_range_of_another_file_gets_the_whole_and_one_beyond_the_end_416(browser, export):
    address = reverse("export-file", args=[export.pk])
    changed = browser.get(address, headers={"range": "bytes=10-", "if-range": '"older"'})
    assert (changed.status_code, len(body(changed))) == (200, export.size)
    beyond = browser.get(address, headers={"range": f"bytes={export.size}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{export.size}")
    known = browser.get(address, headers={"if-none-match": f'"{export.sha256}"'})
    assert known.status_code == 304


def test_missing_file_is_explained(browser, export):
    blobs.remove(export.key)
    response = browser.get(reverse("export-file", args=[export.pk]))
    assert response.status_code == 404
    assert "The storage has no file" in response.content.decode()


def test_page_polls_only_while_something_is_in_progress(browser, owner, export):
    assert "every 2s" not in browser.get(reverse("exports")).content.decode()
    background.create(Export(owner=owner, format="csv"))
    page = browser.get(reverse("exports")).content.decode()
    assert "every 2s" in page
    fragment = browser.get(reverse("exports"), headers={"hx-request": "true"}).content.decode()
    assert "<html" not in fragment
    assert export.sha256 in fragment


def test_cancel_retry_and_delete(browser, owner):
    export = background.create(Export(owner=owner, format="jsonl", query="dog"))

    def act(action: str) -> str:
        browser.post(reverse("export-action", args=[export.pk, action]))
        return browser.get(reverse("exports")).content.decode()

    assert "Only failed or canceled downloads can be retried." in act("retry")
    assert "Canceled." in act("cancel")
    assert "It has already finished." in act("cancel")
    assert "Started again." in act("retry")
    assert "Deleted." in act("delete")
    assert not Export.objects.exists()
    assert browser.post(reverse("export-action", args=[1, "rename"])).status_code == 404
