"""Parses pages into links, text and elements."""

from __future__ import annotations

import re
from html.parser import HTMLParser

FOR_PEOPLE = ("title", "alt", "placeholder", "content", "data-pictures", "data-total", "data-select-all")
GROUPED_NUMBER = re.compile(r"\b\d{1,3}(,\d{3})+\b")


def address_for(browser, image) -> str:
    """The URL of a picture: by id for signed-in people, else the public one."""
    return image.get_absolute_url() if "sessionid" in browser.cookies else image.get_public_url()


class Page(HTMLParser):
    """A parsed page: `links` by text, `text` as one line, `elements` in order."""

    def __init__(self, response) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._words: list[str] = []
        self._is_data = False
        self._link: tuple[str, int] | None = None
        self.feed(response.content.decode())
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self._is_data = tag == "script" and attributes.get("type") == "application/json"
        self.elements.append((tag, attributes))
        if tag == "a":
            self._link = (attributes.get("href", ""), len(self._words))

    def handle_data(self, data):
        if not self._is_data:
            self._words.append(data)

    def handle_endtag(self, tag):
        self._is_data = False
        if tag == "a" and self._link:
            href, start = self._link
            self.links[" ".join(" ".join(self._words[start:]).split())] = href

    def all(self, tag: str, name: str = "") -> list[dict[str, str]]:
        """The attributes of the elements with this tag and class."""
        return [
            attributes
            for kind, attributes in self.elements
            if kind == tag and (not name or name in attributes.get("class", "").split())
        ]

    def cards(self) -> list[int]:
        return [int(attributes["id"].removeprefix("card-")) for attributes in self.all("li", "card")]

    def by_id(self, name: str) -> dict[str, str] | None:
        return next((attributes for _, attributes in self.elements if attributes.get("id") == name), None)

    def grouped_numbers(self) -> list[tuple[str, str]]:
        """Numbers written for people, such as "1,001", in attributes that programs read."""
        return [
            (name, value)
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name not in FOR_PEOPLE and not name.startswith("aria-") and GROUPED_NUMBER.search(value)
        ]

    def inline(self) -> list[tuple[str, dict[str, str]]]:
        """Inline styles and scripts, which the CSP forbids."""
        return [
            (tag, attributes)
            for tag, attributes in self.elements
            if tag == "style"
            or (tag == "script" and "src" not in attributes and attributes.get("type") != "application/json")
            or any(name == "style" or name.startswith("on") for name in attributes)
            or attributes.get("href", "").startswith("javascript:")
        ]
