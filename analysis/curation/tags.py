"""Finds labels, and creates tags, by the names that people type."""

from __future__ import annotations

from django.db.models import Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from analysis.curation.errors import ActionRefused
from analysis.formatting import count
from analysis.ingest.validation import plain_text
from analysis.models import Label, LabelAlias
from analysis.recognition.detected_labels import DetectedLabel
from analysis.recognition.label_registry import label_ids

MAX_LENGTH = 200


def get_or_create_tag(text: str) -> Label:
    """A recognizer's label with this name or alias, otherwise a tag.

    Raises ActionRefused for an invalid name.
    """
    name = clean_name(text)
    return _recognizer_label(name) or _tag(name)


def clean_name(text: str) -> str:
    """The name without control characters and surrounding space.

    Raises ActionRefused if it is invalid.
    """
    name = plain_text(text, len(text) * 4)
    if not name:
        raise ActionRefused(_("Tag can't be empty."))
    if len(name) > MAX_LENGTH:
        raise ActionRefused(
            _("A tag can have at most %(limit)s characters; this one has %(length)s.")
            % {"limit": count(MAX_LENGTH), "length": count(len(name))}
        )
    return name


def _recognizer_label(name: str) -> Label | None:
    """The recognizer's label of this name, unless hidden: users would not see it."""
    labels = Label.objects.filter(kind=Label.Kind.LABEL, is_hidden=False).select_related("merged_into")
    # PostgreSQL lowercases both sides, since Python's lower() differs from it for some languages.
    label: Label | None = labels.annotate(lower=Lower("name")).filter(lower=Lower(Value(name))).first()
    if label is None:
        aliases = LabelAlias.objects.annotate(lower=Lower("name")).filter(lower=Lower(Value(name)))
        label = labels.filter(pk__in=aliases.values("label")).order_by("-image_count", "pk").first()
    return label and (label.merged_into or label)


def _tag(name: str) -> Label:
    detected = DetectedLabel(Label.Kind.TAG, name, 100.0)
    return Label.objects.get(pk=label_ids([detected])[detected.key])
