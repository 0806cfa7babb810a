"""A person's word on a label of a picture, in effect at once."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from analysis.models import Verdict
from analysis.recognition.index import reindex


def decide(image_id: int, *, label_id: int, decision: Verdict.Decision | str, by_id: int) -> Verdict:
    """Confirm, reject or add a label; a later word takes the place of an earlier one."""
    with transaction.atomic():
        verdict, _ = Verdict.objects.update_or_create(
            image_id=image_id,
            label_id=label_id,
            defaults={"decision": decision, "by_id": by_id, "decided_at": Now()},
        )
        reindex([image_id])
    return verdict


def withdraw(verdict: Verdict) -> None:
    """Take a word back: the machine's answer stands again."""
    with transaction.atomic():
        Verdict.objects.filter(pk=verdict.pk).delete()
        reindex([verdict.image_id])
