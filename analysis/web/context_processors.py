"""Context processors: the user's permissions, and notices such as outages."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from analysis import formatting, permissions
from analysis.health import watchdog
from analysis.models import Analysis, Outage
from analysis.recognition import ledger
from analysis.web.template_permissions import May


def may(request: HttpRequest) -> dict[str, May]:
    """Permissions, for templates to offer only what is allowed. Queries are lazy."""
    # The error page for a rejected Host is rendered before the user is known.
    return {"may": May(getattr(request, "user", AnonymousUser()))}


@dataclass(frozen=True)
class Notice:
    """One line above the page; a POST to `dismiss_url` removes it."""

    kind: str
    message: str
    url: str = ""
    link_text: str = ""
    dismiss_url: str = ""


def notices(request: HttpRequest) -> dict[str, list[Notice]]:
    """Notices above the page. They cost two or three queries, for staff only."""
    user = getattr(request, "user", None)
    is_page = request.resolver_match is not None and "admin" not in request.resolver_match.app_names
    # Fragments for htmx contain no notices, and the administration has its own layout.
    if user is None or not user.is_authenticated or not is_page or getattr(request, "htmx", False):
        return {"notices": []}
    site_notices = _simulator_notice() + _password_notice(user)
    if permissions.can_view_system(user):
        site_notices += _outage_notices() + _stall_notice() + _budget_notice()
    return {"notices": site_notices}


def _simulator_notice() -> list[Notice]:
    if settings.RECOGNIZER != "simulator":
        return []
    return [Notice("warning", _("Simulator mode: labels and costs are made up."))]


def _password_notice(user: permissions.AnyUser) -> list[Notice]:
    if not getattr(user, "has_generated_password", False):
        return []
    text = _("You still use the password that imagelib generated and printed at its first start.")
    change, dismiss = reverse("password_change"), reverse("dismiss-password-notice")
    return [Notice("warning", text, url=change, link_text=_("Change password"), dismiss_url=dismiss)]


def _outage_notices() -> list[Notice]:
    """One notice per cause, however many APIs it affects."""
    by_code: dict[str, list[Outage]] = {}
    for outage in Outage.objects.order_by("api"):
        by_code.setdefault(outage.code, []).append(outage)
    return [Notice("danger", _outage_message(outages)) for outages in by_code.values()]


def _outage_message(outages: list[Outage]) -> str:
    """A message that names all APIs, and states once what their messages share."""
    apis = get_text_list([str(Analysis.Api(outage.api).label) for outage in outages], _("and"))
    # Without the API's name, messages about one cause are mostly the same, and the same sentences are shown once.
    messages = [outage.message.removeprefix(f"The {outage.api} request failed with ") for outage in outages]
    by_position = zip_longest(*(message.split(". ") for message in messages), fillvalue="")
    sentences = dict.fromkeys(sentence.rstrip(".") for row in by_position for sentence in row)
    cause = ". ".join(filter(None, sentences))
    return _("Analysis is paused for %(apis)s: %(cause)s.") % {"apis": apis, "cause": cause}


def _stall_notice() -> list[Notice]:
    message = watchdog.sentence()
    return [Notice("danger", message)] if message else []


def _budget_notice() -> list[Notice]:
    if not ledger.has_limits():
        return []
    budget = ledger.budget(settings.RECOGNIZER)
    amounts = {
        "spent": formatting.dollars(budget.spent + budget.reserved),
        "limit": formatting.dollars(budget.limit or Decimal(0)),
    }
    if budget.is_exhausted:
        exhausted = _(
            "%(spent)s of this month's %(limit)s budget is spent. "
            "Bulk runs are paused until next month or until MONTHLY_BUDGET is raised."
        )
        return [Notice("danger", exhausted % amounts)]
    if budget.is_warning:
        return [Notice("warning", _("%(spent)s of this month's %(limit)s budget is spent.") % amounts)]
    return []
