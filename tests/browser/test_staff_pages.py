"""Dashboard, activity and bulk runs in a browser."""

from __future__ import annotations

import io

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from analysis.ingest.examine import examine
from analysis.library import images as library_images
from analysis.models import Batch
from analysis.statistics import aggregation
from tests import factories, pictures


@pytest.fixture
def images(transactional_db, pictures_folder):
    """Two of the owner, added today, with a label each."""
    owner, file = factories.create_user("owner"), io.BytesIO(pictures.jpeg())
    added = library_images.add(
        library_images.store_files(examine(file, name="first.jpg"), file, owner_id=owner.pk)
    ).image
    blobs = {"renditions_id": added.renditions_id, "placeholder": added.placeholder, "added_at": timezone.now()}
    added.delete()
    return [factories.create_labeled_image(owner, {"Dog": 98}, **blobs) for _ in range(2)]


def test_chart_bar_opens_its_search_and_table_expands(visit, images):
    list(aggregation.rebuild())
    page = visit().sign_in()
    page.goto("/dashboard/?range=week")
    labels = page.locator("#labels")
    expect(labels.locator("table")).to_be_hidden()
    labels.get_by_text("Show as table").click()
    expect(labels.get_by_role("link", name="Dog")).to_be_visible()
    canvas = labels.locator("canvas")
    canvas.scroll_into_view_if_needed()
    page.wait_for_function("canvas => window.Chart?.getChart(canvas)", arg=canvas.element_handle())
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] / 2, "y": box["height"] / 2 - 10})
    page.wait_for_url("**/?q=Dog+owner%3Ame")


def test_tables_are_visible_without_javascript(visit, images):
    list(aggregation.rebuild())
    page = visit(java_script_enabled=False).sign_in()
    page.goto("/dashboard/")
    expect(page.locator("#labels").get_by_role("link", name="Dog")).to_be_visible()
    expect(page.locator("#labels canvas")).to_be_hidden()


def test_selection_is_estimated_then_analyzed_again(visit, images):
    page = visit().sign_in()
    page.locator(".card").first.hover()
    for index in (0, 1):
        page.locator(".card").nth(index).hover()
        page.locator(".card input[type=checkbox]").nth(index).check()
    page.get_by_role("button", name="Analyze again").click()
    page.wait_for_url("**/analyze/")
    expect(page.get_by_text("2 pictures · ")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/activity/")
    batch = Batch.objects.get()
    expect(page.get_by_text(f"Started bulk run {batch.pk}.")).to_be_visible()
    assert sorted(batch.named.values_list("image_id", flat=True)) == [image.pk for image in images]
    page.get_by_role("button", name=f"Cancel #{batch.pk}").click()
    expect(page.locator(".batch .batch-state")).to_have_text("Canceled")
    while "/activity/" in page.url:
        page.go_back()
    expect(page.locator(".card")).to_have_count(2)  # not the estimate, which would have to be sent again


def test_bulk_run_progress_updates_without_reload(visit, images):
    page = visit().sign_in()
    batch = Batch.objects.create(
        person=images[0].owner, recognizer="local", parameters={"labels": {}}, queued=10, is_fully_queued=True
    )
    page.goto("/activity/")
    expect(page.get_by_text("0 of 10")).to_be_visible()
    page.get_by_role("button", name="Pause").focus()
    Batch.objects.filter(pk=batch.pk).update(done=4)
    expect(page.get_by_text("4 of 10")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_be_focused()

    stopped = Batch.objects.create(
        person=batch.person, recognizer="local", parameters=batch.parameters, state="stopped", budget=1
    )
    budget = page.locator(f"#budget-{stopped.pk}")
    budget.fill("25")
    page.get_by_role("button", name="Pause").focus()
    for _update in range(2):
        with page.expect_response("**/activity/"):
            pass
    expect(budget).to_have_value("25")  # a value that is being typed is not replaced
