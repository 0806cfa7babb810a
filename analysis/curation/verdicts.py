"""A person's word on a label of a picture, in effect at once."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from analysis.curation.errors import ActionRefused
from analysis.curation.index_updates import in_files
from analysis.curation.tags import get_or_create_tag
from analysis.models import Image, ImageLabel, Verdict
from analysis.recognition.search_index import reindex

CONFIRMED, REJECTED, ADDED = Verdict.Decision
POSITIVE = (CONFIRMED, ADDED)


def decide(image_id: int, *, label_id: int, decision: Verdict.Decision | str, by_id: int) -> Verdict:
    """Confirm, reject or add a label; a later word takes the place of an earlier one, the same word changes nothing."""
    with transaction.atomic():
        _lock(image_id)
        said = Verdict.objects.filter(image_id=image_id, label_id=label_id).first()
        if said and said.decision == decision:
            return said
        verdict, _ = Verdict.objects.update_or_create(
            image_id=image_id,
            label_id=label_id,
            defaults={"decision": decision, "by_id": by_id, "decided_at": Now()},
        )
        _reindex([image_id])
    return verdict


def confirm(image_id: int, *, label_id: int, by_id: int) -> None:
    """Say that a label is right. What a person added is right already. Raises Refused where it is not to be seen."""
    with transaction.atomic():
        _lock(image_id)
        said = Verdict.objects.filter(image_id=image_id, label_id=label_id).first()
        if said and said.decision == ADDED:
            return
        if not said and not ImageLabel.objects.filter(image_id=image_id, label_id=label_id).exists():
            raise ActionRefused("This label is not on the picture any more.")
        decide(image_id, label_id=label_id, decision=CONFIRMED, by_id=by_id)


def reject(image_id: int, *, label_id: int, by_id: int) -> None:
    """Say that a label is wrong. What only people said is taken back and leaves nothing."""
    with transaction.atomic():
        _lock(image_id)
        carried = ImageLabel.objects.filter(image_id=image_id, label_id=label_id).first()
        if carried and carried.analysis_id is None and not in_files([image_id], carried.label):
            Verdict.objects.filter(image_id=image_id, label_id=label_id).delete()
            _reindex([image_id])
        elif carried:
            decide(image_id, label_id=label_id, decision=REJECTED, by_id=by_id)


def add(image_id: int, *, name: str, by_id: int) -> Verdict:
    """Add a label by its name, or a tag. One that was rejected is there again. Raises Refused for what is no name."""
    with transaction.atomic():
        label = get_or_create_tag(name)
        _lock(image_id)
        said = Verdict.objects.filter(image_id=image_id, label=label, decision__in=POSITIVE).first()
        return said or decide(image_id, label_id=label.pk, decision=ADDED, by_id=by_id)


def clear(image_id: int, *, label_id: int) -> None:
    """Take back what was said of a label, if anything was: the machine's answer stands again."""
    with transaction.atomic():
        _lock(image_id)
        if Verdict.objects.filter(image_id=image_id, label_id=label_id).delete()[0]:
            _reindex([image_id])


def delete_verdict(verdict: Verdict) -> None:
    """Take a word back: the machine's answer stands again."""
    clear(verdict.image_id, label_id=verdict.label_id)


def _lock(image_id: int) -> None:
    """The picture before its verdicts, as everybody does who changes them, so that nobody waits in a circle."""
    if not Image.objects.select_for_update().filter(pk=image_id).values_list("pk", flat=True):
        raise ActionRefused("This picture is not here any more.")


def _reindex(image_ids: list[int]) -> None:
    reindex(image_ids, apis=())  # what is written and whose faces are shown no word changes
