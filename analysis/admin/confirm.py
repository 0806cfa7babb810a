"""The confirmation page of an action: its form and the selected rows."""

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
    subject: str,
    form: forms.Form,
    is_across: bool = False,
    **context: Any,
) -> TemplateResponse:
    """Show the form, which keeps the selection. `subject`: the rows in words."""
    # Django has no page for an action with a form, so the page posts the same keys again, and then the action runs.
    keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title.rstrip("…"),
        "opts": model_admin.opts,
        "subject": subject,
        "form": form,
        "action": request.POST.get("action", ""),
        # Django requires one key even for an action on all pages of the list.
        "keys": keys[:1] if is_across else keys,
        "is_across": is_across,
        "media": model_admin.media + form.media,
        "key_name": ACTION_CHECKBOX_NAME,
        **context,
    }
    return TemplateResponse(request, "admin/analysis/action_form.html", context)
