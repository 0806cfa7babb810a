"""Outages: an API that cannot be called.

One probe at a time tests whether it is over; work then resumes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from analysis import leases
from analysis.messages import gettext_noop
from analysis.models import Analysis, Call, Outage
from analysis.recognition import ledger
from analysis.recognition.base import ApiUnavailable, RequestFailed

FIRST_PROBE = timedelta(seconds=15)
MAX_PROBE_INTERVAL = timedelta(minutes=5)
# Longer for probes that may be charged although no response arrives.
MAX_PAID_PROBE_INTERVAL = timedelta(minutes=15)
# Number of consecutive requests without a response that opens an outage.
LOST_IN_A_ROW = 5
# Error code of an outage in which connections are accepted and then lost, so each probe may be charged.
NO_RESPONSE = "NoAnswer"


def open_outage(recognizer: str, error: ApiUnavailable) -> None:
    """Record that an API cannot be called; nothing is sent before the next probe."""
    is_limit_reached = error.code == NO_RESPONSE and ledger.is_loss_limit_reached(recognizer)
    message = error.sentence(translate=_)
    if is_limit_reached:
        message += " " + _(
            "They have used up their share of this month's budget, so no more requests are sent until next month, "
            "or until staff choose “Probe now” in the admin site."
        )
    elif error.code == NO_RESPONSE:
        message += " " + _("Work resumes automatically.")
    columns: dict[str, Any] = {"code": error.code, "message": message}
    postponed: dict[str, Any] = {"probe_at": _next_month()} if is_limit_reached else {}
    Outage.objects.update_or_create(
        recognizer=recognizer,
        api=error.api,
        defaults={**columns, **postponed},
        create_defaults={"probe_at": Now() + FIRST_PROBE, **columns, **postponed},
    )


def outage_after_lost_request(recognizer: str, lost: RequestFailed) -> ApiUnavailable | None:
    """The outage to open after a request without a response, once it is in the ledger.

    None if it may be chance.
    """
    # From the ledger, since requests of other workers count, too, and an engine only runs for minutes.
    # Without those of workers that died, which say nothing about the endpoint.
    calls = Call.objects.filter(recognizer=recognizer, api=lost.api).exclude(error_code=ledger.WORKER_LOST)
    latest = list(calls.order_by("-pk").values_list("outcome", "error_code")[:LOST_IN_A_ROW])
    if len(latest) == LOST_IN_A_ROW and all(_is_lost(outcome, code) for outcome, code in latest):
        reason = gettext_noop("%(number)s requests in a row got no response; the last one failed with %(lost_code)s.")
        return no_response(lost, reason)
    if ledger.is_loss_limit_reached(recognizer):
        return no_response(lost, gettext_noop("Another request got no response (%(lost_code)s)."))
    return None


def _is_lost(outcome: str, code: str) -> bool:
    return outcome == Call.Outcome.UNKNOWN and code not in ledger.UNUSABLE_RESPONSES


def no_response(lost: RequestFailed, reason: str) -> ApiUnavailable:
    """The error of an API that accepts requests and does not respond.

    Its outcome in the ledger is that of `lost`.
    """
    return ApiUnavailable(
        reason,
        api=lost.api,
        code=NO_RESPONSE,
        next_step=gettext_noop(
            "AWS may charge for such requests, so they count as spent. Check the network and the endpoint."
        ),
        outcome=lost.outcome,
        request_id=lost.request_id,
        values={"lost_code": lost.code, "number": str(LOST_IN_A_ROW)},
    )


def _next_month() -> datetime:
    first = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def get(recognizer: str, api: str) -> Outage | None:
    """The API's outage, or None."""
    return Outage.objects.filter(recognizer=recognizer, api=api).first()


def try_claim_probe(outage: Outage) -> bool:
    """Claim the due probe for this worker; False if another one has it or none is due.

    The interval doubles with each probe.
    """
    maximum = MAX_PAID_PROBE_INTERVAL if outage.code == NO_RESPONSE else MAX_PROBE_INTERVAL
    # At most 10, since a timedelta cannot hold much higher powers.
    wait = min(FIRST_PROBE * 2 ** min(outage.probes, 10), maximum)
    is_postponed = outage.code == NO_RESPONSE and ledger.is_loss_limit_reached(outage.recognizer)
    is_due = Q(probe_at__lte=Now()) if is_postponed else leases.has_passed("probe_at")
    due = Outage.objects.filter(is_due, pk=outage.pk)
    return due.update(probe_at=Now() + wait, probes=F("probes") + 1) == 1


def clear(recognizer: str, api: str) -> None:
    """End the outage: the API responded."""
    Outage.objects.filter(recognizer=recognizer, api=api).delete()


def delete_idle() -> None:
    """Delete outages of APIs without open work, which would never be probed."""
    open_work = Analysis.objects.open().filter(recognizer=OuterRef("recognizer"), api=OuterRef("api"))
    Outage.objects.filter(~Exists(open_work)).delete()
