"""Browser and operating system from a User-Agent header, for the list of sessions."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

# The order matters: most browsers also name those they derive from, and mobile systems name the desktop system.
BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Vivaldi", r"Vivaldi/"),
    ("Firefox", r"(?:Firefox|FxiOS)/"),
    ("Chromium", r"Chromium/"),
    ("Chrome", r"(?:Chrome|CriOS)/"),
    ("Safari", r"Version/\S+ (?:Mobile/\S+ )?Safari/"),
)
SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux|X11"),
)


def device(user_agent: str) -> str:
    """A device such as "Firefox on Linux"; for other clients, their name."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    program = re.match(r"[\w.-]{1,40}", user_agent)
    is_program = program is not None and program[0] != "Mozilla"
    return browser or system or (program[0] if program and is_program else _("Unknown browser"))


def _first(patterns: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in patterns if re.search(pattern, text)), "")
