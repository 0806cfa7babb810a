"""Panel of the image page: results, and pending and failed analyses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Window
from django.utils.translation import gettext as _

from analysis import formatting, permissions
from analysis.models import Analysis, Image
from analysis.recognition import responses
from analysis.recognition.responses import Color, DetectedFace, DetectedText, Quality
from analysis.web.confidence_bar import Bar, bar
from analysis.web.image.bounding_boxes import Drawing, drawing
from analysis.web.image.label_list import LabelList, label_list
from analysis.web.retry_advice import advice

PENDING_STATES = {Analysis.State.QUEUED, Analysis.State.RUNNING}
MIN_EMOTION_CONFIDENCE = 70


@dataclass(frozen=True)
class DetectionRow:
    """A face or a line of text; `key` links it to its box."""

    key: str
    name: str
    note: str
    bar: Bar
    url: str = ""


@dataclass(frozen=True)
class AnalysisStatus:
    """A pending or failed analysis."""

    api: str
    title: str
    state: str
    state_name: str
    error: str
    advice: str


@dataclass(frozen=True)
class Source:
    """The recognizer and date of a current result."""

    title: str
    recognizer: str
    model_version: str
    ago: str
    exact: str
    duration: str


@dataclass(frozen=True)
class ColorSwatch:
    hex: str
    name: str
    percent: str


@dataclass(frozen=True)
class Panel:
    token: str
    latest: list[Analysis]
    is_open: bool
    is_unanalyzed: bool
    statuses: list[AnalysisStatus]
    analyzed_apis: frozenset[str]
    labels: LabelList
    faces: list[DetectionRow]
    texts: list[DetectionRow]
    colors: list[ColorSwatch]
    quality: list[tuple[str, Bar]]
    sources: list[Source]
    drawing: Drawing

    @property
    def has_rows(self) -> bool:
        """True if there are rows for the confidence slider to filter."""
        return bool(self.labels.groups or self.faces or self.texts)


def panel(image: Image, *, reader: AbstractBaseUser | AnonymousUser, now: datetime) -> Panel:
    """The panel of an image, from its current results and the label index."""
    # The window function counts all rows before the filter keeps only the latest of each API.
    numbered = image.analyses.annotate(history_count=Window(Count("*")))
    # Without responses, which are large: only those of current results are read, below.
    latest = sorted(numbered.order_by("api", "-pk").distinct("api").defer("answer"), key=_api_order)
    current = {analysis.api: analysis for analysis in image.analyses.current()}
    responses_by_api = {api: analysis.answer for api, analysis in current.items()}
    labels, faces = (
        responses.labels_in(responses_by_api.get("labels")),
        responses.faces_in(responses_by_api.get("faces")),
    )
    panel_labels = label_list(image, labels, reader=reader, now=now)
    rejected = {row.name.lower() for row in panel_labels.rejected}
    names_causes = permissions.can_edit_image(reader, image)
    texts = tuple(text for text in responses.texts_in(responses_by_api.get("text")) if text.is_line)
    return Panel(
        # The states begin with different letters.
        token="".join(f"{analysis.pk}{analysis.state[0]}" for analysis in latest),
        latest=latest,
        is_open=any(analysis.state in PENDING_STATES for analysis in latest),
        is_unanalyzed=not latest,
        statuses=[
            _status(analysis, names_cause=names_causes) for analysis in latest if analysis.state != Analysis.State.DONE
        ],
        analyzed_apis=frozenset(current),
        labels=panel_labels,
        faces=[_face(number, face) for number, face in enumerate(faces)],
        texts=[_text(number, text) for number, text in enumerate(texts)],
        colors=[_swatch(color) for color in responses.colors_in(responses_by_api.get("labels"))],
        quality=_quality(responses.quality_in(responses_by_api.get("labels"))),
        sources=[_source(analysis, now=now) for analysis in sorted(current.values(), key=_api_order)],
        drawing=drawing(image, labels=labels, rejected=rejected, faces=faces, texts=texts),
    )


def _face(number: int, face: DetectedFace) -> DetectionRow:
    has_age = face.age_low is not None and face.age_high is not None
    attributes = [
        _("%(low)s–%(high)s years") % {"low": face.age_low, "high": face.age_high} if has_age else "",
        _("smiling") if face.smile else "",
        *(emotion.type.lower() for emotion in face.emotions if emotion.confidence >= MIN_EMOTION_CONFIDENCE),
    ]
    note = ", ".join(word for word in attributes if word)
    return DetectionRow(f"face-{number}", _("Face %(number)s") % {"number": number + 1}, note, bar(face.confidence))


def _text(number: int, text: DetectedText) -> DetectionRow:
    return DetectionRow(f"text-{number}", text.text, "", bar(text.confidence))


def _swatch(color: Color) -> ColorSwatch:
    name = color.css_color or color.simplified_color or color.hex
    return ColorSwatch(color.hex, name, formatting.percent(color.percent))


def _quality(quality: Quality | None) -> list[tuple[str, Bar]]:
    if quality is None:
        return []
    values = (
        (_("Brightness"), quality.brightness),
        (_("Sharpness"), quality.sharpness),
        (_("Contrast"), quality.contrast),
    )
    return [(title, bar(value)) for title, value in values if value is not None]


def _status(analysis: Analysis, *, names_cause: bool) -> AnalysisStatus:
    """The status. Causes name buckets and keys, so they are for users who may edit."""
    has_failed = analysis.state == Analysis.State.FAILED
    will_retry = analysis.state == Analysis.State.QUEUED and analysis.error_message
    return AnalysisStatus(
        api=analysis.api,
        title=analysis.get_api_display(),
        state=analysis.state,
        state_name=_("Waiting to retry") if will_retry else analysis.get_state_display(),
        error=analysis.error_message if names_cause else "",
        advice=advice(analysis.error_code, is_permanent=analysis.is_permanent) if has_failed else "",
    )


def _source(analysis: Analysis, *, now: datetime) -> Source:
    assert analysis.finished_at, "current implies done, and done has a time: database constraints"  # noqa: S101
    latency = analysis.latency_ms
    return Source(
        title=analysis.get_api_display(),
        recognizer=analysis.recognizer,
        model_version=analysis.model_version,
        ago=formatting.ago(analysis.finished_at, now=now),
        exact=formatting.exact(analysis.finished_at),
        duration="" if latency is None else _("%(number)s ms") % {"number": formatting.count(latency)},
    )


def _api_order(analysis: Analysis) -> int:
    return Analysis.Api.values.index(analysis.api)
