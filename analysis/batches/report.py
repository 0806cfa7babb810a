"""Reports of batches, for the terminal and for mail."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.mail import send_mail
from django.db.models import Count, Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis.batches.lifecycle import budget_spent_message
from analysis.batches.progress import Progress, progress
from analysis.formatting import count, dollars, pictures, plural
from analysis.models import Analysis, Batch

logger = logging.getLogger(__name__)

MAX_CAUSES = 20


@dataclass(frozen=True)
class Cause:
    """A group of failures and the command that retries them."""

    api: str
    code: str
    message: str
    number: int

    @property
    def command(self) -> str:
        return shlex.join(["manage.py", "analyze_images", "--failed", "--error-code", self.code, "--apis", self.api])


def causes(batch: Batch) -> list[Cause]:
    """Failures by API and code, most frequent first, with one message of each group."""
    grouped = (
        batch.analyses.filter(state=Analysis.State.FAILED)
        .values_list("api", "error_code")
        # One message of the group, since grouping by it would list the message of each file as a separate cause.
        .annotate(message=Max("error_message"), number=Count("pk"))
        .order_by("-number", "api", "error_code")[:MAX_CAUSES]
    )
    return [Cause(*values) for values in grouped]


def report_lines(batch_id: int) -> list[str]:
    """The report, one sentence per line."""
    state = progress(batch_id)
    if state is None:
        return [_("There is no bulk run %(id)s.") % {"id": batch_id}]
    batch = state.batch
    values = {"id": batch.pk, "state": batch.get_state_display().lower(), "reason": batch.reason}
    lines = [(_("Bulk run %(id)s: %(state)s. %(reason)s") % values).rstrip(), _counts(state), _spent(state)]
    lines += [*_unfinished(state), *_failures(batch)]
    if batch.state in {Batch.State.PAUSED, Batch.State.STOPPED}:
        lines.append(_("Resume with: %(command)s") % {"command": _resume_command(batch)})
    return lines


def _unfinished(state: Progress) -> Iterator[str]:
    """Analyses that ended without a result, and those left to other runs."""
    batch = state.batch
    if batch.is_fully_queued and not state.waiting and (missing := batch.queued - state.ended) > 0:
        text = ngettext(
            "%(number)s analysis ended without a result: its picture was deleted or moved to the trash, "
            "another request replaced it, or the bulk run was canceled.",
            "%(number)s analyses ended without a result: their pictures were deleted or moved to the "
            "trash, other requests replaced them, or the bulk run was canceled.",
            missing,
        )
        yield plural(text, missing)
    if batch.skipped:
        text = ngettext(
            "Skipped %(number)s analysis already in progress in another bulk run. If that run "
            "was canceled, start this one again.",
            "Skipped %(number)s analyses already in progress in another bulk run. If that run "
            "was canceled, start this one again.",
            batch.skipped,
        )
        yield plural(text, batch.skipped)


def _failures(batch: Batch) -> Iterator[str]:
    for cause in causes(batch):
        yield (
            _("%(number)s failed (%(api)s, %(code)s): %(message)s")
            % {"number": count(cause.number), "api": cause.api, "code": cause.code, "message": cause.message}
        )
        yield _("  Retry: %(command)s") % {"command": cause.command}


def _counts(state: Progress) -> str:
    batch = state.batch
    if batch.is_fully_queued:
        queued = ngettext("%(queued)s analysis", "%(queued)s analyses", batch.queued)
    elif state.total is not None:
        queued = _("%(queued)s of %(total)s analyses")
    else:
        queued = ngettext("%(queued)s analysis so far", "%(queued)s analyses so far", batch.queued)
    queued %= {"queued": count(batch.queued), "total": count(state.total or 0)}
    return _(
        "%(queued)s of %(pictures)s by %(recognizer)s: %(done)s done (%(reused)s from cache), %(failed)s failed, "
        "%(waiting)s waiting."
    ) % {
        "queued": queued,
        "pictures": pictures(batch.images),
        "recognizer": batch.recognizer,
        "done": count(state.done),
        "reused": count(state.reused),
        "failed": count(state.failed),
        "waiting": count(state.waiting),
    }


def _spent(state: Progress) -> str:
    if state.batch.budget is None:
        return _("Spent: %(spent)s.") % {"spent": dollars(state.dollars)}
    return _("Spent: %(spent)s of a budget of %(budget)s.") % {
        "spent": dollars(state.dollars),
        "budget": dollars(state.batch.budget),
    }


def _resume_command(batch: Batch) -> str:
    command = f"manage.py analyze_images --resume {batch.pk}"
    if batch.reason == budget_spent_message(batch):
        return _("%(command)s --budget USD, with a higher budget") % {"command": command}
    return command


def pending_reports() -> list[int]:
    """Finished and stopped batches whose report has not been sent."""
    ended = Batch.objects.filter(state__in=[Batch.State.DONE, Batch.State.STOPPED], mailed_at=None)
    return list(ended.exclude(mail_to="").values_list("pk", flat=True))


def send_report(batch_id: int) -> None:
    """Send the report once; a failure of the mail server is logged and not retried."""
    # Marked before it is sent, so that only one worker sends it. A lost report is better than one sent every ten
    # seconds.
    if not Batch.objects.filter(pk=batch_id, mailed_at=None).exclude(mail_to="").update(mailed_at=Now()):
        return
    batch = Batch.objects.get(pk=batch_id)
    try:
        subject = _("imagelib: bulk run %(id)s is %(state)s") % {
            "id": batch_id,
            "state": batch.get_state_display().lower(),
        }
        send_mail(subject, "\n".join(report_lines(batch_id)), None, [batch.mail_to])
    except OSError as error:  # SMTPException is a subclass
        logger.error("Bulk run %s: the report could not be sent to %s: %s", batch_id, batch.mail_to, error)
