"""A selection on a phone: begun by a long press, shared to its last step."""

from __future__ import annotations

from playwright.sync_api import expect

HELD = 700  # ms; longer than DELAY of long_press.js
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_long_press_begins_a_selection_that_is_shared(visit, owner, dogs):
    window = visit(**PHONE)
    page = window.sign_in()
    page.wait_for_load_state()
    selected, touch = page.locator(".card-checkbox:checked"), window.context.new_cdp_session(page)

    def hold(number, *, moves=()):
        box = page.locator(".card").nth(number).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for kind, way in (("touchStart", 0), *(("touchMove", way) for way in moves)):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y - way}]})
        page.wait_for_timeout(HELD)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    hold(0, moves=(15, 30, 45))  # scrolls
    expect(selected).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")
    hold(0)
    expect(selected).to_have_count(1)
    page.locator(".card a").nth(1).tap()
    expect(selected).to_have_count(2)
    page.get_by_role("button", name="Share", exact=True).tap()
    page.wait_for_url("**/shares/new/")
    page.get_by_role("button", name="Create link").tap()
    page.get_by_role("button", name="Copy link").tap()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    expect(page.get_by_text("This link does not show 2 private pictures.")).to_be_visible()

    page.goto("/")
    corner = page.locator(".card").first.bounding_box()
    page.touchscreen.tap(corner["x"] + 15, corner["y"] + 15)  # no checkbox is hit before the selection begins
    page.wait_for_url("**/images/**")
