"""Toasts: one-time messages on the next page, with an optional Undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from analysis.web.http import Request

# Not django.contrib.messages, whose messages can't carry an Undo.
SESSION_KEY = "toasts"
MAX_TOASTS = 3


@dataclass(frozen=True)
class Toast:
    """A message; Undo posts `fields` to `undo_url`, and `url` is an optional link.

    `is_refusal`: nothing was done, so scripts keep what was typed.
    A background action has a `progress_url`, which is polled for the same toast until `is_finished`.
    """

    message: str
    undo_url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    progress_url: str = ""
    is_finished: bool = False
    is_refusal: bool = False
    url: str = ""
    link_text: str = ""


def add_toast(request: Request, toast: Toast) -> None:
    """Store a toast in the session for the next page."""
    request.session[SESSION_KEY] = [*request.session.get(SESSION_KEY, []), asdict(toast)][-MAX_TOASTS:]


def take_toasts(request: Request) -> list[Toast]:
    """Remove and return the stored toasts; writes the session only if needed."""
    # Only if needed: pop() marks the session as changed, which costs an UPDATE on every page and resends the cookie.
    return [Toast(**values) for values in request.session.pop(SESSION_KEY)] if SESSION_KEY in request.session else []
