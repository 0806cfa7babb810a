"""Changes to bytes: bits, pieces, lengths and a reader's words."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

MAX_BYTES = 200_000
EXTREMES = (
    b"\0",
    b"\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\1",
    b"\1\0\0\0",
)
WORDS: dict[str, tuple[bytes, ...]] = {
    "picture": (b"\xff\xd8", b"\xff\xda", b"\xff\xc2", b"IHDR", b"iTXt", b"zTXt", b"eXIf", b"acTL", b"VP8X",
                b"ftypheic"),
    "exif": (b"Exif\0\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"\x69\x87\4\0", b"\x25\x88\4\0",
             b"2024:02:30 25:61:61"),
    "xmp": (b"<!DOCTYPE", b"<!ENTITY a 'b'>", b"&a;", b"&#0;", b"&#xD800;", b"<rdf:li>", b"</rdf:li>", b"xml:lang='x'",
            b"<?xml version='1.0' encoding='utf-7'?>", b"<![CDATA[", b"\xff\xfe", b"90,0N", b"NaN", b"1e999",
            b"<a>" * 40),
    "iptc": (b"\x1c\x02\x05", b"\x1c\x02\x19", b"\x1c\x01\x5a\0\x03\x1b%G", b"\x80\4", b"\x7f\xff"),
    "event": (b"null", b"[]", b"{}", b'"Records"', b'"s3"', b"1e999", b"-1", b"%00", b"%ff", b"\\ud800", b"\\u0000",
              b"[" * 2_000, b'"Message"', b"9" * 400, b"true", b"NaN"),
    "query": (b'"', b"(", b")", b" OR ", b"NOT ", b"-", b">=", b"*", b":", b"face(", b"similar:", b"sort:", b"near:",
              b"taken:", b"added:last-", b"age<", b"9" * 30, b"\\", b"\0",
              "\u201c\u2212\u00d7\u0130".encode(), b"(" * 60),
}  # fmt: skip


def mutated(content: bytes, chance: random.Random, *, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One to eight changes, bounded in size."""
    changed = bytearray(content)
    if chance.random() < 0.02:
        _widen(changed, chance)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        chance.choice(CHANGES)(changed, chance, others, words)
    return bytes(changed[:MAX_BYTES])


def _overwrite(content: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    value = chance.choice((chance.randbytes(1), chance.randbytes(4), *EXTREMES))
    at = _position(content, chance)
    content[at : at + len(value)] = value


def _flip(content: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    if content:
        content[_position(content, chance) % len(content)] ^= 1 << chance.randrange(8)


def _cut(content: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    at = _position(content, chance)
    del content[at : at + chance.choice((1, 4, 64, len(content)))]


def _repeat(content: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    at = _position(content, chance)
    piece = content[at : at + chance.choice((1, 8, 64, 1_024))]
    content[at:at] = piece * min(chance.choice((1, 2, 16, 256)), MAX_BYTES // max(1, len(piece)))


def _insert(content: bytearray, chance: random.Random, _: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = _position(content, chance)
    content[at:at] = chance.choice(words)


def _splice(content: bytearray, chance: random.Random, others: Sequence[bytes], _: Sequence[bytes]) -> None:
    other = chance.choice(others)
    start = chance.randrange(len(other) + 1)
    at = _position(content, chance)
    content[at : at + chance.choice((0, 16, 256))] = other[start : start + chance.choice((16, 256, len(other)))]


def _widen(content: bytearray, chance: random.Random, *_: Sequence[bytes]) -> None:
    """UTF-16 without a mark hides words from a reader that expects UTF-8."""
    content[:] = content.decode("latin-1").encode(chance.choice(("utf-16-le", "utf-16-be")))


Change = Callable[[bytearray, random.Random, Sequence[bytes], Sequence[bytes]], None]
CHANGES: tuple[Change, ...] = (_overwrite, _overwrite, _flip, _cut, _repeat, _insert, _splice)


def _position(content: bytearray, chance: random.Random) -> int:
    """Mostly in the head, where headers are."""
    zone = min(len(content), 300) if chance.random() < 0.6 else len(content)
    return chance.randrange(zone + 1)


def minimized(content: bytes, fails: Callable[[bytes], bool], *, attempts: int = 300) -> bytes:
    """A shorter input that still fails: pieces are left out, large ones first."""
    size = max(1, len(content) // 2)
    while size >= 1 and attempts > 0:
        at = 0
        while at < len(content) and attempts > 0:
            shorter = content[:at] + content[at + size :]
            attempts -= 1
            if fails(shorter):
                content = shorter
            else:
                at += size
        size //= 2
    return content
