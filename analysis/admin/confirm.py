"""The page between an action and its doing: what is still to be said, and of how much."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse


def confirm_page(
    model_admin: Any,
    request: HttpRequest,
    *,
    title: str,
    meant: str,
    form: forms.Form,
    is_whole: bool = False,
    **more: Any,
) -> TemplateResponse:
    """Asks for the rest, and says of what. Holds the ticks, or one of them where the whole list is meant."""
    ticks = request.POST.getlist(ACTION_CHECKBOX_NAME)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title.rstrip("…"),
        "opts": model_admin.opts,
        "meant": meant,
        "form": form,
        "action": request.POST.get("action", ""),
        "ticks": ticks[:1] if is_whole else ticks,
        "is_across": is_whole,
        "media": model_admin.media + form.media,
        "name": ACTION_CHECKBOX_NAME,
        **more,
    }
    return TemplateResponse(request, "admin/analysis/action_form.html", context)
