"""What a batch came to, in words: for the terminal, for the mail, for the page."""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass

from django.core.mail import send_mail
from django.db.models import Count, Max
from django.db.models.functions import Now

from analysis.batches.lifecycle import spent_words
from analysis.batches.progress import progress
from analysis.formatting import dollars
from analysis.models import Analysis, Batch

logger = logging.getLogger(__name__)

MOST_CAUSES = 20


@dataclass(frozen=True)
class Cause:
    """Why some analyses failed, and the command that asks again."""

    api: str
    code: str
    message: str
    number: int

    @property
    def command(self) -> str:
        return shlex.join(["manage.py", "analyze_images", "--failed", "--error-code", self.code, "--apis", self.api])


def causes(batch: Batch) -> list[Cause]:
    """Its failures by cause, the most frequent first; one sentence stands for those of a kind."""
    grouped = (
        batch.analyses.filter(state=Analysis.State.FAILED)
        .values_list("api", "error_code")
        .annotate(message=Max("error_message"), number=Count("pk"))
        .order_by("-number", "api", "error_code")[:MOST_CAUSES]
    )
    return [Cause(*values) for values in grouped]


def report_lines(batch_id: int) -> list[str]:
    """The report, a sentence a line."""
    found = progress(batch_id)
    if found is None:
        return [f"There is no batch {batch_id}."]
    batch = found.batch
    of_budget = f", of a budget of {dollars(batch.budget)}" if batch.budget is not None else ""
    asked = f"{batch.asked:,} analyses"
    if not batch.is_fully_queued:
        asked = f"{batch.asked:,} of {found.total:,} analyses" if found.total is not None else f"{asked} so far"
    said = [
        f"Batch {batch.pk}: {batch.get_state_display().lower()}. {batch.reason}".rstrip(),
        f"{asked} asked of {batch.recognizer} about {batch.images:,} pictures: {found.done:,} done "
        f"({found.reused:,} from the store), {found.failed:,} failed, {found.waiting:,} waiting.",
        f"Spent: {dollars(found.dollars)}{of_budget}.",
    ]
    if batch.is_fully_queued and not found.waiting and (gone := batch.asked - found.ended) > 0:
        said.append(
            f"{gone:,} ended otherwise: their pictures were removed or trashed, somebody asked for them alone, another "
            "run took them over, or the batch was cancelled."
        )
    if batch.skipped:
        said.append(
            f"{batch.skipped:,} were under way in another run and passed over; if that was cancelled, start again."
        )
    for cause in causes(batch):
        said += [f"{cause.number:,} {cause.api} failed with {cause.code}: {cause.message}", f"  retry: {cause.command}"]
    if batch.state in {Batch.State.PAUSED, Batch.State.STOPPED}:
        more = " --budget USD, a higher one" if batch.reason == spent_words(batch) else ""
        said.append(f"Go on with: manage.py analyze_images --resume {batch.pk}{more}")
    return said


def pending_reports() -> list[int]:
    """Batches that came to an end, or to a stop, whose report somebody waits for."""
    at_rest = Batch.objects.filter(state__in=[Batch.State.DONE, Batch.State.STOPPED], mailed_at=None)
    return list(at_rest.exclude(mail_to="").values_list("pk", flat=True))


def send_report(batch_id: int) -> None:
    """Send the report to whoever asked for it, once; a mail server that is away is told of in the log."""
    if not Batch.objects.filter(pk=batch_id, mailed_at=None).exclude(mail_to="").update(mailed_at=Now()):
        return
    batch = Batch.objects.get(pk=batch_id)
    try:
        subject = f"imagelib: batch {batch_id} is {batch.get_state_display().lower()}"
        send_mail(subject, "\n".join(report_lines(batch_id)), None, [batch.mail_to])
    except OSError as error:  # SMTPException is one
        logger.error("batch %s: no mail could be sent to %s: %s", batch_id, batch.mail_to, error)
