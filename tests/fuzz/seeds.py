"""Inputs to start from: valid ones of our generators, and the kept corpus."""

from __future__ import annotations

import json
from pathlib import Path

from tests import pictures, raw_bytes
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
INDEX = CORPUS / "outcomes.json"

OBJECT = {"key": "a%20b.jpg", "size": 3, "eTag": "e", "sequencer": "0A"}
RECORD = {"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": OBJECT}}
DETAIL = {"bucket": {"name": "b"}, "object": {"key": "k"}}
EVENTS = (
    {"Records": [RECORD]},
    {"source": "aws.s3", "detail-type": "Object Deleted", "detail": DETAIL},
    {"Type": "Notification", "TopicArn": "arn", "Message": '{"Event": "s3:TestEvent"}'},
)
QUERIES = (
    'dog OR (cat -"black and white"*>=90) sort:size',
    "taken:2024-02 camera:nikon iso>=400 near:47.5,8.5 orientation:landscape",
    "face(smile age:20..30) dog>=2 text:\"a 'b'\" added:last-7-days",
    'folder:"a/b" name:"*.jpg" is:trashed has:faces collection:"Summer" similar:12',
)


def seeds(target: str) -> list[bytes]:
    return [*_made(target), *(content for name, content, _ in corpus() if name.startswith(f"{target}/"))]


def corpus() -> list[tuple[str, bytes, str]]:
    """Name (its folder is the target), content and expected outcome of each kept file."""
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    return [(name, (CORPUS / name).read_bytes(), outcome) for name, outcome in sorted(index.items())]


def keep(target: str, name: str, content: bytes) -> None:
    """Add a file to the corpus with the outcome it has now."""
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    index = {name: outcome for name, _, outcome in corpus()} | {f"{target}/{name}": TARGETS[target](content)}
    INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=1) + "\n")


def _made(target: str) -> list[bytes]:
    return {
        "picture": _pictures,
        "exif": lambda: [pictures.full_exif(), pictures.exif_of({0x010F: "Make"})],
        "xmp": lambda: [pictures.full_xmp(), pictures.xmp_of("<dc:title>a</dc:title>")],
        "iptc": lambda: [b"".join(b"\x1c\x02" + bytes([n, 0, 2]) + b"ab" for n in (5, 25, 80, 90, 101, 116, 120))],
        "event": lambda: [json.dumps(event).encode() for event in EVENTS],
        "query": lambda: [text.encode() for text in QUERIES],
    }[target]()


def _pictures() -> list[bytes]:
    small = [pictures.encoded(pictures.quadrants(24, 16), form) for form in pictures.FORMATS]
    with_exif = [pictures.with_exif(form) for form in ("jpeg", "png", "webp", "tiff", "heic", "avif")]
    return [
        *small,
        *with_exif,
        pictures.mpo(),
        raw_bytes.bomb_gif(),
        raw_bytes.big_tiff(3),
        *pictures.animated().values(),
    ]
