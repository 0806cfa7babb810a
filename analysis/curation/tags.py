"""The word a person wrote, as a label: one that is there by this name or alias, or a tag."""

from __future__ import annotations

from django.db.models import Value
from django.db.models.functions import Lower

from analysis.curation.errors import ActionRefused
from analysis.ingest.validation import plain_text
from analysis.models import Label, LabelAlias
from analysis.recognition.detected_labels import DetectedLabel
from analysis.recognition.label_registry import label_ids

LONGEST = 200


def get_or_create_tag(text: str) -> Label:
    """A recognizer's label of this name or alias, else the tag of this name, made when it is new. Raises Refused."""
    name = checked(text)
    return _recognized(name) or _tag(name)


def checked(text: str) -> str:
    """The name as it would be kept. Raises Refused for what is none."""
    name = plain_text(text, len(text) * 4)
    if not name:
        raise ActionRefused("A tag needs at least one letter, digit or sign.")
    if len(name) > LONGEST:
        raise ActionRefused(f"A tag has at most {LONGEST} characters; this one has {len(name):,}.")
    return name


def _recognized(name: str) -> Label | None:
    """The label that a recognizer uses; those that are hidden would not show that anything was added."""
    shown = Label.objects.filter(kind=Label.Kind.LABEL, is_hidden=False).select_related("merged_into")
    # PostgreSQL folds both names, since Python does not fold every language alike.
    own = shown.annotate(lower=Lower("name")).filter(lower=Lower(Value(name))).first()
    if own:
        return own.merged_into or own
    aliases = LabelAlias.objects.annotate(lower=Lower("name")).filter(lower=Lower(Value(name)))
    named = shown.filter(pk__in=aliases.values("label")).order_by("-image_count", "pk").first()
    return named and (named.merged_into or named)


def _tag(name: str) -> Label:
    word = DetectedLabel(Label.Kind.TAG, name, 100.0)
    return Label.objects.get(pk=label_ids([word])[word.key])
