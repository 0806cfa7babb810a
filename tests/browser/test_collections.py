"""A collection in a browser: fill it, order it, share it by link, revoke that."""

from __future__ import annotations

from playwright.sync_api import expect

from analysis.models import Collection, Image
from analysis.web.collections import views

ORDER = "[...document.querySelectorAll('.order-card')].map((card) => card.dataset.id)"


def saved_order() -> list[str]:
    entries = Collection.objects.get().entries.order_by("position")
    return [str(image_id) for image_id in entries.values_list("image_id", flat=True)]


def test_collection_from_selection_to_shared_link(visit, dogs, monkeypatch):
    Image.objects.update(visibility=Image.Visibility.SHARED)
    window = visit()
    page = window.sign_in()
    page.goto("/?q=dog")
    for checkbox in page.locator(".card-checkbox").all():
        checkbox.check()
    page.locator(".bulk-bar summary", has_text="Add to collection").click()
    page.get_by_label("New or existing name").fill("Trips/Paris")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Added 4 pictures to “Trips/Paris”.")
    page.locator(".toast").get_by_role("link", name="Open").click()
    page.wait_for_url("**/collections/*/")
    expect(page.locator(".card")).to_have_count(4)

    page.get_by_role("link", name="Arrange").click()
    page.wait_for_url("**/order/")
    first, second, third, fourth = page.evaluate(ORDER)
    assert saved_order() == [first, second, third, fourth]
    with page.expect_response("**/move/"):
        page.locator(".order-card").first.drag_to(
            page.locator(".order-card").nth(2), target_position={"x": 120, "y": 40}
        )
    assert page.evaluate(ORDER) == saved_order() == [second, third, first, fourth]
    page.locator(".order-card a").last.focus()
    with page.expect_response("**/move/"):
        page.keyboard.press("Shift+Home")
    assert page.evaluate(ORDER) == saved_order() == [fourth, second, third, first]
    expect(page.locator("[data-order-status]")).to_have_text("Moved to position 1 of 4")
    with page.expect_response("**/move/"):
        page.locator(".order-card").first.get_by_role("button").last.click()
    assert page.evaluate(ORDER) == saved_order() == [second, fourth, third, first]
    monkeypatch.setattr(views, "ORDER_PAGE_SIZE", 2)
    page.goto(f"{page.url}?page=2")
    page.locator(".order-card").first.get_by_role("button").first.click()
    expect(page.locator(".toast")).to_contain_text("Moved 1 picture.")
    assert saved_order() == [second, third, fourth, first]
    with page.expect_navigation():
        page.get_by_role("button", name="Undo").click()
    assert saved_order() == [second, fourth, third, first]
    page.get_by_role("link", name="Done").click()

    page.locator(".card a").first.click()
    page.wait_for_url("**/images/*/?collection=*")  # and until it is loaded: keys work from then on
    expect(page.locator(".image-heading")).to_contain_text("1 of 4")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/images/{fourth}/?collection=*")
    expect(page.locator(".image-heading")).to_contain_text("2 of 4")
    page.keyboard.press("Escape")
    page.wait_for_url(f"**/collections/*/?to={fourth}*")

    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_role("link", name="Create a link").click()
    page.get_by_label("Password").fill("open sesame")
    page.get_by_label("Can download pictures").check()
    page.get_by_role("button", name="Create link").click()
    address = page.get_by_label("Link", exact=True).input_value()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()

    guest = visit(java_script_enabled=False, viewport={"width": 390, "height": 844})
    guest.page.goto(address)
    guest.page.get_by_label("Password").fill("open sesame")
    guest.page.get_by_role("button", name="Show pictures").click()
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Paris")
    expect(guest.page.locator(".card")).to_have_count(4)
    guest.page.locator(".card a").first.click()
    guest.page.get_by_role("link", name="Next picture").click()
    expect(guest.page.locator(".share-toolbar")).to_contain_text("2 of 4")
    with guest.page.expect_download() as download:
        guest.page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "Picture.jpg"

    page.get_by_role("button", name="Revoke this link").click()
    expect(page.locator(".toast")).to_contain_text("It no longer works.")
    guest.page.reload()
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("This link does not work")
    guest.forget_complaints()
