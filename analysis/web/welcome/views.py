"""Welcome page: three steps that make an installation ready, for staff."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions
from analysis.health import doctor, welcome_page
from analysis.permissions import accounts as rights
from analysis.web import toasts
from analysis.web.http import Request, is_fragment
from analysis.web.system import check_row
from analysis.web.toasts import Toast
from analysis.web.welcome import recognizer_options
from analysis.web.welcome.steps import IMAGE_CAP, number_of_pictures, steps


@require_safe
def welcome(request: Request) -> HttpResponse:
    """The steps; the recognizer is checked only with `?look=1`."""
    permissions.require_or_404(permissions.can_open_welcome(request.user))
    context: dict[str, object] = {}
    if request.GET.get("look"):
        checks = [check_row(row) for row in doctor.findings(doctor.recognizer_checks())]
        context = {"checks": checks, "checked_at": formatting.exact(now())}
        if is_fragment(request):
            return render(request, "welcome/index.html#findings", context)
    pictures = number_of_pictures()
    rows = steps(pictures)
    dismissed_at = welcome_page.welcome_dismissed_at()
    context |= {
        "steps": {step.slug: step for step in rows},
        "progress": _progress(sum(step.is_done for step in rows), len(rows)),
        "dismissed": formatting.exact(dismissed_at) if dismissed_at else "",
        "options": recognizer_options.options(),
        "prices": recognizer_options.prices(pictures if pictures <= IMAGE_CAP else 0),
        "check_cost": formatting.dollars(recognizer_options.maximum_check_cost()),
        "is_rekognition": settings.RECOGNIZER == recognizer_options.PRICED,
        "can_invite": rights.can_invite_people(request.user),
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "welcome/index.html", context)


@require_POST
def dismiss(request: Request) -> HttpResponse:
    """Dismiss the page for the installation; with `show=1`, offer it again."""
    permissions.require_or_404(permissions.can_open_welcome(request.user))
    is_dismissed = request.POST.get("show") != "1"
    welcome_page.set_welcome_dismissed(is_dismissed=is_dismissed, by_id=request.user.pk or 0)
    if not is_dismissed:
        return redirect("welcome")
    toasts.add_toast(request, Toast(_("Welcome page dismissed. You can still open it from the System page.")))
    return redirect("library")


def _progress(done: int, number: int) -> str:
    if done == number:
        return _("All steps are done.")
    return _("%(done)s of %(number)s steps done.") % {"done": done, "number": number}
