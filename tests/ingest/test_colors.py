"""Colors: profiles, backgrounds of transparency, number types, TIFF pages."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, TiffImagePlugin

from analysis.ingest.examine import examine
from analysis.ingest.validation import InvalidImage
from tests import pictures, raw_bytes

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def preview(content: bytes) -> Image.Image:
    made = examine(BytesIO(content), name="picture").renditions[1]
    return Image.open(BytesIO(made.content)).convert("RGB")


def color(content: bytes, x: float = 0.5, y: float = 0.5) -> tuple[int, int, int]:
    picture = preview(content)
    return picture.getpixel((int(x * picture.width), int(y * picture.height)))


def differs(one, other) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (raw_bytes.rgb_profile(raw_bytes.P3_PRIMARIES, 2.2, "Display P3 Gamut with sRGB Transfer"), (38, 184, 21)),
        (raw_bytes.rgb_profile(raw_bytes.SRGB_PRIMARIES, 1.0, "sRGB linear"), (160, 218, 133)),
        (SRGB, (90, 180, 60)),
    ],
    ids=["wide", "linear", "sRGB"],
)
@pytest.mark.parametrize("form", ["png", "tiff", "webp"])
def test_a_profile_is_taken_for_what_it_does_and_not_for_its_name(profile, expected, form):
    options = {"lossless": True} if form == "webp" else {}
    content = pictures.encoded(Image.new("RGB", (40, 30), (90, 180, 60)), form, icc_profile=profile, **options)
    assert differs(color(content), expected) <= 4


def drawing(ink: str, *, hole: str = "#0000", mode: str = "RGBA") -> Image.Image:
    """A disc on nothing."""
    picture = Image.new("RGBA", (400, 300), hole)
    ImageDraw.Draw(picture).ellipse((100, 50, 300, 250), fill=ink)
    return picture.convert(mode)


@pytest.mark.parametrize(("form", "mode"), [("png", "RGBA"), ("png", "LA"), ("webp", "RGBA"), ("tiff", "RGBA")])
def test_a_white_drawing_is_seen_on_its_ground(form, mode):
    options = {"lossless": True} if form == "webp" else {}
    content = pictures.encoded(drawing("white", mode=mode), form, **options)
    assert min(color(content)) > 245
    assert max(color(content, 0.02, 0.02)) < 100


@pytest.mark.parametrize("ink", ["black", "teal", "#d0d000"])
def test_a_dark_drawing_is_on_white(ink):
    assert min(color(pictures.encoded(drawing(ink), "png"), 0.02, 0.02)) > 245


def test_what_is_hardly_transparent_or_not_to_be_seen_at_all_is_on_white():
    paper = Image.new("RGBA", (400, 300), "white")
    paper.paste((0, 0, 0, 0), (0, 0, 20, 20))
    assert min(color(pictures.encoded(paper, "png"), 0.01, 0.01)) > 245
    assert min(color(pictures.encoded(Image.new("RGBA", (40, 30), "#fff0"), "png"))) > 245


def test_a_white_drawing_of_a_palette_is_seen_on_its_ground():
    picture = Image.new("P", (400, 300), 0)
    picture.putpalette([255, 255, 255, 250, 250, 250])
    ImageDraw.Draw(picture).ellipse((100, 50, 300, 250), fill=1)
    content = pictures.encoded(picture, "png", transparency=0)
    assert min(color(content)) > 240
    assert max(color(content, 0.02, 0.02)) < 100


def tiff_of(values: np.ndarray, *, sample_format: int, photometric: int = 1) -> bytes:
    """A gray TIFF of these very numbers, as little-endian bytes."""
    height, width = values.shape
    pixels = values.astype(values.dtype.newbyteorder("<")).tobytes()
    entries = [
        *((256, 3, width), (257, 3, height), (258, 3, values.dtype.itemsize * 8), (259, 3, 1), (262, 3, photometric)),
        *((273, 4, 200), (277, 3, 1), (278, 4, height), (279, 4, len(pixels)), (339, 3, sample_format)),
    ]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return (b"II*\0" + struct.pack("<IH", 8, len(entries)) + table).ljust(200, b"\0") + pixels


def halves(left, right, kind) -> np.ndarray:
    values = np.full((60, 80), left, dtype=kind)
    values[:, 40:] = right
    return values


@pytest.mark.parametrize(
    ("values", "sample_format", "expected"),
    [
        (halves(2**31, 2**32 - 1, np.uint32), 1, (128, 255)),
        (halves(0, 65535, np.uint32), 1, (0, 255)),
        (halves(100, 200, np.uint32), 1, (100, 200)),
        (halves(16384, 32767, np.int16), 2, (128, 255)),
        (halves(-100, 100, np.int16), 2, (0, 255)),
        (halves(100, 200, np.int16), 2, (100, 200)),
        (halves(32768, 65535, np.int32), 2, (128, 255)),
        (halves(0.25, 1.0, np.float32), 3, (64, 255)),
    ],
    ids=lambda value: f"{value.dtype} {value[0, 0]}" if isinstance(value, np.ndarray) else None,
)
def test_numbers_have_the_tones_of_their_kind(values, sample_format, expected):
    content = tiff_of(values, sample_format=sample_format)
    colors = [color(content, x)[0] for x in (0.2, 0.8)]
    assert differs(colors, expected) <= 2


def test_numbers_of_which_0_is_white_are_turned_around():
    content = tiff_of(halves(0.25, 1.0, np.float32), sample_format=3, photometric=0)
    assert differs([color(content, x)[0] for x in (0.2, 0.8)], (191, 0)) <= 2


def test_twelve_bits_are_not_taken_for_sixteen():
    values = halves(2048, 4095, np.uint16)
    rows = values.reshape(-1, 2).astype(np.uint32)
    packed = np.stack([rows[:, 0] >> 4, (rows[:, 0] & 15) << 4 | rows[:, 1] >> 8, rows[:, 1] & 255], axis=1)
    content = tiff_of(values, sample_format=1)
    content = content.replace(struct.pack("<HHII", 258, 3, 1, 16), struct.pack("<HHII", 258, 3, 1, 12))
    content = content[:200] + packed.astype(np.uint8).tobytes()
    assert differs([color(content, x)[0] for x in (0.2, 0.8)], (128, 255)) <= 2


def planar_tiff(bits: int) -> bytes:
    """Red, green and blue one after another."""
    planes = [np.full((60, 80), value << (bits - 8), dtype=f"<u{bits // 8}").tobytes() for value in (200, 100, 50)]
    places = struct.pack("<3I", *(400 + number * len(planes[0]) for number in range(3)))
    entries = [
        *((256, 3, 1, 80), (257, 3, 1, 60), (258, 3, 3, 300), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 3, 310)),
        *((277, 3, 1, 3), (278, 3, 1, 60), (279, 4, 3, 330), (284, 3, 1, 2)),
    ]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = (b"II*\0" + struct.pack("<IH", 8, len(entries)) + table).ljust(300, b"\0")
    head += struct.pack("<3H", bits, bits, bits).ljust(10, b"\0") + places.ljust(20, b"\0")
    return (head + struct.pack("<3I", *[len(planes[0])] * 3)).ljust(400, b"\0") + b"".join(planes)


def test_planes_of_8_bits_are_shown_and_deeper_ones_refused():
    assert differs(color(planar_tiff(8)), (200, 100, 50)) <= 4
    with pytest.raises(InvalidImage) as raised:
        examine(BytesIO(planar_tiff(16)), name="deep.tif")
    assert str(raised.value) == (
        "deep.tif: a TIFF of more than 8 bits with its colors in separate planes is not supported; save it as a PNG"
    )


def pages(*parts: tuple[Image.Image, int]) -> bytes:
    """A TIFF of pages, each with its NewSubfileType."""
    buffer = BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(buffer, True) as writer:
        for picture, kind in parts:
            picture.save(writer, "TIFF", tiffinfo={254: kind})
            writer.newFrame()
    return buffer.getvalue()


def test_a_reduced_copy_in_front_is_not_the_picture():
    small, large = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (400, 300), "blue")
    for parts in (
        [(small, 1), (large, 0)],
        [(small, 1), (small.convert("1"), 5), (large, 2)],
        [(large, 0), (small, 1)],
    ):
        made = examine(BytesIO(pages(*parts)), name="picture")
        assert (made.width, made.height) == (400, 300)
        assert differs(color(pages(*parts)), (0, 0, 255)) <= 4
    only = examine(BytesIO(pages((small, 1), (small, 1))), name="picture")
    assert (only.width, only.height) == (40, 30)
