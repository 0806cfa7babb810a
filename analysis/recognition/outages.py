"""APIs that cannot be asked at present: one notice for all, one probe at a time, and work resumes by itself."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from analysis.models import Analysis, Outage
from analysis.recognition.base import ApiUnavailable

FIRST_PROBE = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=5)


def open_outage(recognizer: str, error: ApiUnavailable) -> None:
    """An API cannot be asked: nothing more is sent to it before the next probe."""
    Outage.objects.update_or_create(
        recognizer=recognizer,
        api=error.api,
        defaults={"code": error.code, "message": str(error)},
        create_defaults={
            "code": error.code,
            "message": str(error),
            "probe_at": Now() + FIRST_PROBE,
        },
    )


def get(recognizer: str, api: str) -> Outage | None:
    """The API's outage, if there is one."""
    return Outage.objects.filter(recognizer=recognizer, api=api).first()


def try_claim_probe(outage: Outage) -> bool:
    """Whether this is the one that asks if it is over. Each probe is twice as far from the one before."""
    wait = min(FIRST_PROBE * 2 ** min(outage.probes, 10), LONGEST_WAIT)
    due = Outage.objects.filter(pk=outage.pk, probe_at__lte=Now())
    return due.update(probe_at=Now() + wait, probes=F("probes") + 1) == 1


def clear(recognizer: str, api: str) -> None:
    """The API spoke to us: work goes on."""
    Outage.objects.filter(recognizer=recognizer, api=api).delete()


def forget_idle() -> None:
    """Forget outages that nothing waits for any more: nobody would ever probe whether they are over."""
    waits = Analysis.objects.open().filter(recognizer=OuterRef("recognizer"), api=OuterRef("api"))
    Outage.objects.filter(~Exists(waits)).delete()
