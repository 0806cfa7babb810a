"""A search in plain Python over analyses, verdicts and ratings, for comparison."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from analysis.models import (
    Analysis,
    Collection,
    CollectionImage,
    Image,
    ImageEmbedding,
    Label,
    LabelAlias,
    Rating,
    Verdict,
    Viewer,
)
from analysis.recognition import responses
from analysis.recognition.detected_labels import detected_labels, lines_in
from analysis.search import terms
from analysis.search.query import Query
from tests.search import reference_words

FULL = 100.0


@dataclass
class ReferenceLabel:
    confidence: float
    count: int


@dataclass
class Picture:
    row: Image
    labels: dict[tuple[str, str], ReferenceLabel] = field(default_factory=dict)
    faces: list[responses.DetectedFace] = field(default_factory=list)
    text: str = ""
    quality: responses.Quality | None = None
    analyses: list[Analysis] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    mark: Rating | None = None
    entries: list[CollectionImage] = field(default_factory=list)
    """In collections that the viewer can open."""
    vector: tuple[float, ...] = field(default=(), repr=False)


@dataclass
class Library:
    """All images and labels, and the viewer and moment of the search."""

    pictures: list[Picture]
    labels: dict[tuple[str, str], Label]
    aliases: dict[str, set[tuple[str, str]]]
    viewer: Viewer
    moment: datetime


def library(viewer: Viewer, moment: datetime) -> Library:
    labels = {(label.kind, label.name.lower()): label for label in Label.objects.select_related("merged_into")}
    aliases: dict[str, set[tuple[str, str]]] = {}
    for alias in LabelAlias.objects.select_related("label"):
        aliases.setdefault(alias.name.lower(), set()).add((alias.label.kind, alias.label.name.lower()))
    standing = {
        (label.kind, label.name.lower()): label.merged_into or label
        for label in Label.objects.select_related("merged_into")
    }
    ancestors = _ancestors(standing)
    return Library(
        [
            _picture(row, viewer, standing, ancestors)
            for row in Image.objects.select_related("owner", "bucket", "folder")
        ],
        labels,
        aliases,
        viewer,
        moment,
    )


def _ancestors(standing: dict[tuple[str, str], Label]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The keys of all labels above each label, without itself."""
    parents: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for label in Label.objects.prefetch_related("parents"):
        above = {_key(standing[_key(parent)]) for parent in label.parents.all()}
        parents.setdefault(_key(standing[_key(label)]), set()).update(above)
    ancestors = {}
    for key, above in parents.items():
        pending, seen = list(above), set[tuple[str, str]]()
        while pending:
            if (other := pending.pop()) not in seen:
                seen.add(other)
                pending += parents.get(other, ())
        ancestors[key] = seen - {key}
    return ancestors


def _add_ancestors(
    picture: Picture,
    ancestors: dict[tuple[str, str], set[tuple[str, str]]],
    standing: dict[tuple[str, str], Label],
    rejected: set[tuple[str, str]],
) -> None:
    """A label stands for the labels below it, and a tag for the label of its name."""
    for (kind, name), label in list(picture.labels.items()):
        above = ancestors.get((kind, name), set())
        if kind == "tag" and ("label", name) in standing:
            above = ancestors.get(_key(standing["label", name]), set())
        for key in above - rejected:
            if label.confidence >= (standing[key].threshold or 0):
                previous = picture.labels.get(key, ReferenceLabel(0.0, 0))
                confidence = max(previous.confidence, label.confidence)
                picture.labels[key] = ReferenceLabel(confidence, previous.count)


def _key(label: Label) -> tuple[str, str]:
    return label.kind, label.name.lower()


