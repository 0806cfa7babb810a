"""Account page."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from analysis import audit_log
from analysis.audit_log.form_values import changed_values
from analysis.models import AuditEntry
from analysis.web.http import next_url
from imagelib.accounts import sign_in_methods, time_zones
from imagelib.accounts.account_forms import AccountForm
from imagelib.accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    # Not request.user: validation writes the form's values into its instance, and the page header shows request.user.
    user = User.objects.get(username=request.user.get_username())
    form = AccountForm(request.POST or None, instance=user, browser_zone=time_zones.browser_zone(request))
    if form.is_valid():
        with transaction.atomic():
            form.save()
            audit_log.record(AuditEntry.Action.CHANGE, user, by_id=user.pk, details={"values": changed_values(form)})
        messages.success(request, _("Account saved."))
        return redirect("account")
    context = {"form": form, "sign_in_methods": sign_in_methods.rows(user, session_key=request.session.session_key)}
    return render(request, "account/account.html", context, status=422 if form.is_bound else 200)


@require_POST
def dismiss_password_notice(request: HttpRequest) -> HttpResponse:
    User.objects.filter(username=request.user.get_username()).update(has_generated_password=False)
    return redirect(next_url(request))
