"""The words a picture can be found by, as its page shows them: who said each, the recognizer or which person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import FileKeyword, Image, ImageLabel, Label, Verdict
from analysis.models.labels import group_title
from analysis.recognition.responses import LabelResult
from analysis.search.query import LabelTerm, Query
from analysis.web import links
from analysis.web.confidence_bar import Bar, bar

IN_PARTS_OF_THEIR_OWN = (Label.Kind.COLOR, Label.Kind.FACE, Label.Kind.EMOTION)


@dataclass(frozen=True)
class VerdictLine:
    """A person's word: by whom, when, and what the recognizer says beside it."""

    decision: str
    words: str
    exact: str


@dataclass(frozen=True)
class LabelRow:
    """A label on the picture, or one that was rejected; lights its boxes by `key`."""

    id: str
    key: str
    name: str
    note: str
    bar: Bar
    url: str
    said: VerdictLine | None


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


def label_list(
    image: Image, found: Sequence[LabelResult], *, reader: AbstractBaseUser | AnonymousUser, now: datetime
) -> LabelList:
    """The labels in force by category, the category with the surest label first; those rejected; and the tags."""
    numbered = {label.name.lower(): (f"label-{number}", label) for number, label in enumerate(found)}
    groups: dict[str, list[LabelRow]] = {}
    tags: list[LabelRow] = []
    verdicts = {each.label_id: each for each in image.verdicts.select_related("label", "by").order_by("label__name")}
    labels = _carried(image)
    for carried in labels:
        label, verdict = carried.label, verdicts.get(carried.label_id)
        key, figure = numbered.get(label.name.lower(), ("", None))
        row = LabelRow(
            id=str(label.pk),
            key=key,
            name=label.name,
            note=f"× {carried.instance_count:,}" if carried.instance_count > 1 else "",
            bar=bar(carried.percent),
            url=_url(label),
            said=_said(verdict, figure, reader=reader, now=now) if verdict else None,
        )
        if label.kind == Label.Kind.TAG:
            is_of_file = carried.is_of_file and row.said is None  # type: ignore[attr-defined]
            tags.append(replace(row, said=VerdictLine("file", _("From the file"), "")) if is_of_file else row)
        else:
            groups.setdefault(group_title(label.kind, label.category), []).append(row)
    rejected = [
        _rejected(verdict, numbered, reader=reader, now=now)
        for verdict in verdicts.values()
        if verdict.decision == Verdict.Decision.REJECTED
    ]
    return LabelList(
        [LabelGroup(title, rows) for title, rows in groups.items()],
        rejected,
        sorted(tags, key=lambda tag: tag.name.lower()),
        is_sensitive=any(carried.label.kind == Label.Kind.MODERATION for carried in labels),
    )


def _carried(image: Image) -> list[ImageLabel]:
    keywords = FileKeyword.objects.annotate(standing=Coalesce("label__merged_into", "label"))
    in_file = keywords.filter(image=OuterRef("image"), standing=OuterRef("label"))
    return list(
        ImageLabel.objects.filter(image=image, label__is_hidden=False)
        .annotate(is_of_file=Exists(in_file))
        .exclude(label__kind__in=IN_PARTS_OF_THEIR_OWN)
        .select_related("label")
        .order_by("-confidence", "label__name")
    )


def _rejected(
    verdict: Verdict,
    numbered: dict[str, tuple[str, LabelResult]],
    *,
    reader: AbstractBaseUser | AnonymousUser,
    now: datetime,
) -> LabelRow:
    label = verdict.label
    figure = numbered.get(label.name.lower(), ("", None))[1]
    confidence = figure.confidence if figure else 0.0
    said = _said(verdict, figure, reader=reader, now=now)
    return LabelRow(str(label.pk), "", label.name, "", bar(confidence), _url(label), said)


def _said(
    verdict: Verdict, found: LabelResult | None, *, reader: AbstractBaseUser | AnonymousUser, now: datetime
) -> VerdictLine:
    figure = f"; found at {formatting.percent(found.confidence)}" if found else ""
    words = (
        f"{verdict.get_decision_display()} by {_name(verdict, reader)} {formatting.ago(verdict.decided_at, now=now)}"
    )
    return VerdictLine(verdict.decision, words + figure, formatting.exact(verdict.decided_at))


def _name(verdict: Verdict, reader: AbstractBaseUser | AnonymousUser) -> str:
    """Names are for people who are signed in."""
    if not reader.is_authenticated:
        return "a person"
    return "you" if verdict.by_id == reader.pk else verdict.by.get_full_name() or verdict.by.get_username()


def _url(label: Label) -> str:
    kind = "" if label.kind == Label.Kind.LABEL else label.kind
    return links.library_url(Query((LabelTerm(label.name, kind),)))
