"""Delete pictures in the trash forever."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from analysis import pipeline
from analysis.curation import trash_deletion
from analysis.formatting import filesize, pictures
from analysis.management.interrupts import Interrupt
from analysis.management.translated_command import TranslatedCommand
from analysis.models import TrashDeletion
from imagelib.accounts.models import User

UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "w": timedelta(weeks=1)}
MAX_AGE = timedelta(days=36_500)


def age(text: str) -> timedelta:
    """A time span such as 30d, 12h or 2w. Raises ArgumentTypeError."""
    match = re.fullmatch(r"([0-9]{1,6})([dhw])", text)
    span = int(match[1]) * UNITS[match[2]] if match else None
    if span is None or span > MAX_AGE:
        raise ArgumentTypeError(_("“%(text)s” is not a time span. Use, for example, 30d, 12h or 2w.") % {"text": text})
    return span


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Delete pictures that have been in the trash for a while, with their files, and record a receipt in "
        "the audit log. Can be stopped at any time; workers continue. Originals in buckets are deleted by "
        "workers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=age,
            required=True,
            metavar="SPAN",
            help=_("minimum time in the trash: 30d, 12h or 2w; 0d for all"),
        )
        parser.add_argument("--owner", default="", help=_("only this user's pictures"))
        parser.add_argument("--dry-run", action="store_true", help=_("only count, change nothing"))
        parser.add_argument("--yes", action="store_true", help=_("do not ask for confirmation"))

    def handle(self, *, older_than: timedelta, owner: str, dry_run: bool, yes: bool, **_options: Any) -> None:
        deletion = TrashDeletion(owner_id=_owner_id(owner), trashed_until=timezone.now() - older_than)
        size = trash_deletion.size_of(trash_deletion.chosen_images(deletion))
        values = {"pictures": pictures(size.number), "size": filesize(size.bytes)}
        if dry_run or not size.number:
            self.stdout.write(_("%(pictures)s (%(size)s) would be deleted forever.") % values)
            return
        if not yes and not self._is_confirmed(_("Delete %(pictures)s (%(size)s) forever? [y/N] ") % values):
            raise CommandError(_("Nothing was deleted. Pass --yes or --dry-run."))
        deletion = trash_deletion.request(deletion, reason="manage.py empty_trash")
        self._run(deletion)

    def _is_confirmed(self, question: str) -> bool:
        try:
            return input(question).strip().lower() == "y"
        # Standard input has ended, as in cron or after Ctrl-D.
        except EOFError:
            return False

    def _run(self, deletion: TrashDeletion) -> None:
        with Interrupt() as interrupt, tqdm(total=deletion.total, unit=_(" pictures"), disable=None) as bar:
            while not interrupt.is_set and pipeline.continue_deletion(deletion.pk, seconds=1):
                deletion.refresh_from_db()
                bar.update(deletion.deleted - bar.n)
        deletion.refresh_from_db()
        self.stdout.write(
            _("Deleted %(pictures)s, %(size)s freed.")
            % {"pictures": pictures(deletion.deleted), "size": filesize(deletion.freed)}
        )
        if deletion.state == TrashDeletion.State.OPEN:
            self.stdout.write(_("Workers delete the rest in the background."))


def _owner_id(name: str) -> int | None:
    """The owner's id, None for everyone. Raises CommandError."""
    if not name:
        return None
    owner = User.objects.filter(username=name).first()
    if owner is None:
        raise CommandError(_("There is no user “%(name)s”.") % {"name": name})
    return owner.pk
