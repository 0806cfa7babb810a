"""Detects file types by their first bytes.

Names, extensions and declared media types are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.messages import gettext_noop

HEAD_BYTES = 4096  # enough for the XML prologue and comments before <svg>


@dataclass(frozen=True)
class Format:
    """An accepted picture format and its names."""

    name: str
    title: str  # as written in a sentence
    media_type: str
    extension: str


@dataclass(frozen=True)
class UnsupportedFormat:
    """A file type that is not accepted.

    It has a stable code, and the reason as a template with its values.
    """

    code: str
    template: str
    values: Mapping[str, str] = field(default_factory=dict)


JPEG = Format("jpeg", "JPEG", "image/jpeg", ".jpg")
PNG = Format("png", "PNG", "image/png", ".png")
WEBP = Format("webp", "WebP", "image/webp", ".webp")
GIF = Format("gif", "GIF", "image/gif", ".gif")
TIFF = Format("tiff", "TIFF", "image/tiff", ".tif")
BMP = Format("bmp", "BMP", "image/bmp", ".bmp")
HEIC = Format("heic", "HEIC", "image/heic", ".heic")
AVIF = Format("avif", "AVIF", "image/avif", ".avif")
FORMATS = (JPEG, PNG, WEBP, GIF, TIFF, BMP, HEIC, AVIF)
EXTENSIONS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif", "mpo"), JPEG),
    **dict.fromkeys(("png", "apng"), PNG),
    "webp": WEBP,
    "gif": GIF,
    **dict.fromkeys(("tif", "tiff"), TIFF),
    **dict.fromkeys(("bmp", "dib"), BMP),
    **dict.fromkeys(("heic", "heif", "hif"), HEIC),
    "avif": AVIF,
}
"""Usual extensions of the accepted formats, only for guesses without reading the file."""
ACCEPTED = "JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF"

_FORMATS = {"formats": ACCEPTED}

SVG = UnsupportedFormat("svg", gettext_noop("SVG is not accepted; export it as %(formats)s"), _FORMATS)
RAW = UnsupportedFormat("raw", gettext_noop("camera raw files are not accepted; export it as JPEG or TIFF"))
UNKNOWN = UnsupportedFormat("not-an-image", gettext_noop("not a picture; accepted formats are %(formats)s"), _FORMATS)
TEXT = UnsupportedFormat(
    "not-an-image", gettext_noop("this is text, not a picture; accepted formats are %(formats)s"), _FORMATS
)
VIDEO = UnsupportedFormat("video", gettext_noop("videos are not accepted, only still pictures"))
AUDIO = UnsupportedFormat(
    "not-an-image", gettext_noop("this is an audio file, not a picture; accepted formats are %(formats)s"), _FORMATS
)


def _archive(kind: str) -> UnsupportedFormat:
    template = gettext_noop("a %(kind)s archive is not accepted; unpack it and send the pictures in it")
    return UnsupportedFormat("archive", template, {"kind": kind})


def _document(kind: str) -> UnsupportedFormat:
    template = gettext_noop("a %(kind)s document is not accepted; export its pages as JPEG or PNG")
    return UnsupportedFormat("document", template, {"kind": kind})


def _unsupported(kind: str) -> UnsupportedFormat:
    template = gettext_noop("%(kind)s is not supported; export it as %(formats)s")
    return UnsupportedFormat("unsupported", template, {"kind": kind, **_FORMATS})


# The first match wins, so longer signatures come before their own beginnings.
BEGINNINGS: tuple[tuple[bytes, Format | UnsupportedFormat], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0\x10\0\0\0CR", RAW),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\0", RAW),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"FOVb", RAW),
    (b"\0MRM", RAW),
    (b"PK\x03\x04", _archive("ZIP")),
    (b"PK\x05\x06", _archive("ZIP")),
    (b"Rar!\x1a\x07", _archive("RAR")),
    (b"7z\xbc\xaf\x27\x1c", _archive("7z")),
    (b"\x1f\x8b", _archive("gzip")),
    (b"BZh", _archive("bzip2")),
    (b"\xfd7zXZ\0", _archive("xz")),
    (b"\x28\xb5\x2f\xfd", _archive("Zstandard")),
    (b"%PDF-", _document("PDF")),
    (b"%!PS", _document("PostScript")),
    (b"\xc5\xd0\xd3\xc6", _document("PostScript")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _document("Microsoft Office")),
    (b"\x1a\x45\xdf\xa3", VIDEO),
    (b"FLV\x01", VIDEO),
    (b"\0\0\x01\xba", VIDEO),
    (b"\0\0\x01\xb3", VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),
    (b"ID3", AUDIO),
    (b"OggS", AUDIO),
    (b"fLaC", AUDIO),
    (b"8BPS", _unsupported("a Photoshop document")),
    (b"gimp xcf", _unsupported("a GIMP document")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", _unsupported("JPEG 2000")),
    (b"\xff\x4f\xff\x51", _unsupported("JPEG 2000")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _unsupported("JPEG XL")),
    (b"\xff\x0a", _unsupported("JPEG XL")),
    (b"\0\0\x01\0", _unsupported("an icon (ICO)")),
    (b"\0\0\x02\0", _unsupported("a cursor (CUR)")),
    (b"icns", _unsupported("an icon (ICNS)")),
    (b"\x76\x2f\x31\x01", _unsupported("OpenEXR")),
    (b"#?RADIANCE", _unsupported("Radiance HDR")),
    (b"DDS ", _unsupported("DDS")),
    (b"qoif", _unsupported("QOI")),
    (b"AT&TFORM", _unsupported("DjVu")),
    (b"SIMPLE  =", _unsupported("FITS")),
)

RIFF_KINDS: dict[bytes, Format | UnsupportedFormat] = {b"WEBP": WEBP, b"AVI ": VIDEO, b"WAVE": AUDIO}
BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # sizes of the header's known versions
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
AVIF_BRANDS = {b"avif", b"avis"}
SVG_ROOT = re.compile(r"<(?:[\w.-]+:)?svg[\s>/]", re.IGNORECASE)


def detect_format(head: bytes) -> Format | UnsupportedFormat:
    """The type of a file by its first HEAD_BYTES bytes, or fewer if it is shorter."""
    for beginning, kind in BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head.startswith(b"RIFF"):
        return RIFF_KINDS.get(head[8:12], UNKNOWN)
    # Two letters begin many texts, so the header's size has to be a known one.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in BMP_HEADERS:
        return BMP
    # A tar begins with the name of its first file.
    if head[257:262] == b"ustar":
        return _archive("tar")
    return _by_text(head)


def _by_brand(head: bytes) -> Format | UnsupportedFormat:
    """The type of an ISO base media file (HEIC, AVIF, video, CR3) by its brands."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    # The four bytes after the major brand are its version.
    brands = [major, *(head[start : start + 4] for start in range(16, end - 3, 4))]
    if major == b"crx ":
        return RAW
    for brand in brands:
        if brand in AVIF_BRANDS:
            return AVIF
        if brand in HEIC_BRANDS:
            return HEIC
    # mif1 and msf1 say that there are pictures, but not how they are coded.
    return HEIC if major in {b"mif1", b"msf1"} else VIDEO


def _by_text(head: bytes) -> UnsupportedFormat:
    encoding = "utf-16" if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    text = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("<") and SVG_ROOT.search(text):
        return SVG
    printable = sum(character.isprintable() or character in "\t\r\n\f" for character in text)
    # Undecodable characters are allowed: the last one may be cut off, and old texts are not UTF-8.
    readable = printable - text.count("\ufffd") >= 0.9 * len(text)
    return TEXT if readable else UNKNOWN
