"""Sessions page: where the user is signed in, with sign-out of each session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting
from imagelib.accounts import sessions, user_agents
from imagelib.accounts.models import User
from imagelib.accounts.sessions import SignedIn

# 127.0.0.1 and ::1, shortened as in `sessions.coarse_network`.
LOOPBACK = ("127.0.0.0/24", "::/48")


@dataclass(frozen=True)
class SessionRow:
    id: str
    device: str
    network: str
    used: str
    used_exact: str
    started: str
    is_current: bool


@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    rows = [_row(session) for session in sessions.sessions_of(_user(request), current_key=request.session.session_key)]
    return render(request, "account/sessions.html", {"rows": rows, "has_others": len(rows) > 1})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out of one session; with `others`, of all but the present one."""
    user, key = _user(request), request.session.session_key
    if "others" in request.POST:
        number = sessions.sign_out_everywhere(user, except_key=key)
        text = ngettext("Signed out of %(number)s other session.", "Signed out of %(number)s other sessions.", number)
        messages.success(request, formatting.plural(text, number))
        return redirect("sessions")
    chosen = request.POST.get("session", "")
    current = next((one.id for one in sessions.sessions_of(user, current_key=key) if one.is_current), None)
    if chosen == current:
        logout(request)
        return redirect("login")
    was_open = sessions.sign_out(user, chosen)
    messages.success(request, _("Session signed out.") if was_open else _("That session had already ended."))
    return redirect("sessions")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _row(session: SignedIn) -> SessionRow:
    row = session.row
    return SessionRow(
        id=session.id,
        device=user_agents.device(row.user_agent),
        network=_("this server") if row.network in LOOPBACK else shown_network(row.network),
        used=formatting.ago(row.last_used_at, now=now()),
        used_exact=formatting.exact(row.last_used_at),
        started=formatting.day(row.created_at),
        is_current=session.is_current,
    )


def shown_network(network: str) -> str:
    """A network as 203.0.113.x or 2001:db8:1:x, since few users can read prefixes."""
    address = network.partition("/")[0]
    return address.removesuffix("::") + ":x" if ":" in address else address.rpartition(".")[0] + ".x" if address else ""
