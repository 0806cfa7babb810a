import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ingest.file_types import FORMATS, HEAD_BYTES, UnsupportedFormat, detect_format
from analysis.ingest.validation import DEFAULT_LIMITS, InvalidImage, Limits, accepted_format, clean_name
from tests import pictures


def refusal(
    head: bytes, *, name: str = "file.jpg", size: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> InvalidImage:
    with pytest.raises(InvalidImage) as raised:
        accepted_format(head, name=name, size=len(head) if size is None else size, limits=limits)
    return raised.value


def test_every_format_is_known_by_its_first_bytes():
    assert {detect_format(content[:HEAD_BYTES]).name for content in pictures.every_format().values()} == {
        kind.name for kind in FORMATS
    }
    for form, content in pictures.every_format().items():
        assert detect_format(content[:32]).name == form


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (b"", "file.jpg: the file is empty"),
        (
            pictures.text_as_jpg(),
            "file.jpg: this is text, not a picture; accepted formats are JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF",
        ),
        (
            b"\x00\x01\x02\x03" * 20,
            "file.jpg: not a picture; accepted formats are JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF",
        ),
        (
            pictures.svg(),
            "file.jpg: SVG is not accepted; export it as JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF",
        ),
        (pictures.zipped(), "file.jpg: a ZIP archive is not accepted; unpack it and send the pictures in it"),
        (b"Rar!\x1a\x07\x01\x00", "file.jpg: a RAR archive is not accepted; unpack it and send the pictures in it"),
        (b"%PDF-1.7\n", "file.jpg: a PDF document is not accepted; export its pages as JPEG or PNG"),
        (pictures.iso_media(b"qt  "), "file.jpg: videos are not accepted, only still pictures"),
        (b"\x1aE\xdf\xa3" + bytes(30), "file.jpg: videos are not accepted, only still pictures"),
        (b"RIFF\0\0\0\0AVI LIST", "file.jpg: videos are not accepted, only still pictures"),
        (pictures.iso_media(b"crx "), "file.jpg: camera raw files are not accepted; export it as JPEG or TIFF"),
        (b"II*\0\x10\0\0\0CR\x02\0", "file.jpg: camera raw files are not accepted; export it as JPEG or TIFF"),
        (
            b"8BPS\0\x01" + bytes(30),
            "file.jpg: a Photoshop document is not supported; "
            "export it as JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF",
        ),
    ],
)
def test_what_is_not_accepted_is_named(head, sentence):
    assert str(refusal(head)) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "<svg/>",
        '  \n<svg width="10">',
        "<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'svg11.dtd'><svg:svg xmlns:svg='…'>",
        "<!-- " + "long " * 400 + "--><SVG >",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_svg_is_known_by_its_root(text, encoding):
    assert detect_format(text.encode(encoding)[:HEAD_BYTES]).code == "svg"


@pytest.mark.parametrize(
    "text", ["<html><p>svg</p>", "BM is my favorite bank", "an <svg> in prose", "Viele Grüße aus Rom, wie immer"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_other_text_is_text(text, encoding):
    assert "this is text" in detect_format(text.encode(encoding)).template


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_something(head):
    assert isinstance(detect_format(head), (UnsupportedFormat, *{type(kind) for kind in FORMATS}))


@pytest.mark.parametrize(
    ("size", "maximum", "sentence"),
    [
        (100 * 1000**2 + 1, 100 * 1000**2, "file.jpg: 100.1 MB is over the limit of 100 MB"),
        (3_000_000_000, 100 * 1000**2, "file.jpg: 3,000 MB is over the limit of 100 MB"),
        (1001, 1000, "file.jpg: 1,001 bytes is over the limit of 1,000 bytes"),
    ],
)
def test_a_file_over_the_limit_is_refused(size, maximum, sentence):
    rejected = refusal(pictures.jpeg()[:64], size=size, limits=Limits(max_bytes=maximum))
    assert (rejected.code, str(rejected)) == ("too-large", sentence)


def test_a_file_at_the_limit_is_accepted():
    limits = Limits(max_bytes=1000)
    assert accepted_format(pictures.jpeg()[:64], name="a.jpg", size=1000, limits=limits).name == "jpeg"


def test_a_refusal_comes_back_whole_from_another_process():
    rejected = pickle.loads(pickle.dumps(refusal(b"", name="../up.jpg")))
    assert (type(rejected), rejected.code, str(rejected)) == (InvalidImage, "empty", "up.jpg: the file is empty")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("holiday.jpg", "holiday.jpg"),
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\Users\\me\\photo.png", "photo.png"),
        ("/tmp/", "unnamed"),
        ("", "unnamed"),
        ("  ", "unnamed"),
        (".", "unnamed"),
        ("..", "unnamed"),
        ("a\x00b\x1b[31m\r\n.jpg", "ab[31m.jpg"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("\u2066\u200fmarks\u2069\u061c.png\ufeff", "marks.png"),
        ("cafe\u0301.jpg", "café.jpg"),
        ("caf\udce9.jpg", "caf\ufffd.jpg"),
        ("two\u2028lines.jpg", "two lines.jpg"),
        ("👨\u200d👩\u200d👧 family.heic", "👨\u200d👩\u200d👧 family.heic"),
        ("صورة.jpg", "صورة.jpg"),
        ("a   b.jpg", "a b.jpg"),
        ("x" * 400 + ".jpeg", "x" * 195 + ".jpeg"),
        ("x" * 400, "x" * 200),
        ("a." + "x" * 400, "a." + "x" * 198),
        ("<b>.jpg", "<b>.jpg"),
    ],
)
def test_display_name_is_cleaned(name, expected):
    assert clean_name(name) == expected


@given(st.text(alphabet=st.characters(), max_size=500) | st.sampled_from(pictures.NASTY_NAMES))
def test_a_clean_name_is_clean(name):
    clean = clean_name(name)
    assert 1 <= len(clean) <= 200
    assert clean == clean_name(clean)
    assert unicodedata.is_normalized("NFC", clean)
    assert not set(clean) & {*"/\\\0\r\n\u202e"}
    clean.encode()
