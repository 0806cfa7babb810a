"""The administration in a browser: all lists, forms and actions, with rows."""

from __future__ import annotations

import io

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse
from playwright.sync_api import Page, expect

from analysis.admin import sidebar
from analysis.ingest.examine import examine
from analysis.library import images
from analysis.models import Image
from tests import factories, pictures
from tests.admin.example_rows import create_example_rows

LAST = ("delete_selected", "cancel", "trash")
"""What leaves nothing for others to be done to."""


@pytest.fixture
def staff(transactional_db, pictures_folder):
    """Staff and one row of every model; all images share one set of files."""
    owner, file = factories.create_user("owner"), io.BytesIO(pictures.jpeg())
    first = images.add(images.store_files(examine(file, name="dog.jpg"), file, owner_id=owner.pk)).image
    create_example_rows(owner)
    Group.objects.get_or_create(name="viewer")
    Image.objects.update(renditions_id=first.renditions_id)
    return factories.create_user("staff", is_staff=True, is_superuser=True)


def address(model, page, *arguments) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def opened(page: Page, url: str) -> None:
    answer = page.goto(url)
    assert answer is not None
    assert (url, answer.status) == (url, 200)


def ticked(page: Page, model, action: str) -> bool:
    """Opens the list and runs an action on its first row; False if there is none."""
    opened(page, address(model, "changelist"))
    return ran(page, model, action)


def ran(page: Page, model, action: str) -> bool:
    """The action on the first row of the open list."""
    box = page.locator("input.action-select").first
    if not box.count():
        return False
    box.check()
    page.locator("select[name=action]").select_option(action)
    with page.expect_navigation() as gone:
        page.get_by_role("button", name="Run").click()
    assert (model, action, gone.value.status) == (model, action, 200)
    return True


@pytest.mark.parametrize("part", range(2))
def test_admin_lists_have_rows_and_actions_that_open(part, visit, staff, rekognition):
    """Forms are opened by test_accessibility.py."""
    page = visit().sign_in("staff")
    for model in [item.model for section in sidebar.SECTIONS for item in section.items][part::2]:
        opened(page, address(model, "changelist"))
        expect(page.locator("#result_list tbody tr")).not_to_have_count(0)
        names = page.locator("select[name=action] option").evaluate_all("options => options.map(o => o.value)")
        names = sorted(filter(None, names), key=lambda name: (name in LAST, name))
        actions = admin.site._registry[model].actions or ()
        assert set(names) >= {getattr(action, "__name__", action) for action in actions}
        assert all(ran(page, model, name) for name in names[:1])
        for action in names[1:]:
            ticked(page, model, action)


def test_reanalyze_action_starts_a_bulk_run(visit, staff, rekognition):
    page = visit().sign_in("staff")
    ticked(page, Image, "reanalyze")
    expect(page.get_by_text("1 picture")).to_be_visible()
    page.get_by_role("button", name="Estimate").click()
    expect(page.get_by_role("cell", name="Labels")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Started in the background")).to_be_visible()
    page.get_by_role("link", name="Bulk run").last.click()
    expect(page.get_by_text("? analyses finished")).to_be_visible()


def test_filters_open_and_narrow_the_list(visit, staff):
    page = visit().sign_in("staff")
    opened(page, address(Image, "changelist"))
    page.locator("a", has_text="Filters").click()
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.locator("#changelist-filter select[name=is]").select_option("failed")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**is=failed**")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
