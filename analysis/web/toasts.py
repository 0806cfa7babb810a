"""What was just done, told once on the next page, with the way to undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from analysis.web.http import Request

KEY = "toasts"
MOST = 3


@dataclass(frozen=True)
class Toast:
    """A sentence; `undo_url` is where a form with these fields is posted to take it back.

    `progress_url` says how far it is meanwhile; `is_end`: now it is over.
    `url` leads to what it is about.
    """

    words: str
    undo_url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    progress_url: str = ""
    is_end: bool = False
    url: str = ""
    url_words: str = ""


def add_toast(request: Request, toast: Toast) -> None:
    """Keep it for the next page that this person sees."""
    request.session[KEY] = [*request.session.get(KEY, []), asdict(toast)][-MOST:]


def take_toasts(request: Request) -> list[Toast]:
    """What waits to be told. Costs a write only when there is something."""
    return [Toast(**each) for each in request.session.pop(KEY)] if KEY in request.session else []
