"""What is known of a picture, as its page's panel shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis.models import Analysis, Image, ImageLabel, Label
from analysis.recognition import values
from analysis.recognition.values import Color, FoundFace, FoundLabel, FoundText, Quality
from analysis.search.query import HasLabel, Query
from analysis.web import present
from analysis.web.marks import Drawing, drawing

OPEN = {Analysis.State.QUEUED, Analysis.State.RUNNING}
EMOTION_SHOWN = 70
UNSORTED = "Other"
KIND_TITLES: dict[str, str] = {
    Label.Kind.CELEBRITY: "Celebrities",
    Label.Kind.MODERATION: "Moderation",
    Label.Kind.TAG: "Tags",
}
"""Labels are grouped by their category, the other kinds by what they are."""


@dataclass(frozen=True)
class Bar:
    """A confidence: the same bar everywhere, told by length and number."""

    width: str
    percent: str
    step: str
    value: str


@dataclass(frozen=True)
class Row:
    """One thing found, lighting its boxes by `key`."""

    key: str
    name: str
    note: str
    bar: Bar
    url: str = ""


@dataclass(frozen=True)
class LabelGroup:
    title: str
    rows: list[Row]


@dataclass(frozen=True)
class Report:
    """An API that has not answered, or not this time."""

    api: str
    title: str
    state: str
    state_words: str
    sentence: str
    advice: str


@dataclass(frozen=True)
class Source:
    """Who spoke: which recognizer answered for which API, and when."""

    title: str
    recognizer: str
    model_version: str
    ago: str
    exact: str
    took: str


@dataclass(frozen=True)
class Swatch:
    hex: str
    name: str
    percent: str


@dataclass(frozen=True)
class Panel:
    token: str
    is_open: bool
    is_untouched: bool
    reports: list[Report]
    answered: frozenset[str]
    label_groups: list[LabelGroup]
    faces: list[Row]
    texts: list[Row]
    swatches: list[Swatch]
    quality: list[tuple[str, Bar]]
    sources: list[Source]
    drawing: Drawing

    @property
    def has_rows(self) -> bool:
        """Whether anything was found that confidence could sift."""
        return bool(self.label_groups or self.faces or self.texts)


def panel(image: Image, *, now: datetime) -> Panel:
    """Everything said of a picture, from its current answers and the rows derived from them."""
    latest = sorted(image.analyses.order_by("api", "-pk").distinct("api").defer("answer"), key=_place)
    current = {analysis.api: analysis for analysis in image.analyses.current()}
    answers = {api: analysis.answer for api, analysis in current.items()}
    labels, faces = values.labels_in(answers.get("labels")), values.faces_in(answers.get("faces"))
    texts = tuple(text for text in values.texts_in(answers.get("text")) if text.is_line)
    return Panel(
        token="".join(f"{analysis.pk}{analysis.state[0]}" for analysis in latest),
        is_open=any(analysis.state in OPEN for analysis in latest),
        is_untouched=not latest,
        reports=[_report(analysis) for analysis in latest if analysis.state != Analysis.State.DONE],
        answered=frozenset(current),
        label_groups=_label_groups(image, labels),
        faces=[_face(number, face) for number, face in enumerate(faces)],
        texts=[_text(number, text) for number, text in enumerate(texts)],
        swatches=[_swatch(color) for color in values.colors_in(answers.get("labels"))],
        quality=_quality(values.quality_in(answers.get("labels"))),
        sources=[_source(analysis, now=now) for analysis in sorted(current.values(), key=_place)],
        drawing=drawing(image, labels=labels, faces=faces, texts=texts),
    )


def bar(confidence: float) -> Bar:
    return Bar(f"{confidence:.1f}", present.percent(confidence), present.step(confidence), f"{confidence:.2f}")


def _label_groups(image: Image, found: Sequence[FoundLabel]) -> list[LabelGroup]:
    """The labels in force by category, the category with the surest label first."""
    keys = {label.name.lower(): f"label-{number}" for number, label in enumerate(found)}
    carried = (
        ImageLabel.objects.filter(image=image, label__is_hidden=False)
        .exclude(label__kind__in=[Label.Kind.COLOR, Label.Kind.FACE, Label.Kind.EMOTION])  # in parts of their own
        .select_related("label")
        .order_by("-confidence", "label__name")
    )
    groups: dict[str, list[Row]] = {}
    for row in carried:
        title = KIND_TITLES.get(row.label.kind) or row.label.category or UNSORTED
        groups.setdefault(title, []).append(_label(row, keys))
    return [LabelGroup(title, rows) for title, rows in groups.items()]


def _label(row: ImageLabel, keys: dict[str, str]) -> Row:
    name = row.label.name
    return Row(
        key=keys.get(name.lower(), ""),
        name=name,
        note=f"× {row.instance_count:,}" if row.instance_count > 1 else "",
        bar=bar(row.percent),
        url=present.library_url(Query((HasLabel(name),))),
    )


def _face(number: int, face: FoundFace) -> Row:
    said = [
        f"{face.age_low}–{face.age_high} years" if face.age_low is not None and face.age_high is not None else "",
        "smiling" if face.smile else "",
        *(emotion.type.lower() for emotion in face.emotions if emotion.confidence >= EMOTION_SHOWN),
    ]
    note = ", ".join(word for word in said if word)
    return Row(f"face-{number}", f"Face {number + 1}", note, bar(face.confidence))


def _text(number: int, text: FoundText) -> Row:
    return Row(f"text-{number}", text.text, "", bar(text.confidence))


def _swatch(color: Color) -> Swatch:
    name = color.css_color or color.simplified_color or color.hex
    return Swatch(color.hex, name, present.percent(color.percent))


def _quality(quality: Quality | None) -> list[tuple[str, Bar]]:
    if quality is None:
        return []
    figures = (("Brightness", quality.brightness), ("Sharpness", quality.sharpness), ("Contrast", quality.contrast))
    return [(title, bar(figure)) for title, figure in figures if figure is not None]


def _report(analysis: Analysis) -> Report:
    advice = "The same picture will most likely fail again." if analysis.is_permanent else ""
    waits_again = analysis.state == Analysis.State.QUEUED and analysis.error_message
    return Report(
        api=analysis.api,
        title=analysis.get_api_display(),
        state=analysis.state,
        state_words="Waits to try again" if waits_again else analysis.get_state_display(),
        sentence=analysis.error_message,
        advice=advice if analysis.state == Analysis.State.FAILED else "",
    )


def _source(analysis: Analysis, *, now: datetime) -> Source:
    assert analysis.finished_at, "current implies done, and done has a time: database constraints"  # noqa: S101
    return Source(
        title=analysis.get_api_display(),
        recognizer=analysis.recognizer,
        model_version=analysis.model_version,
        ago=present.ago(analysis.finished_at, now=now),
        exact=present.exact(analysis.finished_at),
        took=f"{analysis.latency_ms:,} ms" if analysis.latency_ms is not None else "",
    )


def _place(analysis: Analysis) -> int:
    return Analysis.Api.values.index(analysis.api)
