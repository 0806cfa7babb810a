"""From current answers and verdicts to the rows that search reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower

from analysis.models import Analysis, Image, ImageLabel, Label, LabelAlias, Verdict
from analysis.recognition import values

FULL = 10_000
"""100 % in ImageLabel's hundredths."""


@dataclass(frozen=True)
class Word:
    """A label as an answer names it, before it has a row."""

    kind: str
    name: str
    confidence: float
    instance_count: int = 0
    category: str = ""
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name.lower()


def reindex(image_id: int) -> None:
    """Make the picture's rows say what its current answers and verdicts say, all at once."""
    with transaction.atomic():
        image = Image.objects.select_for_update().get(pk=image_id)
        rows = [] if image.trashed_at else _effective_rows(image)
        ImageLabel.objects.filter(image=image).exclude(label__in=[row.label_id for row in rows]).delete()
        ImageLabel.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["image", "label"],
            update_fields=["confidence", "instance_count", "analysis", "added_at", "owner", "openness"],
        )


def words_in(api: str, answer: dict[str, Any]) -> list[Word]:
    """What an answer lets a picture be found by, each name once, the highest confidence winning."""
    words: dict[tuple[str, str], Word] = {}
    for word in _words(api, answer):
        if word.key not in words or words[word.key].confidence < word.confidence:
            words[word.key] = word
    return list(words.values())


def _words(api: str, answer: dict[str, Any]) -> Iterable[Word]:
    if api != Analysis.Api.LABELS:
        return
    for label in values.labels_in(answer):
        yield Word(
            Label.Kind.LABEL,
            label.name,
            label.confidence,
            instance_count=len(label.instances),
            category=label.categories[0] if label.categories else "",
            parents=label.parents,
            aliases=label.aliases,
        )
    for color in values.colors_in(answer):
        if color.simplified_color:
            yield Word(Label.Kind.COLOR, color.simplified_color.capitalize(), color.percent)


def _effective_rows(image: Image) -> list[ImageLabel]:
    """Current machine answers, less what was rejected, plus what was confirmed or added."""
    rows: dict[int, ImageLabel] = {}
    for analysis in image.analyses.current().only("api", "answer"):
        words = words_in(analysis.api, analysis.answer or {})
        ids = _label_ids(words)
        for word in words:
            row = _row(image, ids[word.key], confidence=round(word.confidence * 100))
            row.analysis_id, row.instance_count = analysis.pk, min(word.instance_count, 32_767)
            rows[row.label_id] = row
    for verdict in image.verdicts.all():
        if verdict.decision == Verdict.Decision.REJECTED:
            rows.pop(verdict.label_id, None)
        else:
            rows.setdefault(verdict.label_id, _row(image, verdict.label_id, confidence=FULL)).confidence = FULL
    return sorted(rows.values(), key=lambda row: row.label_id)


def _row(image: Image, label_id: int, *, confidence: int) -> ImageLabel:
    return ImageLabel(
        image=image,
        label_id=label_id,
        confidence=min(max(confidence, 0), FULL),
        added_at=image.added_at,
        owner_id=image.owner_id,
        openness=image.openness,
    )


def _label_ids(words: list[Word]) -> dict[tuple[str, str], int]:
    """The labels' ids by key; names never met before become labels, with their ancestors and aliases."""
    known = _known([word.key for word in words])
    new = sorted((word for word in words if word.key not in known), key=lambda word: word.key)
    if not new:
        return known
    # Sorted, so that two workers meeting the same new words wait for one another instead of deadlocking.
    Label.objects.bulk_create(
        [Label(kind=word.kind, name=word.name[:200], category=word.category[:100]) for word in new],
        ignore_conflicts=True,
    )
    known |= _known([word.key for word in new])
    _relate(new, known)
    return known


def _known(keys: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    rows = (
        Label.objects.annotate(lower=Lower("name"))
        .filter(lower__in=[name[:200] for _, name in keys])
        .values_list("kind", "lower", "pk")
    )
    found = {(kind, lower): pk for kind, lower, pk in rows}
    return {key: found[key[0], key[1][:200]] for key in keys if (key[0], key[1][:200]) in found}


def _relate(words: list[Word], known: dict[tuple[str, str], int]) -> None:
    aliases = [LabelAlias(name=alias[:200], label_id=known[word.key]) for word in words for alias in word.aliases]
    LabelAlias.objects.bulk_create(aliases, ignore_conflicts=True)
    parents = _known([(word.kind, parent.lower()) for word in words for parent in word.parents])
    through = Label.parents.through
    through.objects.bulk_create(
        [
            through(from_label_id=known[word.key], to_label_id=parents[word.kind, parent.lower()])
            for word in words
            for parent in word.parents
            if (word.kind, parent.lower()) in parents
        ],
        ignore_conflicts=True,
    )
