"""The timeline in a browser: jumps, and Back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from analysis.models import Image
from tests.browser.test_library_page import rows
from tests.factories import START

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}

NEXT_JUMP = """() => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    window.nextJump = new Promise((resolve) => document.addEventListener("htmx:afterSettle", resolve, { once: true }));
    window.nextJump = window.nextJump.then(frame).then(frame).then(frame);
}"""
"""Waits until a jump has scrolled the page."""


@pytest.fixture
def years(owner, renditions):
    """Forty pictures of each January from 2025 down to 2021, and forty without a date."""
    Image.objects.all().update(taken_at=START.replace(year=2025))
    images = list(rows(owner, renditions, number=240))
    for index, image in enumerate(images):
        year = 2025 - index // 40
        image.taken_at = START.replace(year=year, day=1) + timedelta(days=index % 28) if year > 2020 else None
    Image.objects.bulk_create(images)


def click_at(page, timeline, share: float) -> None:
    box = timeline.bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + share * box["height"])


def test_jump_by_pointer_and_keys_and_back(visit, years):
    page = visit().sign_in()
    timeline = page.get_by_role("slider", name="Timeline")
    expect(timeline).to_have_attribute("aria-valuetext", "January 2025")
    expect(timeline.locator(".timeline-year")).to_have_text(["2025", "2024", "2023", "2022", "2021"])

    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    click_at(page, timeline, 0.58)
    page.wait_for_url("**/?after=**")
    expect(page.locator(".bulk-bar")).to_contain_text("1 selected")
    expect(page.locator(".date-heading h2").first).to_have_text("January 2022")
    expect(timeline).to_have_attribute("aria-valuetext", "January 2022")

    first = page.locator(".card").first
    card, top = page.locator(f"#{first.get_attribute('id')}"), first.bounding_box()["y"]
    page.mouse.move(600, 500)
    page.mouse.wheel(0, -1)
    expect(page.locator(".date-heading h2").first).to_have_text("January 2024")
    assert abs(card.bounding_box()["y"] - top) < 2
    while page.evaluate("scrollY") or page.locator("load-previous").count():
        page.mouse.wheel(0, -2_000)
        page.wait_for_function("() => new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
    expect(page.locator(".date-heading h2")).to_have_text([f"January {year}" for year in range(2025, 2020, -1)])
    expect(timeline).to_have_attribute("aria-valuetext", "January 2025")
    page.wait_for_function(
        "() => location.search === `?pages=${Math.ceil(document.querySelectorAll('.card').length / 60)}`"
    )
    click_at(page, timeline, 0.58)
    expect(page.locator(".date-heading h2").first).to_have_text("January 2022")

    timeline.focus()
    page.keyboard.press("ArrowUp")
    expect(timeline.locator(".timeline-bubble")).to_have_text("January 2023 · 40 pictures")
    page.keyboard.press("Enter")
    expect(page.locator(".date-heading h2").first).to_have_text("January 2023")
    expect(timeline).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".date-heading h2").first).to_have_text("Undated")
    expect(page.locator(".card")).to_have_count(40)

    page.go_back()
    expect(page.locator(".date-heading h2").first).to_have_text("January 2023")
    expect(timeline.locator(".timeline-year")).to_have_count(5)
    page.mouse.move(600, 500)
    while page.locator("#load-more").count():
        page.mouse.wheel(0, 2_000)
        page.wait_for_function("() => new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
    expect(timeline).not_to_have_attribute("aria-valuetext", "January 2023")

    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.evaluate(NEXT_JUMP)
    click_at(page, timeline, 0.38)
    page.evaluate("window.nextJump")
    expect(page.locator(".date-heading h2").first).to_have_text("January 2023")
    assert [url for url in urls if "before=" in url] == []
    page.go_back()
    page.wait_for_function("scrollY > 1000")


def test_drag_on_a_phone(visit, years):
    page = visit(**PHONE).sign_in()
    timeline = page.get_by_role("slider", name="Timeline")
    expect(timeline).to_be_visible()
    box = timeline.bounding_box()
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 0.75 * box["height"], steps=5)
    expect(timeline.locator(".timeline-bubble")).to_have_text("January 2021 · 40 pictures")
    timeline.dispatch_event("pointercancel")
    expect(timeline.locator(".timeline-bubble")).to_be_hidden()
    page.mouse.up()
    expect(page).to_have_url("/")
    page.mouse.move(x, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 0.75 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_url("**/?after=**")
    expect(page.locator(".date-heading h2").first).to_have_text("January 2021")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.goto("/")
    expect(page.locator("#load-more")).to_be_attached()
    page.get_by_role("combobox").fill("taken:2021")
    page.keyboard.press("Enter")
    expect(page.locator("#result-line")).to_have_text("40 pictures")
    expect(page.locator(".card").last).to_be_visible()
