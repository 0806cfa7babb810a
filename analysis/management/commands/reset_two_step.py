"""Turn off a person's two-step sign-in."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis.management.translated_command import TranslatedCommand
from imagelib.accounts.models import User
from imagelib.accounts.two_step import reset


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Turn off the two-step sign-in of a person who lost their phone, or whose codes can't be read after a change of"
        " SECRET_KEY. Deletes app codes, recovery codes and passkeys, and signs them out everywhere."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help=_("the person's username"))

    def handle(self, *, username: str, **_options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(_("There is no account “%(name)s”.") % {"name": username})
        if not reset.reset(user, by_id=None):
            self.stdout.write(_("%(name)s has no two-step sign-in.") % {"name": username})
            return
        self.stdout.write(_("%(name)s can now sign in with only a password.") % {"name": username})
