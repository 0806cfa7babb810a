"""What is known of a picture, as its page's panel shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from analysis import formatting
from analysis.models import Analysis, Image
from analysis.recognition import responses
from analysis.recognition.responses import Color, DetectedFace, DetectedText, Quality
from analysis.web.confidence_bar import Bar, bar
from analysis.web.error_advice import advice
from analysis.web.image.bounding_boxes import Drawing, drawing
from analysis.web.image.label_list import LabelList, label_list

OPEN = {Analysis.State.QUEUED, Analysis.State.RUNNING}
EMOTION_SHOWN = 70


@dataclass(frozen=True)
class Row:
    """One thing found, lighting its boxes by `key`."""

    key: str
    name: str
    note: str
    bar: Bar
    url: str = ""


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
    words: LabelList
    faces: list[Row]
    texts: list[Row]
    swatches: list[Swatch]
    quality: list[tuple[str, Bar]]
    sources: list[Source]
    drawing: Drawing

    @property
    def has_rows(self) -> bool:
        """Whether anything was found that confidence could sift."""
        return bool(self.words.groups or self.faces or self.texts)


def panel(image: Image, *, reader: AbstractBaseUser | AnonymousUser, now: datetime) -> Panel:
    """Everything said of a picture, from its current answers and the rows derived from them."""
    latest = sorted(image.analyses.order_by("api", "-pk").distinct("api").defer("answer"), key=_place)
    current = {analysis.api: analysis for analysis in image.analyses.current()}
    answers = {api: analysis.answer for api, analysis in current.items()}
    labels, faces = responses.labels_in(answers.get("labels")), responses.faces_in(answers.get("faces"))
    said = label_list(image, labels, reader=reader, now=now)
    wrong = {row.name.lower() for row in said.rejected}
    texts = tuple(text for text in responses.texts_in(answers.get("text")) if text.is_line)
    return Panel(
        token="".join(f"{analysis.pk}{analysis.state[0]}" for analysis in latest),
        is_open=any(analysis.state in OPEN for analysis in latest),
        is_untouched=not latest,
        reports=[_report(analysis) for analysis in latest if analysis.state != Analysis.State.DONE],
        answered=frozenset(current),
        words=said,
        faces=[_face(number, face) for number, face in enumerate(faces)],
        texts=[_text(number, text) for number, text in enumerate(texts)],
        swatches=[_swatch(color) for color in responses.colors_in(answers.get("labels"))],
        quality=_quality(responses.quality_in(answers.get("labels"))),
        sources=[_source(analysis, now=now) for analysis in sorted(current.values(), key=_place)],
        drawing=drawing(image, labels=labels, wrong=wrong, faces=faces, texts=texts),
    )


def _face(number: int, face: DetectedFace) -> Row:
    said = [
        f"{face.age_low}–{face.age_high} years" if face.age_low is not None and face.age_high is not None else "",
        "smiling" if face.smile else "",
        *(emotion.type.lower() for emotion in face.emotions if emotion.confidence >= EMOTION_SHOWN),
    ]
    note = ", ".join(word for word in said if word)
    return Row(f"face-{number}", f"Face {number + 1}", note, bar(face.confidence))


def _text(number: int, text: DetectedText) -> Row:
    return Row(f"text-{number}", text.text, "", bar(text.confidence))


def _swatch(color: Color) -> Swatch:
    name = color.css_color or color.simplified_color or color.hex
    return Swatch(color.hex, name, formatting.percent(color.percent))


def _quality(quality: Quality | None) -> list[tuple[str, Bar]]:
    if quality is None:
        return []
    figures = (("Brightness", quality.brightness), ("Sharpness", quality.sharpness), ("Contrast", quality.contrast))
    return [(title, bar(figure)) for title, figure in figures if figure is not None]


def _report(analysis: Analysis) -> Report:
    has_failed = analysis.state == Analysis.State.FAILED
    waits_again = analysis.state == Analysis.State.QUEUED and analysis.error_message
    return Report(
        api=analysis.api,
        title=analysis.get_api_display(),
        state=analysis.state,
        state_words="Waits to try again" if waits_again else analysis.get_state_display(),
        sentence=analysis.error_message,
        advice=advice(analysis.error_code, is_permanent=analysis.is_permanent) if has_failed else "",
    )


def _source(analysis: Analysis, *, now: datetime) -> Source:
    assert analysis.finished_at, "current implies done, and done has a time: database constraints"  # noqa: S101
    return Source(
        title=analysis.get_api_display(),
        recognizer=analysis.recognizer,
        model_version=analysis.model_version,
        ago=formatting.ago(analysis.finished_at, now=now),
        exact=formatting.exact(analysis.finished_at),
        took=f"{analysis.latency_ms:,} ms" if analysis.latency_ms is not None else "",
    )


def _place(analysis: Analysis) -> int:
    return Analysis.Api.values.index(analysis.api)
