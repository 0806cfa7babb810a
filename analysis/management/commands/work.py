"""Do all background work in one process, without Celery and Redis."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import work
from analysis.findings import State, first_line
from analysis.formatting import count, duration
from analysis.health import services
from analysis.management.translated_command import TranslatedCommand
from analysis.recognition import registry
from analysis.work import Status, Stop

FAILED, NO_DATABASE, RUNNING, STOPPED = 1, 3, 4, 5


class Command(TranslatedCommand):
    description = gettext_lazy(
        "Do all background work in this process: events, uploads, imports, analyses, bulk runs, deliveries, "
        "statistics. Neither Redis nor Celery is needed. Continues until Ctrl-C or SIGTERM, unless "
        "--until-idle is given. Exit status: 0 all due work is done; 1 the same, but some tasks failed; "
        "2 wrong usage; 3 the database is not available; 4 another run is in progress; 5 stopped with work left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--until-idle", action="store_true", help=_("exit as soon as all due work is done"))
        parser.add_argument(
            "--max-seconds",
            type=float,
            metavar="SECONDS",
            help=_("start nothing new after this time, finish work in progress, and exit"),
        )

    def handle(self, *, until_idle: bool, max_seconds: float | None, **_options: Any) -> None:
        if max_seconds is not None and not max_seconds > 0:
            raise CommandError(_("--max-seconds must be greater than 0."), returncode=2)
        for check in (services.check_database, services.check_migrations):
            finding = check()
            if finding.state is State.FAILED:
                raise CommandError(f"{finding.sentence} {finding.next_step}", returncode=NO_DATABASE)
        lacks_limiter = self._warn_without_redis()
        try:
            with Stop(seconds=max_seconds) as stop:
                outcome = work.run(stop=stop, until_idle=until_idle, report=self._report)
        except work.AlreadyRunning as error:
            raise CommandError(str(error), returncode=RUNNING) from error
        except (InterfaceError, OperationalError) as error:
            sentence = _("The database is no longer available: %(error)s. The next run will continue.")
            raise CommandError(sentence % {"error": first_line(error)}, returncode=NO_DATABASE) from error
        self._report(outcome.status)
        if until_idle:
            self._end(is_idle=outcome.is_idle, has_failed=bool(outcome.status.failed) or lacks_limiter)

    def _warn_without_redis(self) -> bool:
        """True if paid calls can't be sent, since the Redis of their rate limiter is down."""
        if not settings.REDIS or registry.current().region is None:
            return False
        finding = services.check_broker()
        if finding.state is not State.FAILED:
            return False
        hint = _("No paid calls are sent. If this installation has no Redis, set REDIS_URL=none.")
        self.stderr.write(f"{finding.sentence} {hint}")
        return True

    def _report(self, status: Status) -> None:
        values = {
            "analyses": count(status.analyses),
            "events": count(status.events),
            "tasks": count(status.tasks),
            "failed": count(status.failed),
            "duration": duration(status.seconds),
        }
        sentence = ngettext(
            "%(analyses)s analysis finished, %(events)s events, %(tasks)s tasks, %(failed)s failed, in %(duration)s.",
            "%(analyses)s analyses finished, %(events)s events, %(tasks)s tasks, %(failed)s failed, in %(duration)s.",
            status.analyses,
        )
        self.stdout.write(sentence % values)

    def _end(self, *, is_idle: bool, has_failed: bool) -> None:
        if not is_idle:
            self.stdout.write(_("Stopped. The next run continues."))
            raise SystemExit(STOPPED)
        if has_failed:
            self.stdout.write(_("All other due work is done. See the log for failures."))
            raise SystemExit(FAILED)
        self.stdout.write(_("All due work is done."))
