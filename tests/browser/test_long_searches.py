"""Searches too long for an address, typed into the search box."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

WORDS = " OR ".join(f"{number:03}{'d' * 187}" for number in range(25))
LONG = {"4,000 characters": f"cat OR {WORDS}"[:4_000], "1,000 Cyrillic letters": "cat OR " + "д" * 1_000}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("start", ["/", "/labels/"])
def test_long_search_is_sent_by_post_and_back_works(start, text, visit, dogs):
    page, sent = visit().sign_in(), []
    page.goto(start)
    page.on(
        "request",
        lambda request: sent.append((request.method, len(request.url))) if request.is_navigation_request() else None,
    )
    page.get_by_role("combobox").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    assert [(method, length < 100) for method, length in sent] == [("POST", True)]
    expect(page.get_by_role("combobox")).to_have_value(text)
    page.locator(".card a").first.click()
    page.wait_for_url("**/images/**")
    page.go_back()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_role("combobox")).to_have_value(text)
    page.reload()
    expect(page.locator(".card")).to_have_count(1)
    page.go_back()
    page.wait_for_url(f"**{start}")
    if start == "/":
        expect(page.locator(".card")).to_have_count(len(dogs) + 1)


def test_search_that_fits_keeps_its_address(visit, dogs):
    page = visit().sign_in()
    page.get_by_role("combobox").fill("cat")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=cat")


def test_long_search_that_is_refused_says_why(visit, dogs):
    page = visit().sign_in()
    page.get_by_role("combobox").fill("(" + "д" * 1_000)
    page.keyboard.press("Enter")
    expect(page.locator("#search-error")).to_contain_text("Unclosed parenthesis.")