def _picture(row: Image, viewer: Viewer, standing: dict[tuple[str, str], Label], ancestors) -> Picture:
    picture = Picture(row)
    picture.analyses = list(row.analyses.order_by("pk"))
    picture.verdicts = list(row.verdicts.select_related("label").order_by("decided_at", "pk"))
    picture.vector = _vector(ImageEmbedding.objects.filter(image=row).first())
    picture.mark = Rating.objects.filter(image=row, person_id=viewer.user_id).first()
    entries = CollectionImage.objects.filter(image=row).select_related("collection")
    picture.entries = [entry for entry in entries if _can_open(entry.collection, viewer)]
    if row.trashed_at is not None:
        return picture
    for analysis in picture.analyses:
        if not analysis.is_current:
            continue
        for word in detected_labels(analysis.api, analysis.answer, threshold=75):
            label, confidence = standing[word.kind, word.name.lower()], round(word.confidence, 2)
            previous = picture.labels.get(_key(label))
            if confidence >= (label.threshold or 0) and (previous is None or previous.confidence < confidence):
                picture.labels[_key(label)] = ReferenceLabel(confidence, word.instance_count)
        if analysis.api == "faces":
            picture.faces = list(responses.faces_in(analysis.answer))
        if analysis.api == "text":
            picture.text = lines_in(analysis.answer)
        if analysis.api == "labels":
            picture.quality = responses.quality_in(analysis.answer)
    decisive = {_key(standing[_key(verdict.label)]): verdict for verdict in picture.verdicts}
    for key, verdict in decisive.items():
        if verdict.decision == "rejected":
            picture.labels.pop(key, None)
        else:
            previous = picture.labels.get(key)
            picture.labels[key] = ReferenceLabel(FULL, previous.count if previous else 0)
    rejected = {key for key, verdict in decisive.items() if verdict.decision == "rejected"}
    _add_ancestors(picture, ancestors, standing, rejected)
    return picture


def _can_open(collection: Collection, viewer: Viewer) -> bool:
    if collection.deleted_at is not None:
        return False
    is_theirs = viewer.user_id is not None and (
        collection.owner_id == viewer.user_id
        or collection.is_shared
        or viewer.user_id in collection.members.values_list("user_id", flat=True)
    )
    return viewer.sees_all or is_theirs


def _vector(embedding: ImageEmbedding | None) -> tuple[float, ...]:
    if embedding is None or embedding.vector is None:
        return ()
    length = math.hypot(*embedding.vector)
    return tuple(value / length for value in embedding.vector)


