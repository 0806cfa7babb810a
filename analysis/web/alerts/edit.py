"""Form for a new or existing alert, with a preview of its messages."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from analysis import permissions
from analysis.delivery import alerts as domain
from analysis.delivery.alerts import AlertRefused
from analysis.models import Alert, SavedSearch
from analysis.search.syntax.parser import InvalidQuery
from analysis.web import toasts
from analysis.web.alerts.forms import AlertForm
from analysis.web.alerts.preview import preview_view
from analysis.web.http import Request, current_user, int_param
from analysis.web.saved_searches import library_url_of, visible
from analysis.web.toasts import Toast
from imagelib.accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request) -> HttpResponse:
    """Form for an alert on the user's own or a shared saved search; POST saves it."""
    owner, search = _owner(request), _search(request)
    form = AlertForm(request.POST or None, initial=_initial(owner))
    # Without JavaScript, the preview button posts this form, too.
    if "preview" not in request.POST and form.is_valid():
        try:
            created = domain.create(owner, search, form.options)
        except (AlertRefused, InvalidQuery) as error:
            form.add_error(getattr(error, "field", "") or None, str(error))
        else:
            toasts.add_toast(request, Toast(_created_message(created)))
            return redirect("alert", created.pk)
    return _page(request, owner, search, form)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, alert_id: int) -> HttpResponse:
    """Form for one of the user's alerts; POST saves its changes."""
    own = permissions.viewable_alerts(request.user).select_related("saved_search", "owner")
    alert = get_object_or_404(own, pk=alert_id)
    form = AlertForm(request.POST) if request.POST else AlertForm.of(alert)
    if "preview" not in request.POST and form.is_valid():
        try:
            domain.change(alert, form.options)
        except AlertRefused as error:
            form.add_error(error.field or None, str(error))
        else:
            toasts.add_toast(request, Toast(_("Alert saved.")))
            return redirect("alert", alert.pk)
    return _page(request, alert.owner, alert.saved_search, form, alert=alert)


@require_safe
def preview(request: Request) -> HttpResponse:
    """Preview in the form: messages an alert with these options would have sent."""
    form = AlertForm(request.GET)
    context = {"preview": preview_view(request, _owner(request), _search(request).query, form.previewed)}
    return render(request, "alerts/form.html#preview", context)


def _page(
    request: Request, owner: User, search: SavedSearch, form: AlertForm, *, alert: Alert | None = None
) -> HttpResponse:
    is_refused = form.is_bound and "preview" not in request.POST
    context = {
        "form": form if is_refused or not form.is_bound else AlertForm(initial=request.POST.dict()),
        "search": search,
        "search_url": library_url_of(search),
        "is_copied": search.owner_id != owner.pk,
        "email": owner.email,
        "alert_id": str(alert.pk) if alert else "",
        "back_url": reverse("alert", args=[alert.pk]) if alert else reverse("searches"),
        "preview": preview_view(request, owner, search.query, form.previewed),
    }
    return render(request, "alerts/form.html", context, status=422 if is_refused else 200)


def _owner(request: Request) -> User:
    user = current_user(request)
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def _search(request: Request) -> SavedSearch:
    values = request.POST if request.method == "POST" else request.GET
    search_id = int_param(values.get("search", ""), maximum=2**62, minimum=0)
    return get_object_or_404(visible(_owner(request).pk).select_related("owner"), pk=search_id)


def _initial(owner: User) -> dict[str, str]:
    return {
        "channel": Alert.Channel.EMAIL if owner.email else Alert.Channel.SLACK,
        "frequency": Alert.Frequency.AT_ONCE,
    }


def _created_message(alert: Alert) -> str:
    if alert.after_image_id:
        return _("Alert saved. Many pictures already match, so only pictures added from now on are sent.")
    return _("Alert saved. Pictures that match from now on are sent.")
