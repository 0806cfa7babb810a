"""Translated messages for JavaScript, embedded in each page (messages.js)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

Message = str | dict[str, str]

SENTENCES = {
    "unreachable": _("The server cannot be reached. Try again in a moment."),
    "unreachable-unchanged": _("The server cannot be reached. Nothing was changed; try again in a moment."),
    "server-error": _("Something went wrong (HTTP %(status)s). Reload the page and try again."),
    "reload": _("That did not work. Reload the page and try again."),
    "copied": _("Copied"),
    "passkey-not-used": _("No passkey was used. Try again, or choose another way to sign in."),
    "all-selected": _("All %(total)s selected"),
    "confidence": _("Confidence"),
    "moved-to": _("Moved to position %(position)s of %(total)s"),
    "no-rows-hidden": _("All results shown"),
    "zoom-unavailable": _("The full resolution can't be loaded right now. Showing the preview."),
    "slideshow-ended": _("That was the last picture."),
    "uploads": _("Uploads"),
    "upload-waiting": _("Waiting"),
    "upload-checking": _("Checking"),
    "upload-progress": _("%(done)s of %(total)s"),
    "upload-connection-lost": _("Connection lost. The upload will resume automatically."),
    "upload-signed-out": _(
        "You were signed out. Sign in again in another tab, then reload this page and choose the remaining files again."
    ),
    "upload-file-signed-out": _("Not uploaded: you were signed out."),
    "already-in-library": _("Already in your library"),
    "not-restored": _("Could not be restored. Open the picture to see why."),
    "file-over-limit": _("This file is %(size)s; the limit is %(limit)s."),
    "file-too-large": _("This file is larger than the server accepts."),
    "page-expired": _("This page has expired. Reload it and choose the file again."),
    "server-refused": _("The server could not accept this file (HTTP %(status)s). Try again in a moment."),
    "larger-than-declared": _("The file grew during the upload. Choose it again."),
    "smaller-than-declared": _("The file shrank during the upload. Choose it again."),
    "sidecar-alone": _("No picture with the same name was chosen with it. Choose both together."),
    "sidecar-too-large": _("An XMP file can be at most 1 MB."),
    "upload-expired": _("This upload expired. Please send the file again."),
    "storage-misconfigured": _(
        "The storage rejected this file (%(code)s). Ask an administrator to check its settings."
    ),
    "storage-refused": _("The storage rejected this file (%(code)s). Try again in a moment."),
}
PLURALS: dict[str, Callable[[int], str]] = {
    "selected": lambda n: ngettext("%(number)s selected", "%(number)s selected", n),
    "rows-hidden": lambda n: ngettext("%(number)s more below %(minimum)s", "%(number)s more below %(minimum)s", n),
    "new-pictures": lambda n: ngettext("%(number)s new picture", "%(number)s new pictures", n),
    "added": lambda n: ngettext("%(number)s added", "%(number)s added", n),
    "already-here": lambda n: ngettext("%(number)s already in your library", "%(number)s already in your library", n),
    "already-in-trash": lambda n: ngettext("%(number)s already in the trash", "%(number)s already in the trash", n),
    "rejected": lambda n: ngettext("%(number)s rejected", "%(number)s rejected", n),
    "other-files": lambda n: ngettext("%(number)s other file skipped", "%(number)s other files skipped", n),
    "upload-interrupted": lambda n: ngettext(
        "%(number)s upload was interrupted: choose the same file again to continue.",
        "%(number)s uploads were interrupted: choose the same files again to continue.",
        n,
    ),
    "show-pictures": lambda n: ngettext("Show the picture", "Show the %(number)s pictures", n),
    "more-rows": lambda n: ngettext("and %(number)s more", "and %(number)s more", n),
    "seconds-left": lambda n: ngettext("%(number)s s left", "%(number)s s left", n),
    "minutes-left": lambda n: ngettext("%(number)s min left", "%(number)s min left", n),
    "hours-left": lambda n: ngettext("%(number)s h left", "%(number)s h left", n),
}
SAMPLES = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}
"""A sample number for each category of JavaScript's Intl.PluralRules, to get gettext's form for it."""


def messages() -> dict[str, Message]:
    """Messages by key: a string, or plural forms without those equal to `other`."""
    return _in_language(get_language() or "")


@cache
def _in_language(_language: str) -> dict[str, Message]:
    plurals = {key: _plural_forms(text) for key, text in PLURALS.items()}
    return {**{key: str(text) for key, text in SENTENCES.items()}, **plurals}


def _plural_forms(text: Callable[[int], str]) -> dict[str, str]:
    other = text(SAMPLES["other"])
    forms = {category: text(number) for category, number in SAMPLES.items()}
    return {category: form for category, form in forms.items() if category == "other" or form != other}
