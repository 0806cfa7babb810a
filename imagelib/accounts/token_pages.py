"""API tokens page: list, create, revoke."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from analysis import formatting
from analysis.api import token_budget
from imagelib.accounts import api_tokens
from imagelib.accounts.models import ApiToken, User
from imagelib.accounts.token_forms import TokenForm


@dataclass(frozen=True)
class TokenRow:
    """A token for the template; `spending` is empty without the scope to analyze."""

    id: str
    name: str
    hint: str
    scopes: str
    spending: str
    expiry: str
    is_expired: bool
    used: str
    used_exact: str


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The user's tokens, and a form for a new one.

    Only the response to the form shows the new token's text.
    """
    user = User.objects.get(username=request.user.get_username())
    form = TokenForm(request.POST or None)
    if not form.is_valid():
        return _page(request, user, form, status=422 if form.is_bound else 200)
    if api_tokens.tokens_of(user).count() >= api_tokens.MAX_TOKENS:
        message = _("You've reached the limit of %(limit)s tokens. Revoke one that you no longer use.")
        form.add_error(None, message % {"limit": api_tokens.MAX_TOKENS})
        return _page(request, user, form, status=422)
    values = form.cleaned_data
    days = int(values["days"]) if values["days"] else None
    token, text = api_tokens.create(
        user, name=values["name"], scopes=values["scopes"], days=days, spending_limit=values["spending_limit"]
    )
    # Rendered without a redirect, since the text must not be stored anywhere, not even in the session.
    return _page(request, user, TokenForm(), created=token, text=text)


@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=token_id, user_id=request.user.pk)
    api_tokens.revoke(token, by_id=token.user_id)  # no confirmation, since a new token is quickly created
    messages.success(request, _("Revoked “%(name)s”. Programs that use it get an error from now on.") % {"name": token})
    return redirect("api-tokens")


def _page(
    request: HttpRequest,
    user: User,
    form: TokenForm,
    *,
    status: int = 200,
    created: ApiToken | None = None,
    text: str = "",
) -> HttpResponse:
    tokens = list(api_tokens.tokens_of(user))
    used = token_budget.used_by([token.pk for token in tokens if token.spending_limit is not None])
    now = timezone.now()
    context = {
        "form": form,
        "rows": [_row(token, used.get(token.pk, Decimal(0)), now=now) for token in tokens],
        "created": created,
        "token_text": text,
        "example_url": request.build_absolute_uri(reverse("api-v1:images")),
    }
    return render(request, "account/tokens.html", context, status=status)


def _row(token: ApiToken, used: Decimal, *, now: datetime) -> TokenRow:
    is_expired = token.expires_at is not None and token.expires_at <= now
    return TokenRow(
        id=str(token.pk),
        name=token.name,
        hint=token.hint,
        scopes=", ".join(token.scopes),
        spending=_spending(token, used),
        expiry=_expiry(token, is_expired=is_expired),
        is_expired=is_expired,
        used=formatting.ago(token.last_used_at, now=now) if token.last_used_at else "",
        used_exact=formatting.exact(token.last_used_at) if token.last_used_at else "",
    )


def _spending(token: ApiToken, used: Decimal) -> str:
    if token.spending_limit is None:
        return ""
    values = {"used": formatting.dollars(used), "limit": formatting.dollars(token.spending_limit)}
    return _("%(used)s of %(limit)s used") % values


def _expiry(token: ApiToken, *, is_expired: bool) -> str:
    if token.expires_at is None:
        return _("Never expires")
    day = {"day": formatting.day(token.expires_at)}
    return _("Expired on %(day)s") % day if is_expired else _("Expires on %(day)s") % day
