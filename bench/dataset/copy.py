"""Rows of a generated library in the binary and text formats of COPY."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator

import numpy as np

from bench.dataset import words as dataset_words
from bench.dataset.spec import LABELS, RARE, Chunk, DatasetSpec, Numbers
from bench.dataset.thumbnails import thumbnails

SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
# No flags, no extension; then -1 as the number of fields (PostgreSQL, "COPY", file formats).
HEADER, TRAILER = SIGNATURE + bytes(8), b"\xff\xff"
SINCE_2000 = 946_684_800  # seconds from 1970; PostgreSQL's binary timestamps count from 2000
YEAR_1 = -62_135_596_800  # the sort key of pictures without a date, in seconds from 1970
NULL = "\\N"

CAMERAS = (
    *(("", "", ""), ("", "", ""), ("Apple", "iPhone 13", "iPhone 13 back camera 5.1mm f/1.6")),
    *(("Apple", "iPhone SE", ""), ("Apple", "iPhone 15 Pro", "iPhone 15 Pro back camera 6.86mm f/1.78")),
    *(("Canon", "Canon EOS 5D Mark III", "EF24-105mm f/4L IS USM"), ("Canon", "Canon EOS R6", "RF50mm F1.8 STM")),
    *(("NIKON CORPORATION", "NIKON D750", "24.0-70.0 mm f/2.8"), ("SONY", "ILCE-7M3", "FE 35mm F1.8")),
    *(("FUJIFILM", "X-T4", "XF23mmF2 R WR"), ("samsung", "SM-G991B", ""), ("Google", "Pixel 7", "")),
)
EMOTIONS = ("Happy", "Calm", "Surprised", "Sad", "Angry")

IMAGE = (
    "id, owner_id, visibility, filename, title, key, renditions_id, sha256, size, width, height, format, orientation, "
    "phash, placeholder, taken_at, camera_make, camera_model, lens, added_at"
)
IMAGE_LABEL = "sort_time, confidence, instance_count, visibility, analysis_id, image_id, owner_id, label_id"
FACE = 'image_id, "left", top, width, height, confidence, age_low, age_high, gender, attributes, emotions'
ANALYSIS = (
    "id, image_id, api, recognizer, model_version, parameters, state, attempts, error_code, error_message, "
    "is_permanent, finished_at, requested_at, request_id, answer, is_current, is_pinned, is_sample, is_bulk, "
    "is_forced, is_reused"
)

TableRows = tuple[str, str, bytes]  # name, columns, rows in a format of COPY


def chunk_tables(chunk: Chunk) -> Iterator[TableRows]:
    added = _moments(chunk.added)
    yield "image", IMAGE, _lines(_images(chunk, added))
    yield "imagelabel", IMAGE_LABEL, _image_labels(chunk)
    yield "imagetext", "image_id, content", _lines(_texts(chunk))
    yield "face", FACE, _lines(_faces(chunk))
    yield "analysis", ANALYSIS, _lines(_analyses(chunk, added))


def label_tables(dataset: DatasetSpec, counts: Numbers) -> Iterator[TableRows]:
    """Label tables; `counts` holds the number of pictures by label id."""
    label_ids = range(1, LABELS + RARE + 1)
    names = [(label_id, dataset_words.name_of(label_id)) for label_id in label_ids]
    yield (
        "label",
        "id, kind, name, category, is_hidden, image_count",
        _lines((i, dataset_words.kind_of(i), name, _category(dataset, i), "f", counts[i]) for i, name in names),
    )
    aliases = ((dataset_words.alias_of(label_id), label_id) for label_id in label_ids)
    yield "labelalias", "name, label_id", _lines(pair for pair in aliases if pair[0])
    yield "label_parents", "from_label_id, to_label_id", _lines(dataset.label_parents)
    yield "labelancestor", "label_id, ancestor_id", _lines(dataset.label_ancestors)


def _category(dataset: DatasetSpec, label_id: int) -> str:
    return dataset_words.category_of(dataset.root_of[label_id]) if label_id <= LABELS else ""


def _images(chunk: Chunk, added: list[str]) -> Iterator[tuple[object, ...]]:
    taken = _moments(chunk.taken)
    columns = zip(
        *(chunk.id.tolist(), chunk.owner.tolist(), chunk.visibility.tolist(), chunk.thumbnail.tolist()),
        *(chunk.scale.tolist(), chunk.camera.tolist(), chunk.phash.tolist(), chunk.taken.tolist()),
        strict=True,
    )
    for row, (number, owner, visibility, thumbnail_number, scale, camera, phash, is_taken) in enumerate(columns):
        thumbnail = thumbnails()[thumbnail_number]
        width, height = int(thumbnail.width * scale), int(thumbnail.height * scale)
        sha256 = hashlib.sha256(struct.pack("q", number)).hexdigest()
        yield (
            *(number, owner, visibility, f"IMG_{number % 9_973:04}-{number}.jpg", ""),
            *(f"originals/{sha256[:2]}/{sha256[:32]}.jpg", thumbnail.renditions_id.hex, sha256),
            *(
                width * height // 4 + number % 65_536,
                width,
                height,
                "jpeg",
                1,
                phash,
                f"\\\\x{thumbnail.placeholder.hex()}",
            ),
            *(taken[row] if is_taken else NULL, *CAMERAS[camera], added[row]),
        )


def _image_labels(chunk: Chunk) -> bytes:
    """Rows of a fixed size: length and value of each field, in network byte order."""
    # Binary: of a million pictures there are thirteen million rows, whose numbers need not become text and numbers
    # again.
    labels = chunk.labels
    position = labels.image - chunk.id[0]
    sort_time = np.where(chunk.taken, chunk.taken, YEAR_1)[position]
    sort_time = (sort_time - SINCE_2000) * 1_000_000
    fields = (
        *(("i8", sort_time), ("i2", labels.confidence), ("i2", labels.instances), ("i2", chunk.visibility[position])),
        *(("i8", labels.image), ("i8", labels.image), ("i4", chunk.owner[position]), ("i4", labels.label)),
    )
    names = [(f"{part}{number}", f">{'i4' if part == 'length' else kind}") for number, (kind, _) in enumerate(fields)
             for part in ("length", "value")]  # fmt: skip
    rows = np.empty(len(sort_time), np.dtype([("fields", ">i2"), *names]))
    rows["fields"] = len(fields)
    for number, (kind, values) in enumerate(fields):
        rows[f"length{number}"] = int(kind[1])
        rows[f"value{number}"] = values
    return HEADER + rows.tobytes() + TRAILER


def _texts(chunk: Chunk) -> Iterator[tuple[object, ...]]:
    """Words by Zipf's law: ranks 10–100 are as frequent as ranks 100–1,000."""
    words = dataset_words.words()
    generator = np.random.default_rng([int(chunk.id[0]), 1])
    drawn = (len(words) ** generator.random(int(chunk.text_words.sum()))).astype(np.int64) - 1
    start = 0
    for number, length in zip(chunk.id.tolist(), chunk.text_words.tolist(), strict=True):
        if length:
            yield number, " ".join(words[rank] for rank in drawn[start : start + length])
            start += length


