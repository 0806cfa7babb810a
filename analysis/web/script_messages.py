"""Sentences that scripts show, translated on the page: messages.js finds them by their keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

Message = str | dict[str, str]

SENTENCES = {
    "unreachable": _("The server cannot be reached. Try again in a moment."),
    "unreachable-unchanged": _("The server cannot be reached. Nothing was changed; try again in a moment."),
    "unreachable-bulk": _("The server cannot be reached; nothing was changed."),
    "server-error": _("The server could not do it (status %(status)s). Reload the page and try again."),
    "reload": _("That did not work: reload the page and try again."),
    "all-selected": _("All %(total)s selected"),
    "file-too-large": _("it is larger than the server accepts"),
    "page-expired": _("the page is too old; reload it and choose the file again"),
    "server-refused": _("the server could not take it (status %(status)s); try again in a moment"),
    "larger-than-declared": _("it is larger than was said; choose it again"),
    "smaller-than-declared": _("it is smaller than was said; choose it again"),
    "upload-expired": _("it took too long and its time is over; send it again"),
    "storage-misconfigured": _(
        "the storage does not take it (%(code)s); whoever runs this library must put that right"
    ),
    "storage-refused": _("the storage does not take it (%(code)s); try again in a moment"),
}
PLURALS: dict[str, Callable[[int], str]] = {
    "selected": lambda n: ngettext("%(number)s selected", "%(number)s selected", n),
    "added": lambda n: ngettext("%(number)s added", "%(number)s added", n),
    "already-here": lambda n: ngettext("%(number)s already here", "%(number)s already here", n),
    "already-in-trash": lambda n: ngettext(
        "%(number)s already here, in the trash", "%(number)s already here, in the trash", n
    ),
    "not-accepted": lambda n: ngettext("%(number)s not accepted", "%(number)s not accepted", n),
    "other-files": lambda n: ngettext("%(number)s other file passed over", "%(number)s other files passed over", n),
    "seconds-left": lambda n: ngettext("%(number)s s left", "%(number)s s left", n),
    "minutes-left": lambda n: ngettext("%(number)s min left", "%(number)s min left", n),
    "hours-left": lambda n: ngettext("%(number)s h left", "%(number)s h left", n),
}
SAMPLES = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}
"""A number of each category of Intl.PluralRules, by which gettext's form for it is found."""


def messages() -> dict[str, Message]:
    """By key: a sentence, or its forms by plural category, those that differ from `other`."""
    return _in_language(get_language() or "")


@cache
def _in_language(_language: str) -> dict[str, Message]:
    plurals = {key: _forms(text) for key, text in PLURALS.items()}
    return {**{key: str(text) for key, text in SENTENCES.items()}, **plurals}


def _forms(text: Callable[[int], str]) -> dict[str, str]:
    other = text(SAMPLES["other"])
    forms = {category: text(number) for category, number in SAMPLES.items()}
    return {category: form for category, form in forms.items() if category == "other" or form != other}
