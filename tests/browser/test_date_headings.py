"""Months and days in the grid in a browser: headings, keys, and selecting them."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import expect

from analysis.models import Image
from tests.browser.test_library_page import POSITION, rows
from tests.factories import START

BOUND = 140
NAMES = "[...document.querySelectorAll('.date-heading h2')].map((heading) => heading.textContent)"


def dated_rows(owner, renditions):
    """Months of 70 pictures, and 30 pictures without a date."""
    for index, image in enumerate(rows(owner, renditions, number=240)):
        image.taken_at = START.replace(month=4 - index // 70) + timedelta(hours=index) if index < 210 else None
        yield image


def test_months_of_a_long_grid(visit, owner, renditions):
    Image.objects.all().update(taken_at=START.replace(year=2000))
    Image.objects.bulk_create(dated_rows(owner, renditions))
    page = visit().sign_in()
    page.goto("/")
    page.wait_for_load_state()
    assert page.evaluate(NAMES) == ["April 2026"]

    # Also the pictures of the month that are not loaded; the next click deselects them.
    select = page.get_by_role("button", name="Select April 2026")
    select.click()
    expect(page.locator(".bulk-bar")).to_contain_text("70 selected")
    select.click()
    expect(page.locator("image-selection")).not_to_have_attribute("data-selecting", "")
    page.get_by_role("button", name="Select Friday, 3 April").click()
    expect(page.locator(".bulk-bar")).to_contain_text("22 selected")
    page.get_by_role("button", name="Select all 241 pictures").click()

    page.evaluate("bound => { document.querySelector('virtual-grid').dataset.maxCards = bound }", str(BOUND))
    page.mouse.move(700, 500)
    while page.locator("#load-more").count():
        page.mouse.wheel(0, 1_500)
        page.wait_for_function("() => new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
    page.wait_for_function("bound => document.querySelectorAll('.card').length <= bound", arg=BOUND)
    expect(page.locator(".card-checkbox:not(:checked)")).to_have_count(0)  # those that followed are selected, too
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('virtual-grid').imageIds().length") == 241
    height = page.evaluate("document.documentElement.scrollHeight")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("() => document.querySelector('.date-heading h2')?.textContent === 'April 2026'")
    assert abs(page.evaluate("document.documentElement.scrollHeight") - height) < 1

    # Rows that are not in the document are laid out again as well: as high as if all were.
    page.get_by_role("button", name="Small").dispatch_event("click")
    page.wait_for_function("height => document.documentElement.scrollHeight < height * 0.7", arg=height)
    estimated = page.evaluate("document.documentElement.scrollHeight")
    page.evaluate("document.querySelector('virtual-grid').dataset.maxCards = 1000")
    for top in (*range(0, 4_000, 700), 0):
        page.evaluate("top => scrollTo(0, top)", top)
        page.wait_for_function("() => new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
    page.wait_for_function("() => !document.querySelector('.grid-spacer')")
    assert page.evaluate(NAMES) == ["April 2026", "March 2026", "February 2026", "January 2000", "Undated"]
    assert abs(page.evaluate("document.documentElement.scrollHeight") - estimated) < 2


def test_keys_and_ranges_go_past_headings(visit, owner, renditions):
    Image.objects.all().update(taken_at=START.replace(year=2000))
    images = Image.objects.bulk_create(rows(owner, renditions, number=3))
    for month, image in enumerate(images, start=1):
        Image.objects.filter(pk=image.pk).update(taken_at=START.replace(month=month))
    page = visit().sign_in()
    page.goto("/")
    page.wait_for_load_state()
    assert page.evaluate(NAMES) == ["March 2026", "February 2026", "January 2026", "January 2000"]
    heights = {card.bounding_box()["height"] for card in page.locator(".card").all()}
    assert max(heights) - min(heights) < 1  # a row of one picture is not stretched

    page.keyboard.press("ArrowRight")
    for key, index in (("ArrowRight", 1), ("ArrowDown", 0), ("ArrowUp", 1)):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.closest('.card').id") == f"card-{images[index].pk}"
    page.locator(f"#card-{images[2].pk} .card-checkbox").click()
    page.locator(f"#card-{images[0].pk} .card-checkbox").click(modifiers=["Shift"])
    expect(page.locator(".bulk-bar")).to_contain_text("3 selected")

    page.keyboard.press("Escape")
    page.get_by_role("button", name="Select March 2026").click()
    expect(page.locator(".bulk-bar")).to_contain_text("1 selected")
    page.locator(f"#card-{images[2].pk} a").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".date-heading")).to_have_count(3)  # a month without pictures has no heading
    assert page.evaluate(POSITION, f"card-{images[1].pk}") > 0
