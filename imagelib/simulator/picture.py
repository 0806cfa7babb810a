"""Pictures in the simulator: a digest, and the size from the header."""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass

from imagelib.simulator.errors import RequestRefused

MAX_BYTES = 5 * 1024 * 1024  # for bytes in the request; ImageBlob in the service model
MAX_BYTES_IN_S3 = 15 * 1024 * 1024
MIN_SIDE, MAX_SIDE = 80, 10_000
# The only operations with a longest side in AWS's guidelines.
SIZE_LIMITED = ("DetectLabels", "DetectModerationLabels")

PNG = b"\x89PNG\r\n\x1a\n"
CACHE_SIZE = 8192  # pictures
HEADER_CHARS = 64 * 1024  # characters of base64, a multiple of 4

_cache: dict[int, Picture] = {}


@dataclass(frozen=True)
class Picture:
    """A picture; width and height are 0 for a reference that was not fetched."""

    digest: bytes
    width: int = 0
    height: int = 0


def from_base64(text: bytes, *, operation: str, decode: bool) -> Picture:
    """Picture of a base64 text. Raises RequestRefused.

    Without `decode` the digest is that of the text, and only the header is decoded: half the work for 500 kB.
    """
    if len(text) // 4 * 3 - text[-2:].count(b"=") > MAX_BYTES:
        raise RequestRefused("ImageTooLargeException")
    return check_size(_decode_cached(text) if decode else _from_header(text), operation=operation)


def _decode_cached(text: bytes) -> Picture:
    """Decode a picture once, since several operations get the same one."""
    key = hash(text)
    if (picture := _cache.get(key)) is None:
        picture = from_bytes(_decode(text))
        if len(_cache) >= CACHE_SIZE:
            _cache.clear()
        _cache[key] = picture
    return picture


def _from_header(text: bytes) -> Picture:
    width, height = _size(_decode(text[:HEADER_CHARS]))
    if not width:  # the frame header may follow long metadata
        width, height = _size(_decode(text))
    if not width:
        raise RequestRefused("InvalidImageFormatException")
    return Picture(hashlib.sha256(text).digest(), width, height)


def _decode(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise RequestRefused("SerializationException", "The image's bytes are not base64.") from error


def from_reference(bucket: str, key: str, version: str) -> Picture:
    """Picture of an S3 reference, without checking that it exists."""
    return Picture(hashlib.sha256(f"s3://{bucket}/{key}?{version}".encode()).digest())


def from_bytes(content: bytes) -> Picture:
    """Picture of a JPEG or PNG file. Raises RequestRefused for other content."""
    width, height = _size(content)
    if not width:
        raise RequestRefused("InvalidImageFormatException")
    return Picture(hashlib.sha256(content).digest(), width, height)


def check_size(picture: Picture, *, operation: str) -> Picture:
    """Return the picture if its size is accepted. Raises RequestRefused."""
    if not picture.width:
        return picture
    if min(picture.width, picture.height) < MIN_SIDE:
        raise RequestRefused("InvalidParameterException")
    if max(picture.width, picture.height) > MAX_SIDE and operation in SIZE_LIMITED:
        message = f"Input image dimensions {picture.width} x {picture.height} exceed maximum dimension size"
        raise RequestRefused("ImageTooLargeException", f"{message} of {MAX_SIDE} pixels")
    return picture


def _size(content: bytes) -> tuple[int, int]:
    """Width and height from the header; (0, 0) without a complete JPEG or PNG header."""
    try:
        if content.startswith(PNG) and content[12:16] == b"IHDR":
            size = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
        else:
            size = _jpeg_size(content)
    except IndexError:
        return 0, 0
    return (0, 0) if 0 in size else size


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height in the frame header (SOF), or (0, 0). Raises IndexError."""
    position = 2
    if not content.startswith(b"\xff\xd8\xff"):
        return 0, 0
    while content[position] == 0xFF:
        while content[position + 1] == 0xFF:  # fill bytes
            position += 1
        marker = content[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = content[position + 5 : position + 7], content[position + 7 : position + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        if marker in {0xD9, 0xDA}:
            break
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return 0, 0
