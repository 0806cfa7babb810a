from io import BytesIO

import pytest
from PIL import Image

from analysis.ingest.examine import examine
from analysis.ingest.thumbnails import payload, payload_extent, placeholder
from analysis.ingest.validation import InvalidImage, Limits
from tests import pictures, raw_bytes


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def sizes(content: bytes) -> list[tuple[str, int, int]]:
    examined = examine(BytesIO(content), name="picture")
    for rendition in examined.renditions:
        assert opened(rendition.content).size == (rendition.width, rendition.height)
    return [(rendition.name, rendition.width, rendition.height) for rendition in examined.renditions]


@pytest.mark.parametrize(
    ("size", "thumb", "preview"),
    [
        ((4000, 3000), (400, 300), (1600, 1200)),
        ((1601, 999), (400, 250), (1600, 998)),
        ((300, 200), (300, 200), (300, 200)),
        ((6000, 1500), (400, 100), (1600, 400)),
        ((6000, 500), (400, 100), (4800, 400)),  # longer: the thumb is its middle
        ((540, 6000), (100, 400), (400, 4444)),
        ((3000, 5), (400, 5), (3000, 5)),
        ((5, 30_000), (1, 400), (1, 6400)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
@pytest.mark.parametrize("form", ["jpeg", "png"])
def test_renditions_fit_their_long_side_and_are_never_enlarged(form, size, thumb, preview):
    content = pictures.encoded(Image.new("RGB", size, "teal"), form)
    assert sizes(content) == [("thumb", *thumb), ("preview", *preview)]


def test_renditions_carry_no_metadata():
    secret = "Canon"
    profile = raw_bytes.DISPLAY_P3
    content = pictures.jpeg(
        exif=pictures.full_exif(), icc_profile=profile, comment=secret, xmp=b"<x:xmpmeta>Canon</x:xmpmeta>"
    )
    assert {"exif", "icc_profile", "comment", "xmp"} <= set(opened(content).info)
    examined = examine(BytesIO(content), name="picture")
    for made in (
        *(rendition.content for rendition in examined.renditions),
        examined.placeholder,
        payload(BytesIO(content)),
    ):
        info = opened(made).info
        assert set(info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "loop",
            "background",
            "timestamp",
            "duration",
        }
        assert b"Canon" not in made
        assert b"Exif" not in made


def test_media_types_are_true():
    examined = examine(BytesIO(pictures.png()), name="picture")
    assert [(made.name, made.media_type, opened(made.content).format) for made in examined.renditions] == [
        ("thumb", "image/webp", "WEBP"),
        ("preview", "image/jpeg", "JPEG"),
    ]


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (400, 1), (1, 400), (1, 1)])
def test_a_placeholder_is_tiny(size):
    made = placeholder(pictures.photo(1, *size))
    assert max(opened(made).size) == min(10, max(size))
    assert len(made) <= 120


def test_a_placeholder_shows_the_colors():
    tiny = opened(placeholder(pictures.quadrants(400, 300))).convert("RGB")
    for color, point in zip(pictures.COLORS, ((1, 1), (8, 1), (1, 6), (8, 6)), strict=True):
        assert max(abs(a - b) for a, b in zip(tiny.getpixel(point), color, strict=True)) < 40


def test_a_payload_is_an_upright_rgb_jpeg_within_its_long_side():
    content = pictures.encoded(pictures.quadrants(3000, 2000), "webp", exif=pictures.exif_of({274: 6}))
    made = opened(payload(BytesIO(content)))
    assert (made.format, made.mode, made.size) == ("JPEG", "RGB", (1365, 2048))
    assert max(abs(a - b) for a, b in zip(made.getpixel((300, 300)), pictures.BLUE, strict=True)) < 12
    assert opened(payload(BytesIO(content), long_side=600)).size == (400, 600)


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ((1080, 12_000), (900, 10_000)),
        ((6000, 1500), (4096, 1024)),
        ((4000, 2000), (2048, 1024)),
        ((500, 9000), (500, 9000)),
    ],
)
def test_a_very_long_payload_keeps_a_short_side_at_which_text_is_read(size, made):
    content = pictures.encoded(Image.new("L", size, "gray"), "png")
    assert opened(payload(BytesIO(content))).size == made
    assert payload_extent(*size) == (1.0, 1.0)


def test_the_thumb_of_a_very_long_picture_is_its_middle():
    picture = Image.new("RGB", (3000, 300), "red")
    picture.paste("blue", (800, 0, 2200, 300))
    thumb = opened(examine(BytesIO(pictures.encoded(picture, "png")), name="picture").renditions[0].content)
    assert thumb.size == (400, 100)
    for x in (20, 200, 380):
        assert thumb.convert("RGB").getpixel((x, 50))[2] > 200


def test_a_payload_shrinks_until_it_fits():
    noise = Image.effect_noise((1200, 900), 100).convert("RGB")
    content = pictures.encoded(noise, "png")
    full = payload(BytesIO(content))
    assert opened(full).size == (1200, 900)
    lower = payload(BytesIO(content), max_bytes=len(full) - 1)
    assert len(lower) < len(full)
    assert opened(lower).size == (1200, 900)
    smaller = payload(BytesIO(content), max_bytes=100_000)
    assert len(smaller) <= 100_000
    assert max(opened(smaller).size) < 1200


@pytest.mark.parametrize(
    ("size", "made", "extent"),
    [
        ((40, 120), (80, 120), (0.5, 1.0)),
        ((20, 20), (80, 80), (0.25, 0.25)),
        ((20_480, 40), (10_000, 80), (1.0, 0.25)),
        ((640, 480), (640, 480), (1.0, 1.0)),
    ],
)
def test_a_narrow_payload_is_filled_up_with_white(size, made, extent):
    content = pictures.encoded(Image.new("RGB", size, "black"), "png")
    picture = opened(payload(BytesIO(content)))
    assert picture.size == made
    assert payload_extent(*size) == extent
    assert picture.getpixel((1, 1)) < (10, 10, 10)
    corner = picture.getpixel((made[0] - 1, made[1] - 1))
    assert (corner > (245, 245, 245)) == (extent != (1.0, 1.0))


def test_a_payload_is_refused_like_a_picture(tmp_path):
    path = tmp_path / "half.jpg"
    path.write_bytes(pictures.truncated_jpeg())
    with pytest.raises(InvalidImage, match=r"^half\.jpg: this JPEG is incomplete"):
        payload(path)
    with pytest.raises(InvalidImage, match=r"over the 0\.01-megapixel limit"):
        payload(BytesIO(pictures.jpeg()), limits=Limits(max_pixels=10_000))
