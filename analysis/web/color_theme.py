"""Color theme: the account's choice of light or dark, from the menu on every page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from analysis.web.http import Request, current_user_id, next_url
from imagelib.accounts.models import User


@require_POST
def choose_theme(request: Request) -> HttpResponse:
    """Save the theme; an unknown one is ignored."""
    theme = request.POST.get("theme", "")
    if theme in User.Theme.values:
        User.objects.filter(pk=current_user_id(request)).update(theme=theme)
    return redirect(next_url(request))
