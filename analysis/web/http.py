"""What requests say, read without trusting it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """A request as the middleware leaves it."""

    htmx: HtmxDetails
    user: AbstractBaseUser | AnonymousUser  # type: ignore[assignment]


def current_user_id(request: Request) -> int:
    """Who asks, on a page that only people who are signed in reach."""
    if request.user.pk is None:
        raise PermissionDenied
    return int(request.user.pk)


def is_fragment(request: Request) -> bool:
    """Whether htmx wants a part of the page; on the way back through history it wants all of it."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def int_param(text: str, *, maximum: int, minimum: int = 1) -> int:
    """The number a text says, within bounds; the least for anything else."""
    return min(max(int(text), minimum), maximum) if re.fullmatch(r"[0-9]{1,18}", text) else minimum


def id_list_param(texts: Iterable[str], *, maximum: int) -> dict[int, str]:
    """Ids with what each is said to be, from `id-word` or `id`; what is neither is passed over."""
    found = (re.fullmatch(r"([0-9]{1,18})(?:-([a-z0-9]*))?", text) for text in texts)
    pairs = [(int(match[1]), match[2] or "") for match in found if match]
    return dict(pairs[:maximum])


def next_url(request: HttpRequest) -> str:
    """The page of ours that a form says it was sent from (`next`), else the library."""
    wanted = request.POST.get("next", "")
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else reverse("library")
