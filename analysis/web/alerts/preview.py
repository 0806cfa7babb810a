"""Preview of an alert: a sentence on past messages, and thumbnails."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting, permissions
from analysis.delivery.alert_preview import DAYS, MAX_PICTURES, Preview, preview
from analysis.delivery.alerts import AlertOptions
from analysis.search.syntax.parser import InvalidQuery
from analysis.web import sensitive
from analysis.web.alerts.rows import Thumbnail, thumbnails
from analysis.web.http import Request
from imagelib.accounts.models import User


@dataclass(frozen=True)
class PreviewView:
    sentence: str
    thumbnails: list[Thumbnail]


def preview_view(request: Request, owner: User, query: str, options: AlertOptions) -> PreviewView:
    try:
        estimate = preview(query, options, owner=owner, now=now())
    except InvalidQuery as error:  # also too slow
        return PreviewView(_("No preview: %(reason)s") % {"reason": error}, [])
    blurs = not sensitive.shows_sensitive(request)
    viewer = permissions.viewer_of(request.user)
    return PreviewView(sentence(estimate), thumbnails(estimate.image_ids, viewer, blurs_sensitive=blurs))


def sentence(estimate: Preview) -> str:
    if not estimate.pictures:
        return _("In the last %(days)s days, this alert would have sent nothing.") % {"days": DAYS}
    text = ngettext("%(number)s message", "%(number)s messages", estimate.messages)
    values = {
        "days": DAYS,
        "messages": formatting.plural(text, estimate.messages),
        # Counting stops at the limit, so a count equal to the limit may be only a part.
        "pictures": formatting.pictures(estimate.pictures + (estimate.pictures == MAX_PICTURES), cap=MAX_PICTURES)
        if estimate.pictures >= MAX_PICTURES
        else formatting.pictures(estimate.pictures),
    }
    return _("In the last %(days)s days, this alert would have sent %(messages)s about %(pictures)s.") % values
