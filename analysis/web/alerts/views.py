"""Alert pages: the list, one alert with its history, and its actions."""

from __future__ import annotations

from collections.abc import Callable

from django.core import signing
from django.db import IntegrityError
from django.db.models import Max
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.delivery import alerts as domain
from analysis.models import Alert, AlertMatch, Delivery
from analysis.web import sensitive, toasts
from analysis.web.alerts.rows import alert_row, alert_rows, message_rows, thumbnails
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.links import with_parameters
from analysis.web.toasts import Toast

PAGE_SIZE = 50
"""Messages per page."""
MAX_PICTURES = 24
SALT, DAY = "alert", 24 * 60 * 60
Action = Callable[[Request, Alert], HttpResponse]


@require_safe
def alerts(request: Request) -> HttpResponse:
    """The user's alerts."""
    context = {
        "rows": alert_rows(permissions.viewable_alerts(request.user), now=now()),
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "alerts/index.html", context)


@require_safe
def alert(request: Request, alert_id: int) -> HttpResponse:
    """One alert with its messages and pictures; polled while a message is sent."""
    row = _own(request, alert_id)
    number = int_param(request.GET.get("page", ""), maximum=10_000)
    start = (number - 1) * PAGE_SIZE
    messages = message_rows(row.deliveries.order_by("-pk")[start : start + PAGE_SIZE + 1], now=now())
    last = row.deliveries.filter(state=Delivery.State.DELIVERED).aggregate(last=Max("finished_at"))["last"]
    address = reverse("alert", args=[row.pk])
    context = {
        "row": alert_row(row, last=last, now=now()),
        "messages": messages[:PAGE_SIZE],
        "is_sending": any(message.state == Delivery.State.WAITING for message in messages) and row.is_active,
        "failed": row.deliveries.filter(state=Delivery.State.FAILED).exclude(kind=Delivery.Kind.TEST).count(),
        "is_first": number == 1,
        "first_url": address,
        "address": with_parameters(address, page=number),
        "more_url": with_parameters(address, page=number + 1) if len(messages) > PAGE_SIZE else "",
    }
    if is_fragment(request):
        return render(request, "alerts/detail.html#messages", context)
    context |= {"secret": row.secret, "toasts": toasts.take_toasts(request), **_pictures(request, row)}
    return render(request, "alerts/detail.html", context)


@require_POST
def alert_action(request: Request, alert_id: int, action: str) -> HttpResponse:
    """Pause, resume, test or delete one of the user's alerts."""
    if action not in ACTIONS:  # 404, not 400: the action is part of the URL
        raise Http404
    return ACTIONS[action](request, _own(request, alert_id))


@require_POST
def restore(request: Request) -> HttpResponse:
    """Restore a deleted alert, without its history."""
    try:
        values = signing.loads(request.POST.get("row", ""), salt=SALT, max_age=DAY)
        if values["owner_id"] != current_user_id(request):
            raise signing.BadSignature
        restored = domain.restore(values)
    except signing.BadSignature:
        return _back(request, _("This can no longer be undone."))
    except IntegrityError:
        return _back(request, _("Not restored: the alert already exists, or its saved search was deleted."))
    return _back(request, _("Restored the alert on “%(name)s”.") % {"name": restored.saved_search.name})


def _own(request: Request, alert_id: int) -> Alert:
    own = permissions.viewable_alerts(request.user).select_related("saved_search", "owner")
    return get_object_or_404(own, pk=alert_id)


def _pictures(request: Request, row: Alert) -> dict[str, object]:
    """The latest matches, and the number of all matches."""
    matches = AlertMatch.objects.filter(alert=row).exclude(matched_at=None)
    latest = matches.order_by("-matched_at", "-image_id").values_list("image_id", flat=True)[:MAX_PICTURES]
    blurs = not sensitive.shows_sensitive(request)
    viewer = permissions.viewer_of(request.user)
    waiting = matches.filter(is_waiting=True).count()
    return {
        "thumbnails": thumbnails(list(latest), viewer, blurs_sensitive=blurs),
        "matched": formatting.pictures(matches.count()),
        "waiting": formatting.pictures(waiting) if waiting else "",
    }


def _pause(request: Request, row: Alert) -> HttpResponse:
    domain.pause(row)
    toasts.add_toast(request, Toast(_("Paused. Nothing is sent until you resume it.")))
    return _to_page(request, row)


def _resume(request: Request, row: Alert) -> HttpResponse:
    domain.resume(row)
    toasts.add_toast(request, Toast(_("Resumed. Pictures that match from now on are sent.")))
    return _to_page(request, row)


def _test(request: Request, row: Alert) -> HttpResponse:
    try:
        pipeline.test_alert(row)
    except domain.AlertRefused as error:
        toasts.add_toast(request, Toast(str(error)))
    return redirect("alert", row.pk)


def _secret(request: Request, row: Alert) -> HttpResponse:
    domain.renew_secret(row)
    toasts.add_toast(request, Toast(_("Messages are signed with a new secret from now on.")))
    return redirect("alert", row.pk)


def _send_again(request: Request, row: Alert) -> HttpResponse:
    """Queue one failed message again, or all of them."""
    failed = row.deliveries.exclude(kind=Delivery.Kind.TEST)
    pk = request.POST.get("message", "")
    number = pipeline.send_again(failed.filter(pk=int_param(pk, maximum=2**62, minimum=0)) if pk else failed)
    text = ngettext("Sending %(number)s message again.", "Sending %(number)s messages again.", number)
    toasts.add_toast(request, Toast(formatting.plural(text, number)))
    return redirect("alert", row.pk)


def _delete(request: Request, row: Alert) -> HttpResponse:
    name = row.saved_search.name
    # The Undo form carries the row, as for saved searches: no column "deleted". Signed, since the row names its owner.
    fields = {"row": signing.dumps(domain.delete(row), salt=SALT)}
    message = _("Deleted the alert on “%(name)s”.") % {"name": name}
    toasts.add_toast(request, Toast(message, undo_url=reverse("alert-restore"), fields=fields))
    return redirect("alerts")


ACTIONS: dict[str, Action] = {
    "pause": _pause,
    "resume": _resume,
    "test": _test,
    "secret": _secret,
    "send-again": _send_again,
    "delete": _delete,
}


def _back(request: Request, message: str) -> HttpResponse:
    toasts.add_toast(request, Toast(message))
    return redirect("alerts")


def _to_page(request: Request, row: Alert) -> HttpResponse:
    """Redirect to the page with the button: the list or the alert's own page."""
    return redirect("alerts") if request.POST.get("list") else redirect("alert", row.pk)
