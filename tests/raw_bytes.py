"""Bytes that no encoder writes: color profiles, deep PNGs, bombs."""

import struct
import zlib
from functools import cache

import numpy as np

D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(primaries: tuple[float, ...], gamma: float, title: str = "A wide space") -> bytes:
    """An ICC profile of a matrix of colorants (D50 XYZ) and a gamma."""
    tags = {name: _xyz(*primaries[i * 3 : i * 3 + 3]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(tags, b"mntrRGB XYZ ", title)


def _profile(tags: dict[bytes, bytes], kind: bytes, title: str) -> bytes:
    text = b"desc" + struct.pack(">II", 0, len(title) + 1) + title.encode() + b"\0" * 79
    tags = {b"desc": text + b"\0" * (-len(text) % 4), b"wtpt": _xyz(*D50), **tags}
    table, content, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(content), len(value))
        content += value
    head = struct.pack(">I4sI12s12x4s28x", start + len(content), b"lcms", 0x02100000, kind, b"acsp") + _xyz(*D50)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in values))


SRGB_PRIMARIES = (0.43607, 0.22249, 0.01392, 0.38515, 0.71687, 0.09708, 0.14307, 0.06061, 0.71410)
P3_PRIMARIES = (0.51512, 0.24120, -0.00105, 0.29198, 0.69225, 0.04189, 0.15710, 0.06657, 0.78407)
ADOBE_RGB = rgb_profile((0.60974, 0.31111, 0.01947, 0.20528, 0.62567, 0.06087, 0.14919, 0.06322, 0.74457), 2.2)
DISPLAY_P3 = rgb_profile(P3_PRIMARIES, 2.2)


def cmyk_profile() -> bytes:
    """A profile of a strange press: its cyan ink prints red, its other inks nothing."""
    paper, red = (255, 128, 128), (136, 208, 195)  # L, a, b in 8 bits
    corners = b"".join(bytes(red if cyan else paper) for cyan in (0, 1) for _ in range(8))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = (
        b"mft1" + bytes((0, 0, 0, 0, 4, 3, 2, 0)) + identity + bytes(range(256)) * 4 + corners + bytes(range(256)) * 3
    )
    return _profile({b"A2B0": table + b"\0" * (-len(table) % 4)}, b"prtrCMYKLab ", "A strange press")


@cache
def bomb_png(side: int = 50_000) -> bytes:
    """A valid 1-bit PNG of 2.5 gigapixels in some 300 kB."""
    rows, row = 500, (side + 7) // 8 + 1
    deflate = zlib.compressobj(9, wbits=-15)
    block = deflate.compress(bytes(rows * row)) + deflate.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    adler = (side * row % 65521) << 16 | 1  # of nothing but zeros
    content = b"\x78\xda" + block * (side // rows) + b"\x03\0" + adler.to_bytes(4, "big")
    return png_chunks(struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0), content)


def bomb_gif() -> bytes:
    """A GIF with a small screen and a frame of 4 gigapixels."""
    frame = b",\0\0\0\0" + struct.pack("<HH", 65_535, 65_535) + b"\0\x02\x01\x44\0;"
    return b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0) + b"!\xf9\x04\x08\0\0\0\0" + frame


def png_chunks(header: bytes, content: bytes, *between: tuple[bytes, bytes]) -> bytes:
    """A PNG from its header, compressed pixels and further chunks."""
    chunks = [(b"IHDR", header), *between, (b"IDAT", content), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(value)) + name + value + struct.pack(">I", zlib.crc32(name + value))
        for name, value in chunks
    )


def png_of(values: np.ndarray, *between: tuple[bytes, bytes]) -> bytes:
    """A 16-bit PNG (Pillow writes none in color) from (height, width, 3 or 4) values."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    return png_chunks(header, zlib.compress(rows), *between)


def text_bomb_png() -> bytes:
    """A small picture with a text that unpacks to 100 MB."""
    text = zlib.compress(bytes(100_000_000), 9)
    picture = np.zeros((4, 4, 3), dtype=np.uint16)
    return png_of(picture, (b"zTXt", b"Comment\0\0" + text))


def iso_media(brand: bytes) -> bytes:
    """The beginning of a video or of Canon's raw format."""
    return struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\0\0" + brand + b"isom" + bytes(64)


def big_tiff(tags: int, *, at: int = 16) -> bytes:
    """A BigTIFF of which nothing but its tags' number and place is there."""
    return b"II+\0" + struct.pack("<HHQ", 8, 0, at) + struct.pack("<Q", tags) + bytes(64)
