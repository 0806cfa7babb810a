"""Labels and tags on the image page, with the verdicts of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import FileKeyword, Image, ImageLabel, Label, Verdict
from analysis.models.labels import group_title
from analysis.recognition.responses import LabelResult
from analysis.search.query import LabelTerm, Query
from analysis.web import links
from analysis.web.confidence_bar import Bar, bar

IN_CAPTION = 5
SEPARATE_KINDS = (Label.Kind.COLOR, Label.Kind.FACE, Label.Kind.EMOTION)


@dataclass(frozen=True)
class VerdictLine:
    """A verdict with its author, date and the recognizer's confidence."""

    decision: str
    text: str
    exact: str


@dataclass(frozen=True)
class LabelRow:
    """A label of the picture, or a rejected one; `key` links it to its boxes."""

    id: str
    key: str
    name: str
    note: str
    bar: Bar
    url: str
    verdict: VerdictLine | None
    source: str = ""
    """The model that detected it, if the recognizer has several."""


@dataclass(frozen=True)
class LabelGroup:
    title: str
    rows: list[LabelRow]


@dataclass(frozen=True)
class LabelList:
    groups: list[LabelGroup]
    rejected: list[LabelRow]
    tags: list[LabelRow]
    is_sensitive: bool
    caption: str
    """The names of the labels with the highest confidence."""


@dataclass(frozen=True)
class _RowBuilder:
    """Builder of rows; `results` maps lower-case names to a box key and a result."""

    results: dict[str, tuple[str, LabelResult]]
    reader: AbstractBaseUser | AnonymousUser
    now: datetime

    def row(self, image_label: ImageLabel, verdict: Verdict | None) -> LabelRow:
        label = image_label.label
        key, result = self._result(label)
        return LabelRow(
            id=str(label.pk),
            key=key,
            name=label.name,
            note=f"× {formatting.count(image_label.instance_count)}" if image_label.instance_count > 1 else "",
            bar=bar(image_label.percent),
            url=_url(label),
            verdict=self._verdict_line(verdict, result) if verdict else None,
            source=_source(result.detected_by if result else ()),
        )

    def rejected_row(self, verdict: Verdict) -> LabelRow:
        label = verdict.label
        result = self._result(label)[1]
        verdict_line = self._verdict_line(verdict, result)
        confidence = result.confidence if result else 0.0
        return LabelRow(str(label.pk), "", label.name, "", bar(confidence), _url(label), verdict_line)

    def _result(self, label: Label) -> tuple[str, LabelResult | None]:
        return self.results.get(label.name.lower(), ("", None))

    def _verdict_line(self, verdict: Verdict, result: LabelResult | None) -> VerdictLine:
        values = {
            "decision": verdict.get_decision_display(),
            "person": self._person(verdict),
            "ago": formatting.ago(verdict.decided_at, now=self.now),
            "confidence": formatting.percent(result.confidence) if result else "",
        }
        text = _("%(decision)s by %(person)s %(ago)s; detected at %(confidence)s")
        if not result:
            text = _("%(decision)s by %(person)s %(ago)s")
        return VerdictLine(verdict.decision, text % values, formatting.exact(verdict.decided_at))

    def _person(self, verdict: Verdict) -> str:
        """The author's name; empty for readers who are not signed in."""
        if not self.reader.is_authenticated:
            return _("a person")
        if verdict.by_id == self.reader.pk:
            return _("you")
        return verdict.by.get_full_name() or verdict.by.get_username()


def label_list(
    image: Image, results: Sequence[LabelResult], *, reader: AbstractBaseUser | AnonymousUser, now: datetime
) -> LabelList:
    """Labels by category and confidence, rejected labels, and tags by name."""
    results_by_name = {label.name.lower(): (f"label-{number}", label) for number, label in enumerate(results)}
    builder = _RowBuilder(results_by_name, reader, now)
    groups: dict[str, list[LabelRow]] = {}
    tags: list[LabelRow] = []
    verdicts = {verdict.label_id: verdict for verdict in _verdicts(image)}
    image_labels = _image_labels(image)
    # Only for a picture with tags, since it is a query more.
    from_file = _file_keywords(image) if any(_is_tag(image_label) for image_label in image_labels) else set()
    for image_label in image_labels:
        label = image_label.label
        row = builder.row(image_label, verdicts.get(image_label.label_id))
        if _is_tag(image_label):
            is_from_file = label.pk in from_file and row.verdict is None
            tags.append(replace(row, verdict=VerdictLine("file", _("From the file"), "")) if is_from_file else row)
        else:
            groups.setdefault(group_title(label.kind, label.category), []).append(row)
    rejected = [verdict for verdict in verdicts.values() if verdict.decision == Verdict.Decision.REJECTED]
    return LabelList(
        groups=[LabelGroup(title, rows) for title, rows in groups.items()],
        rejected=[builder.rejected_row(verdict) for verdict in rejected],
        tags=sorted(tags, key=lambda tag: tag.name.lower()),
        is_sensitive=any(image_label.label.kind == Label.Kind.MODERATION for image_label in image_labels),
        caption=", ".join(image_label.label.name for image_label in image_labels[:IN_CAPTION]),
    )


def _source(models: tuple[str, ...]) -> str:
    """The local models that found a label, in words; empty for other recognizers."""
    return {
        frozenset({"classifier"}): _("Found by the local classifier"),
        frozenset({"detector"}): _("Found by the local detector"),
        frozenset({"classifier", "detector"}): _("Found by the local classifier and detector"),
    }.get(frozenset(models), "")


def _verdicts(image: Image) -> QuerySet[Verdict]:
    return image.verdicts.select_related("label", "by").order_by("label__name")


def _image_labels(image: Image) -> list[ImageLabel]:
    """Labels in the search index, by confidence."""
    return list(
        ImageLabel.objects.filter(image=image, label__is_hidden=False)
        .exclude(label__kind__in=SEPARATE_KINDS)
        .select_related("label")
        .order_by("-confidence", "label__name")
    )


def _is_tag(image_label: ImageLabel) -> bool:
    return image_label.label.kind == Label.Kind.TAG


def _file_keywords(image: Image) -> set[int]:
    """Ids of the labels that the file's keywords resolve to now."""
    # The label of a keyword may have been merged into another one since.
    current = Coalesce("label__merged_into", "label")
    return set(FileKeyword.objects.filter(image=image).values_list(current, flat=True))


def _url(label: Label) -> str:
    kind = "" if label.kind == Label.Kind.LABEL else label.kind
    return links.library_url(Query((LabelTerm(label.name, kind),)))
