"""The token's permissions, spending of the month, and health checks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from analysis import permissions
from analysis.api import token_budget
from analysis.api.authentication import ADMIN, READ, token_of
from analysis.health import doctor
from analysis.recognition import ledger, registry

router = Router(tags=["Status"])


class TokenOut(Schema):
    """The token of this request, its owner and its permissions. In US dollars."""

    user: str
    name: str
    scopes: list[str]
    expires_at: datetime | None
    spending_limit: Decimal | None
    spending_remaining: Decimal | None
    can_upload: bool
    can_analyze: bool


class SpendingOut(Schema):
    """The current month in US dollars; null limits are no limits."""

    recognizer: str
    spent: Decimal
    reserved: Decimal
    monthly_budget: Decimal | None
    interactive_budget: Decimal | None
    calls: int


class CheckOut(Schema):
    subject: str
    state: str
    sentence: str
    next_step: str


class HealthOut(Schema):
    """`state` is that of the worst check: ok, warning or failed."""

    state: str
    checks: list[CheckOut]


@router.get("/token", response=TokenOut, auth=READ)
def get_token(request: HttpRequest) -> TokenOut:
    """The token of this request and its permissions."""
    token = token_of(request)
    return TokenOut(
        user=token.user.get_username(),
        name=token.name,
        scopes=token.scopes,
        expires_at=token.expires_at,
        spending_limit=token.spending_limit,
        spending_remaining=None if token.spending_limit is None else token_budget.remaining(token),
        can_upload=permissions.can_upload_images(request.user),
        can_analyze=permissions.can_analyze_images(request.user),
    )


@router.get("/spending", response=SpendingOut, auth=ADMIN)
def get_spending(request: HttpRequest) -> SpendingOut:
    """The recognizer's costs of this month; for staff who see the system page."""
    _require_system(request)
    recognizer = registry.current().name
    budget = ledger.budget(recognizer)
    return SpendingOut(
        recognizer=recognizer,
        spent=budget.spent,
        reserved=budget.reserved,
        monthly_budget=budget.limit,
        interactive_budget=budget.interactive_limit,
        calls=ledger.calls_this_month(recognizer),
    )


@router.get("/health", response=HealthOut, auth=ADMIN)
def get_health(request: HttpRequest) -> HealthOut:
    """All checks of `manage.py doctor`; for staff who see the system page."""
    _require_system(request)
    findings = list(doctor.findings())
    order = ["ok", "warning", "failed"]
    worst = max((finding.state.value for finding in findings), key=order.index, default="ok")
    checks = [
        CheckOut(
            subject=str(finding.subject),
            state=finding.state.value,
            sentence=str(finding.sentence),
            next_step=str(finding.next_step),
        )
        for finding in findings
    ]
    return HealthOut(state=worst, checks=checks)


def _require_system(request: HttpRequest) -> None:
    # 404 as on the pages, since a 403 would reveal that the page exists.
    if not permissions.can_view_system(request.user):
        raise Http404
