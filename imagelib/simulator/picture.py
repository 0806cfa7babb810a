"""A picture as far as the simulator looks at it: its digest and the size its header claims."""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass

from imagelib.simulator.errors import RequestRefused

MOST_BYTES = 5 * 1024 * 1024  # sent along; ImageBlob in the service model
MOST_BYTES_IN_S3 = 15 * 1024 * 1024
LEAST_SIDE, MOST_SIDE = 80, 10_000
LIMITED = ("DetectLabels", "DetectModerationLabels")
"""The guidelines name the longest side for these operations only."""

PNG = b"\x89PNG\r\n\x1a\n"
REMEMBERED = 8192  # pictures
GLANCE = 64 * 1024  # characters of base64, a multiple of 4

_known: dict[int, Picture] = {}


@dataclass(frozen=True)
class Picture:
    """Sides are 0 where only a reference is known."""

    digest: bytes
    width: int = 0
    height: int = 0


def sent(text: bytes, *, operation: str, decode: bool) -> Picture:
    """From base64. Raises Refused.

    Without `decode` the digest is the text's own and only the header is decoded: half the work for 500 kB.
    """
    if len(text) // 4 * 3 - text[-2:].count(b"=") > MOST_BYTES:
        raise RequestRefused("ImageTooLargeException")
    return fitting(_decoded(text) if decode else _glanced_at(text), operation=operation)


def _decoded(text: bytes) -> Picture:
    """Those seen before, which other operations are asked about too, are not decoded again."""
    key = hash(text)
    if (picture := _known.get(key)) is None:
        picture = measured(_bytes(text))
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[key] = picture
    return picture


def _glanced_at(text: bytes) -> Picture:
    width, height = _sides(_bytes(text[:GLANCE]))
    if not width:  # behind long metadata, perhaps
        width, height = _sides(_bytes(text))
    if not width:
        raise RequestRefused("InvalidImageFormatException")
    return Picture(hashlib.sha256(text).digest(), width, height)


def _bytes(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise RequestRefused("SerializationException", "The bytes of the image are not base64.") from error


def referred(bucket: str, key: str, version: str) -> Picture:
    """Whatever is there, on trust."""
    return Picture(hashlib.sha256(f"s3://{bucket}/{key}?{version}".encode()).digest())


def measured(content: bytes) -> Picture:
    """Raises Refused for what is neither JPEG nor PNG."""
    width, height = _sides(content)
    if not width:
        raise RequestRefused("InvalidImageFormatException")
    return Picture(hashlib.sha256(content).digest(), width, height)


def fitting(picture: Picture, *, operation: str) -> Picture:
    """The same picture. Raises Refused if a side is too short or too long."""
    if not picture.width:
        return picture
    if min(picture.width, picture.height) < LEAST_SIDE:
        raise RequestRefused("InvalidParameterException")
    if max(picture.width, picture.height) > MOST_SIDE and operation in LIMITED:
        sides = f"Input image dimensions {picture.width} x {picture.height} exceed maximum dimension size"
        raise RequestRefused("ImageTooLargeException", f"{sides} of {MOST_SIDE} pixels")
    return picture


def _sides(content: bytes) -> tuple[int, int]:
    """Width and height; (0, 0) for what is neither JPEG nor PNG or ends before it says them."""
    try:
        if content.startswith(PNG) and content[12:16] == b"IHDR":
            sides = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
        else:
            sides = _sides_of_jpeg(content)
    except IndexError:
        return 0, 0
    return (0, 0) if 0 in sides else sides


def _sides_of_jpeg(content: bytes) -> tuple[int, int]:
    """From the frame header (SOF), past the segments before it; (0, 0) if there is none. Raises IndexError."""
    at = 2
    if not content.startswith(b"\xff\xd8\xff"):
        return 0, 0
    while content[at] == 0xFF:
        while content[at + 1] == 0xFF:  # filling
            at += 1
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        if marker in {0xD9, 0xDA}:
            break
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 0, 0
