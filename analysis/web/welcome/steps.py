"""The three steps of the welcome page, with the status of each."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting
from analysis.models import Bucket, Image
from analysis.web.welcome import recognizer_options
from imagelib.accounts import invitations
from imagelib.accounts.models import User

IMAGE_CAP, CAP = 100_000, 1_000


@dataclass(frozen=True)
class WelcomeStep:
    """A step; `status` states what is done or missing."""

    slug: str
    title: str
    is_done: bool
    status: str


def steps(pictures: int) -> list[WelcomeStep]:
    return [_pictures_step(pictures), _recognizer_step(), _people_step()]


def number_of_pictures() -> int:
    """The number of all users' pictures, counted up to IMAGE_CAP + 1."""
    return Image.objects.filter(trashed_at=None)[: IMAGE_CAP + 1].count()


def _pictures_step(pictures: int) -> WelcomeStep:
    buckets = Bucket.objects.count()
    status = _("No pictures yet.")
    if pictures:
        status = _("%(pictures)s in the library.") % {"pictures": formatting.pictures(pictures, cap=IMAGE_CAP)}
    elif buckets:
        text = ngettext("%(number)s bucket is connected.", "%(number)s buckets are connected.", buckets)
        status = f"{formatting.plural(text, buckets)} {status}"
    return WelcomeStep("pictures", _("Add pictures"), pictures > 0, status)


def _recognizer_step() -> WelcomeStep:
    name = next(option.title for option in recognizer_options.options() if option.name == settings.RECOGNIZER)
    problem = recognizer_options.problem()
    values = {"name": name, "problem": problem}
    status = _("%(name)s. %(problem)s") % values if problem else _("In use: %(name)s.") % values
    return WelcomeStep("recognizer", _("Choose the recognizer"), not problem, status)


def _people_step() -> WelcomeStep:
    people = User.objects.filter(is_active=True)[: CAP + 1].count()
    invited = invitations.open_invitations()[: CAP + 1].count()
    status = _("You are the only person who can sign in.")
    if people > 1:
        text = ngettext("%(number)s person can sign in.", "%(number)s people can sign in.", people)
        status = text % {"number": formatting.capped_count(people, cap=CAP)}
    if invited:
        text = ngettext("%(number)s invitation is open.", "%(number)s invitations are open.", invited)
        status = f"{status} {text % {'number': formatting.capped_count(invited, cap=CAP)}}"
    return WelcomeStep("people", _("Invite people"), people > 1 or invited > 0, status)