def _cosine(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def reference_results(query: Query, library: Library) -> list[int]:
    """The ids of all hits, in the query's order."""
    query = reference_words.read(query, library)
    hits = [
        picture
        for picture in library.pictures
        if _is_visible(picture.row, query, library)
        and all(_matches_node(part, picture, library) for part in query.parts)
    ]
    ranked = next((part for part in query.parts if isinstance(part, terms.LabelTerm)), None)
    similar = next((_similar_ids(part, library) for part in query.parts if isinstance(part, terms.SimilarTerm)), None)
    is_sortable = {"confidence": ranked is not None, "similarity": similar is not None}.get(query.sort, True)
    sort = query.sort if is_sortable else "taken"
    keys = {
        "newest": lambda p: p.row.added_at,
        "oldest": lambda p: p.row.added_at,
        "taken-oldest": lambda p: p.row.taken_at or datetime(1, 1, 1, tzinfo=UTC),
        "taken": lambda p: p.row.taken_at or datetime(1, 1, 1, tzinfo=UTC),
        "confidence": lambda p: max((label.confidence for label in _labels_of(ranked, p, library)), default=0),
        "name": lambda p: p.row.filename.lower(),
        "size": lambda p: p.row.size,
        "similarity": lambda p: -similar.index(p.row.pk),
    }
    is_ascending = sort in {"taken-oldest", "oldest", "name"}
    hits.sort(key=lambda picture: (keys[sort](picture), picture.row.pk), reverse=not is_ascending)
    if sort == "taken-oldest":
        hits.sort(key=lambda picture: picture.row.taken_at is None)
    return [picture.row.pk for picture in hits]


def _is_visible(row: Image, query: Query, library: Library) -> bool:
    person = library.viewer.user_id
    if row.trashed_at is not None and library.viewer.sees_all:
        return query.includes_trash
    if row.trashed_at is not None:
        return query.includes_trash and person is not None and row.owner_id == person
    return row.owner_id == person or row.visibility >= library.viewer.min_visibility


def _matching_keys(node, library: Library) -> set[tuple[str, str]]:
    if isinstance(node, terms.CategoryTerm):
        categories = {
            key: label.category
            for key, label in library.labels.items()
            if not label.is_hidden and not label.merged_into
        }
        return {key for key, category in categories.items() if category.lower() == node.name.lower()}
    name = node.name.lower()
    kind = "label" if isinstance(node, terms.CountTerm) else node.kind
    if isinstance(node, terms.LabelTerm) and node.is_prefix:
        keys = {key for key in library.labels if key[1].startswith(name)}
        keys |= {key for alias, targets in library.aliases.items() if alias.startswith(name) for key in targets}
    else:
        keys = {key for key in library.labels if key[1] == name} | library.aliases.get(name, set())
    keys = {_key(library.labels[key].merged_into or library.labels[key]) for key in keys}
    if kind:
        return {key for key in keys if key[0] == kind}
    return {key for key in keys if not library.labels[key].is_hidden}


def _labels_of(node, picture: Picture, library: Library) -> list[ReferenceLabel]:
    return [label for key in _matching_keys(node, library) if (label := picture.labels.get(key))]


def _matches_node(node, picture: Picture, library: Library) -> bool:
    return EVALUATORS[type(node)](node, picture, library)


def _within(value, low, high) -> bool:
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _not(node, picture, library):
    return not _matches_node(node.part, picture, library)


def _and(node, picture, library):
    return all(_matches_node(part, picture, library) for part in node.parts)


def _or(node, picture, library):
    return any(_matches_node(part, picture, library) for part in node.parts)


def _has_label(node, picture, library):
    return any(label.confidence >= node.minimum for label in _labels_of(node, picture, library))


def _has_category(node, picture, library):
    return bool(_labels_of(node, picture, library))


def _has_count(node, picture, library):
    maximum = max((label.count for label in _labels_of(node, picture, library)), default=0)
    return _within(maximum, node.minimum, node.maximum)


def _has_face(node, picture, library):
    image_traits = {name for kind, name in picture.labels if kind in {"face", "emotion"}}
    required = {trait.lower() for trait in node.traits}
    return required <= image_traits and any(_fits(node, required, face) for face in picture.faces)


def _has_text(node, picture, library):
    words, phrase = _words(picture.text), _words(node.text)
    is_phrase = bool(phrase) and any(words[at : at + len(phrase)] == phrase for at in range(len(words)))
    plates = {joined for line in picture.text.split("\n") if (joined := _joined_plate(line))}
    return is_phrase or (len(phrase) == 1 and phrase[0] in plates) or _joined_plate(node.text) in {*plates, *words}


def _words(text: str) -> list[str]:
    """Runs of letters and digits, and single Chinese, Japanese and Korean characters."""
    return re.findall("[\u3040-\u30ff\u4e00-\u9fff]|[^\\W_\u3040-\u30ff\u4e00-\u9fff]+", _plain(text))


def _plain(text: str) -> str:
    """A text in lower case, without accents."""
    # ø, æ and the like are letters of their own in Unicode.
    letters = [letter for letter in unicodedata.normalize("NFD", text) if not "\u0300" <= letter <= "\u036f"]
    plain = unicodedata.normalize("NFC", "".join(letters)).lower()
    for letter, other in zip(
        "øłđðıςþæœß‘’–—", ("o", "l", "d", "d", "i", "σ", "th", "ae", "oe", "ss", *"''--"), strict=True
    ):
        plain = plain.replace(letter, other)
    return plain


def _joined_plate(line: str) -> str | None:
    groups = re.split("[ .-]+", _plain(line))
    is_plate = 2 <= len(groups) <= 4 and all(re.fullmatch("[a-z0-9]{1,7}", group) for group in groups)
    return "".join(groups) if is_plate else None


def _has_name(node, picture, library):
    text = _plain(node.text)
    return text in _plain(picture.row.filename) or text in _plain(picture.row.title)


def _has_folder(node, picture, library):
    return picture.row.folder is not None and _is_in_path(node, f"{picture.row.folder.path}/")


def _has_key(node, picture, library):
    row = picture.row
    return _is_in_path(node, f"{row.folder.path}/{row.filename}" if row.folder else row.filename)


def _in_collection(node, picture, library):
    """By whole levels of a name: `b` is in `A/B/C`, and not in `A/Bc`."""
    levels = [" ".join(_plain(level).split()) for level in node.name.split("/")]
    searched = [level for level in levels if level]
    width = len(searched)
    return bool(searched) and any(
        searched in [names[start : start + width] for start in range(len(names) - width + 1)]
        for names in (_plain(entry.collection.name).split("/") for entry in picture.entries)
        if names
    )


def _is_in_path(node, path: str) -> bool:
    text = re.sub("/+", "/", _plain(node.text))
    if node.is_prefix:
        return _plain(path).startswith(text.removeprefix("/"))
    return text in _plain(f"/{path}")


def _is_anniversary(node, picture, library):
    day = (node.month, node.day) if node.month else (library.moment.month, library.moment.day)
    taken = picture.row.taken_at
    return taken is not None and (taken.month, taken.day) == day


def _is_near(node, picture, library):
    row = picture.row
    if row.latitude is None or row.longitude is None:
        return False
    here, there = ((math.radians(point.latitude), math.radians(point.longitude)) for point in (node, row))
    cosine = math.sin(here[0]) * math.sin(there[0]) + math.cos(here[0]) * math.cos(there[0]) * math.cos(
        here[1] - there[1]
    )
    return 6371.0088 * math.acos(max(-1.0, min(1.0, cosine))) <= node.kilometers


def _is_in_box(node, picture, library):
    row = picture.row
    if row.latitude is None or row.longitude is None or not node.south <= row.latitude <= node.north:
        return False
    if node.west <= node.east:
        return node.west <= row.longitude <= node.east
    return row.longitude >= node.west or row.longitude <= node.east


def _has_camera(node, picture, library):
    row = picture.row
    return _plain(node.text) in _plain(f"{row.camera_make} {row.camera_model} {row.lens}")


def _has_format(node, picture, library):
    text = node.text.lower()
    return picture.row.format == {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}.get(text, text)


def _has_owner(node, picture, library):
    row, name = picture.row, node.name.lower()
    return row.owner_id == library.viewer.user_id if name == "me" else row.owner.username.lower() == name


def _has_bucket(node, picture, library):
    viewer, bucket = library.viewer, picture.row.bucket
    # Names of other people's buckets are private.
    is_readable = bucket is not None and (viewer.sees_all or bucket.owner_id == viewer.user_id)
    return is_readable and node.text.lower() in bucket.name.lower()


def _in_range(node, picture, library):
    if node.field == "rating":
        return picture.mark is not None and _within(picture.mark.rating, node.low, node.high)
    columns = {"aperture": "f_number", "exposure": "exposure_seconds", "focal": "focal_millimeters"}
    if node.field in {"size", "width", "height", "iso", *columns}:
        return _within(getattr(picture.row, columns.get(node.field, node.field)), node.low, node.high)
    name = "sharpness" if node.field == "quality" else node.field
    return picture.quality is not None and _within(getattr(picture.quality, name), node.low, node.high)


def _in_dates(node, picture, library):
    moment = _moment(node, picture)
    return moment is not None and _within(moment.astimezone(UTC).date(), node.first, node.last)


def _in_period(node, picture, library):
    moment = _moment(node, picture)
    if moment is None:
        return False
    if node.unit in {"today", "yesterday"}:
        day = library.moment.date() - timedelta(days=node.unit == "yesterday")
        return moment.date() == day
    length = timedelta(days=node.number * {"day": 1, "week": 7, "month": 30, "year": 365}[node.unit])
    return moment >= library.moment - length


def _has_shape(node, picture, library):
    row = picture.row
    shape = "square" if row.width == row.height else "landscape" if row.width > row.height else "portrait"
    return node.shape == shape


def _has_state(node, picture, library):  # noqa: PLR0911
    row = picture.row
    last = {analysis.api: analysis.state for analysis in picture.analyses}
    match node.state:
        case "favorite":
            return picture.mark is not None and picture.mark.is_favorite
        case "untagged":
            return not any(kind == "tag" for kind, _ in picture.labels)
        case "failed":
            return "failed" in last.values()
        case "pending":
            return any(analysis.state in {"queued", "running"} for analysis in picture.analyses)
        case "reviewed":
            return bool(picture.verdicts)
        case "trashed":
            return row.trashed_at is not None
        case "duplicate":
            return any(_is_twin(picture, other, library) for other in library.pictures)
    return row.visibility == Image.Visibility[node.state.upper()]


def _has_feature(node, picture, library):
    match node.feature:
        case "faces":
            return bool(picture.faces)
        case "text":
            return bool(picture.text)
        case "labels":
            return bool(picture.labels)
    return picture.row.latitude is not None and picture.row.longitude is not None


def _has_source(node, picture, library):
    if node.source == "person":
        return any(verdict.decision != "rejected" for verdict in picture.verdicts)
    if node.source == "file":
        return picture.row.file_keywords.exists()
    return any(analysis.is_current and analysis.recognizer == node.source for analysis in picture.analyses)


def _has_model(node, picture, library):
    return any(analysis.is_current and analysis.model_version == node.version for analysis in picture.analyses)


def _is_near_duplicate(node, picture, library):
    other = next((other.row for other in library.pictures if other.row.pk == node.image_id), None)
    if other is None or not _is_visible(other, Query(), library):
        return False
    if other.pk == picture.row.pk:
        return True
    if other.phash is None or picture.row.phash is None:
        return False
    return ((other.phash ^ picture.row.phash) & (2**64 - 1)).bit_count() <= 7


def _similar_ids(node, library: Library) -> list[int]:
    """The similar pictures that the viewer may see, the nearest first."""
    visible = [picture for picture in library.pictures if _is_visible(picture.row, Query(), library)]
    names = {
        **{str(picture.row.pk): picture for picture in visible},
        **{str(picture.row.public_id): picture for picture in visible if picture.row.visibility == 2},
    }
    reference = names.get(node.picture)
    if reference is None or not reference.vector:
        return []
    others = [picture for picture in visible if picture.vector and picture.row.pk != reference.row.pk]
    cosines = {picture.row.pk: _cosine(picture.vector, reference.vector) for picture in others}
    return sorted((pk for pk, cosine in cosines.items() if cosine >= 0.5), key=lambda pk: -cosines[pk])


def _moment(node, picture: Picture) -> datetime | None:
    row = picture.row
    return row.added_at if node.field == "added" else row.taken_at


def _fits(node, required: set[str], face: responses.DetectedFace) -> bool:
    face_traits = {
        (
            value
            if isinstance(value, str)
            else "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(name))
        ).lower()
        for name, (value, sure) in face.attributes.items()
        if value and sure >= 75
    }
    face_traits |= {emotion.type.lower() for emotion in face.emotions if emotion.confidence >= 75}
    is_young_enough = node.age_high is None or (face.age_low is not None and face.age_low <= node.age_high)
    is_old_enough = node.age_low is None or (face.age_high is not None and face.age_high >= node.age_low)
    return required <= face_traits and is_young_enough and is_old_enough


def _is_twin(picture: Picture, twin: Picture, library: Library) -> bool:
    row, other = picture.row, twin.row
    looks_different = picture.vector and twin.vector and _cosine(picture.vector, twin.vector) < 0.7
    is_same = row.sha256 == other.sha256 or (row.phash is not None and row.phash == other.phash and not looks_different)
    return row.pk != other.pk and is_same and other.trashed_at is None and _is_visible(other, Query(), library)


EVALUATORS = {
    terms.Not: _not,
    terms.And: _and,
    terms.Or: _or,
    terms.LabelTerm: _has_label,
    terms.CategoryTerm: _has_category,
    terms.CountTerm: _has_count,
    terms.FaceTerm: _has_face,
    terms.TextTerm: _has_text,
    terms.NameTerm: _has_name,
    terms.OwnerTerm: _has_owner,
    terms.BucketTerm: _has_bucket,
    terms.FormatTerm: _has_format,
    terms.CameraTerm: _has_camera,
    terms.LensTerm: lambda node, picture, library: _plain(node.text) in _plain(picture.row.lens),
    terms.CollectionTerm: _in_collection,
    terms.FolderTerm: _has_folder,
    terms.PlaceTerm: lambda node, picture, library: (
        _plain(node.text) in _plain(picture.row.place) or _plain(node.text) in _plain(picture.row.city)
    ),
    terms.NearTerm: _is_near,
    terms.DayTerm: _is_anniversary,
    terms.BoxTerm: _is_in_box,
    terms.KeyTerm: _has_key,
    terms.RangeTerm: _in_range,
    terms.DateTerm: _in_dates,
    terms.RelativeDateTerm: _in_period,
    terms.OrientationTerm: _has_shape,
    terms.StateTerm: _has_state,
    terms.HasTerm: _has_feature,
    terms.SourceTerm: _has_source,
    terms.ModelTerm: _has_model,
    terms.IdTerm: lambda node, picture, library: any(low <= picture.row.pk <= high for low, high in node.ranges),
    terms.NearDuplicateTerm: _is_near_duplicate,
    terms.SimilarTerm: lambda node, picture, library: picture.row.pk in _similar_ids(node, library),
}
