"""APIs that cannot be asked at present: one notice for all, one probe at a time, and work resumes by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils.timezone import now

from analysis.models import Analysis, Call, Outage
from analysis.recognition import ledger
from analysis.recognition.base import ApiUnavailable, RequestFailed

FIRST_PROBE = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=5)
LONGEST_PAID_WAIT = timedelta(minutes=15)
"""Between probes that may be paid for although no answer comes."""
IN_A_ROW = 5
"""Requests of an API that brought no answer, one after the other, after which it rests."""
NO_ANSWER = "NoAnswer"
"""The code of an outage in which connections are accepted and lost, so that each probe may cost something."""
RESUMES = "Work resumes by itself afterwards."
HELD = (
    "They have taken as much of the month's budget as they may: nothing more is sent before next month, "
    'or until staff choose "Ask now whether it is over" in the administration.'
)


def open_outage(recognizer: str, error: ApiUnavailable) -> None:
    """An API cannot be asked: nothing more is sent to it before the next probe."""
    is_held = error.code == NO_ANSWER and ledger.is_lost_share_spent(recognizer)
    message = f"{error} {HELD if is_held else RESUMES}" if error.code == NO_ANSWER else f"{error}"
    said: dict[str, Any] = {"code": error.code, "message": message}
    held: dict[str, Any] = {"probe_at": _next_month()} if is_held else {}
    Outage.objects.update_or_create(
        recognizer=recognizer,
        api=error.api,
        defaults={**said, **held},
        create_defaults={"probe_at": Now() + FIRST_PROBE, **said, **held},
    )


def after_loss(recognizer: str, lost: RequestFailed) -> ApiUnavailable | None:
    """The outage to note once a request has brought no answer and is in the ledger; None while it may be chance.

    The ledger is read, for other workers' requests count as well, and an engine forgets after a minute.
    """
    calls = Call.objects.filter(recognizer=recognizer, api=lost.api).exclude(error_code=ledger.WORKER_LOST)
    last = list(calls.order_by("-pk").values_list("outcome", "error_code")[:IN_A_ROW])
    if len(last) == IN_A_ROW and all(_is_lost(*each) for each in last):
        return unanswered(lost, f"{IN_A_ROW} requests in a row brought no answer, the last one {lost.code}.")
    if ledger.is_lost_share_spent(recognizer):
        return unanswered(lost, f"Once more a request brought no answer ({lost.code}).")
    return None


def _is_lost(outcome: str, code: str) -> bool:
    return outcome == Call.Outcome.UNKNOWN and code not in ledger.ANSWERED_ODDLY


def unanswered(lost: RequestFailed, reason: str) -> ApiUnavailable:
    """The error of an API that takes requests and says nothing; what it costs is what `lost` does."""
    return ApiUnavailable(
        reason,
        api=lost.api,
        code=NO_ANSWER,
        next_step="Such requests may have been paid for and count as spent. Check the network and the endpoint.",
        outcome=lost.outcome,
        request_id=lost.request_id,
    )


def _next_month() -> datetime:
    first = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def get(recognizer: str, api: str) -> Outage | None:
    """The API's outage, if there is one."""
    return Outage.objects.filter(recognizer=recognizer, api=api).first()


def try_claim_probe(outage: Outage) -> bool:
    """Whether this is the one that asks if it is over. Each probe is twice as far from the one before."""
    longest = LONGEST_PAID_WAIT if outage.code == NO_ANSWER else LONGEST_WAIT
    wait = min(FIRST_PROBE * 2 ** min(outage.probes, 10), longest)
    due = Outage.objects.filter(pk=outage.pk, probe_at__lte=Now())
    return due.update(probe_at=Now() + wait, probes=F("probes") + 1) == 1


def clear(recognizer: str, api: str) -> None:
    """The API spoke to us: work goes on."""
    Outage.objects.filter(recognizer=recognizer, api=api).delete()


def forget_idle() -> None:
    """Forget outages that nothing waits for any more: nobody would ever probe whether they are over."""
    waits = Analysis.objects.open().filter(recognizer=OuterRef("recognizer"), api=OuterRef("api"))
    Outage.objects.filter(~Exists(waits)).delete()