def _faces(chunk: Chunk) -> Iterator[tuple[object, ...]]:
    faces = chunk.faces
    columns = zip(
        *(faces.image.tolist(), faces.left.tolist(), faces.top.tolist(), faces.age.tolist()),
        *(faces.is_female.tolist(), faces.smiles.tolist(), faces.has_eyeglasses.tolist(), faces.emotion.tolist()),
        strict=True,
    )
    for image, left, top, age, is_female, smiles, has_glasses, emotion in columns:
        gender = "Female" if is_female else "Male"
        traits = ["Eyes Open", gender, *(["Smile"] if smiles else []), *(["Eyeglasses"] if has_glasses else [])]
        yield (
            *(image, left, top, 0.15, 0.2, 99.5, max(age - 4, 0), age + 4, gender),
            *("{" + ",".join(f'"{trait}"' for trait in traits) + "}", "{" + EMOTIONS[emotion] + "}"),
        )


def _analyses(chunk: Chunk, added: list[str]) -> Iterator[tuple[object, ...]]:
    """One finished analysis for each picture; search does not read its response."""
    for number, moment in zip(chunk.id.tolist(), added, strict=True):
        yield (
            *(number, number, "labels", "rekognition", "3.0", "{}", "done", 1, "", "", "f", moment, moment, ""),
            *("{}", "t", "f", "f", "t", "f", "f"),
        )


def _moments(seconds: Numbers) -> list[str]:
    return [f"{text}+00" for text in np.datetime_as_string(seconds.astype("datetime64[s]")).tolist()]


def _lines(rows: Iterable[tuple[object, ...]]) -> bytes:
    """Text format of COPY; generated values need no escapes."""
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()
