"""The trash: from the grid to the receipt of what was deleted forever."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from playwright.sync_api import expect

from analysis import tasks
from analysis.curation import trash
from analysis.models import Image, TrashDeletion


def test_pictures_are_restored_and_deleted_forever(visit, owner, dogs):
    trash.trash([dog.pk for dog in dogs])
    number = len(dogs)
    window = visit()
    page = window.sign_in()
    page.goto("/trash/")
    first, second = (page.get_by_role("checkbox").nth(index) for index in (0, 1))
    expect(page.get_by_role("button", name="Delete forever…")).to_be_hidden()
    first.check()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Restored 1 picture.")
    expect(page.locator(".trash-card")).to_have_count(number - 1)
    second.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Delete forever…").click()
    page.get_by_label("Type 1 to confirm").fill("1")
    page.keyboard.press("Enter")
    expect(page.locator("#deletions")).to_contain_text("Deleting… 0 of 1 picture deleted")
    tasks.delete_trash(deletion_id=TrashDeletion.objects.get().pk)
    # On its own, with the pictures that are left.
    expect(page.locator("#deletions")).to_contain_text("Done 1 of 1 picture deleted", timeout=20_000)
    expect(page.locator(".trash-card")).to_have_count(number - 2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Receipt").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert [row["owner"] for row in rows] == ["owner"]
    assert Image.objects.filter(pk__in=[dog.pk for dog in dogs]).count() == number - 1
    window.forget_complaints()  # all dogs had the same thumbnail, which is gone
