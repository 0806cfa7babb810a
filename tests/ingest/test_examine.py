import hashlib
import pickle
import resource
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from analysis.ingest.examine import Examined, examine
from analysis.ingest.validation import InvalidImage, Limits
from tests import pictures, raw_bytes

PLACES = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


def examined(content: bytes, **options) -> Examined:
    return examine(BytesIO(content), name="picture", **options)


def rejected(content: bytes, *, name: str = "picture", **options) -> InvalidImage:
    with pytest.raises(InvalidImage) as raised:
        examine(BytesIO(content), name=name, **options)
    return raised.value


def colors_of(picture: Examined, name: str = "preview") -> list[tuple[int, int, int]]:
    """The colors in the middle of the four quadrants of a rendition."""
    content = {rendition.name: rendition.content for rendition in picture.renditions}[name]
    image = Image.open(BytesIO(content)).convert("RGB")
    return [image.getpixel((int(x * image.width), int(y * image.height))) for x, y in PLACES]


def distance(colors, others) -> int:
    """The largest difference of any channel."""
    return int(np.abs(np.array(colors, dtype=int) - np.array(others, dtype=int)).max())


def test_what_is_told_of_a_picture():
    content = pictures.jpeg(640, 480)
    picture = examine(BytesIO(content), name="../My\u202e picture.PNG")
    assert (picture.filename, picture.format, picture.media_type, picture.extension) == (
        "My picture.PNG",
        "jpeg",
        "image/jpeg",
        ".jpg",
    )
    assert (picture.size, picture.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (picture.width, picture.height) == (640, 480)


@pytest.mark.parametrize("form", pictures.FORMATS)
def test_every_format_is_examined(form):
    picture = examined(pictures.every_format()[form])
    assert (picture.format, picture.width, picture.height) == (form, 160, 120)
    assert distance(colors_of(picture), pictures.COLORS) <= 8
    assert distance(colors_of(picture, "thumb"), pictures.COLORS) <= 12


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "gif", "tiff", "avif"])
def test_of_several_frames_or_pages_the_first_is_taken(form):
    picture = examined(pictures.animated()[form])
    assert (picture.format, picture.width, picture.height) == (form, 160, 120)
    assert distance(colors_of(picture), pictures.COLORS) <= 8


@pytest.mark.parametrize("mode", pictures.every_mode())
def test_every_kind_of_pixels_looks_right(mode):
    form, content = pictures.every_mode()[mode]
    picture = examined(content)
    grays = [Image.new("RGB", (1, 1), color).convert("L").getpixel((0, 0)) for color in pictures.COLORS]
    expected = [(gray,) * 3 for gray in grays] if pictures.is_gray(mode) else list(pictures.COLORS)
    if "alpha" in mode or "transparency" in mode:
        expected[0] = (255, 255, 255)  # the hole in the first quadrant; next to it JPEG's edges ring
        assert distance(colors_of(picture)[:1], expected[:1]) <= 40
        assert distance(colors_of(picture)[1:], expected[1:]) <= 12
    else:
        assert distance(colors_of(picture), expected) <= 12
    assert picture.format == form


def test_one_bit_is_black_and_white():
    assert distance(colors_of(examined(pictures.one_bit())), [(0, 0, 0)] * 2 + [(255, 255, 255)] * 2) <= 3


def test_deep_gray_does_not_clip_to_white():
    ramp = np.tile(np.linspace(0, 65535, 256, dtype=np.uint16), (64, 1))
    content = {
        rendition.name: rendition.content
        for rendition in examined(pictures.encoded(Image.fromarray(ramp), "png")).renditions
    }
    means = np.asarray(Image.open(BytesIO(content["preview"])).convert("L")).mean(axis=0)
    assert np.abs(means - np.arange(256)).max() <= 3


@pytest.mark.parametrize(
    "values",
    [
        np.array([[-5.0, 5.0], [0.0, 10.0]]),
        np.array([[1e5, 3e5], [2e5, 4e5]]),
        np.array([[np.nan, np.inf], [0.0, -np.inf]]),
        np.full((2, 2), np.nan),
        np.full((2, 2), 7e9),
    ],
)
def test_numbers_of_any_range_become_gray(values):
    content = pictures.encoded(Image.fromarray(np.kron(values, np.ones((40, 40))).astype(np.float32)), "tiff")
    colors = [color[0] for color in colors_of(examined(content))]
    finite = np.where(np.isfinite(values), values, 0).ravel()
    order = np.argsort(finite, kind="stable")
    if len(set(finite)) == 4:
        assert list(np.argsort(colors, kind="stable")) == list(order)
        assert (min(colors), max(colors)) <= (4, 255)


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "heic", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(form, orientation):
    picture = examined(pictures.with_orientation(orientation, form))
    assert (picture.width, picture.height) == (160, 120)
    assert distance(colors_of(picture), pictures.COLORS) <= 8


def test_a_large_picture_is_upright_too():
    content = pictures.encoded(
        pictures.quadrants(3000, 2000), "jpeg", exif=pictures.exif_of({ExifTags.Base.Orientation: 8})
    )
    picture = examined(content)
    assert (picture.width, picture.height) == (2000, 3000)
    assert [(made.width, made.height) for made in picture.renditions] == [(267, 400), (1067, 1600)]
    red, green, blue, yellow = pictures.COLORS
    assert distance(colors_of(picture), [green, yellow, red, blue]) <= 8


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff", "heic", "avif"])
@pytest.mark.parametrize("profile", ["ADOBE_RGB", "DISPLAY_P3"])
def test_a_color_profile_is_followed(form, profile):
    content = getattr(raw_bytes, profile)
    converted = ImageCms.profileToProfile(pictures.quadrants(), BytesIO(content), ImageCms.createProfile("sRGB"), 1)
    expected = [converted.getpixel((int(x * 160), int(y * 120))) for x, y in PLACES]
    assert distance(expected, pictures.COLORS) > 30
    assert (
        distance(colors_of(examined(pictures.encoded(pictures.quadrants(), form, icc_profile=content))), expected) <= 12
    )


@pytest.mark.parametrize(("form", "options"), [("jpeg", {}), ("tiff", {"compression": "tiff_lzw"})])
def test_a_profile_of_printing_inks_is_followed(form, options):
    inks = Image.new("CMYK", (160, 120), (255, 0, 0, 0))
    inks.paste((0, 255, 255, 0), (80, 0, 160, 120))
    content = pictures.encoded(inks, form, icc_profile=raw_bytes.cmyk_profile(), **options)
    left, right, *_ = colors_of(examined(content))
    assert left[0] > 200
    assert max(left[1:]) < 80
    assert distance([right], [(255, 255, 255)]) <= 4


def test_deep_gray_of_which_0_is_white_is_turned_around():
    deep = Image.fromarray(np.full((120, 160), 0xF000, dtype=np.uint16))
    content = pictures.encoded(deep, "tiff", tiffinfo={ExifTags.Base.PhotometricInterpretation: 0})
    assert Image.open(BytesIO(content)).tag_v2[ExifTags.Base.PhotometricInterpretation] == 0
    assert distance(colors_of(examined(content)), [(15, 15, 15)] * 4) <= 1


@pytest.mark.parametrize(
    "profile",
    [b"nonsense", raw_bytes.ADOBE_RGB[:200], ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()],
    ids=["nonsense", "cut", "of another space"],
)
@pytest.mark.parametrize("form", ["jpeg", "png"])
def test_a_broken_or_foreign_profile_is_ignored(form, profile):
    picture = examined(pictures.encoded(pictures.quadrants(), form, icc_profile=profile))
    assert distance(colors_of(picture), pictures.COLORS) <= 8


def test_shrinking_a_picture_with_alpha_in_strips_equals_shrinking_it_whole():
    transparent = pictures.photo(5, 4000, 1200)
    transparent.putalpha(Image.linear_gradient("L").resize(transparent.size))
    ground = Image.new("RGB", transparent.size, "white")
    ground.paste(transparent, mask=transparent.getchannel("A"))
    expected = ground.resize((1600, 480), Image.Resampling.BICUBIC, reducing_gap=2.0)
    made = examined(pictures.encoded(transparent, "png", compress_level=1)).renditions[1]
    difference = np.abs(np.asarray(Image.open(BytesIO(made.content)), dtype=int) - np.asarray(expected, dtype=int))
    assert difference.mean() < 3


@pytest.mark.parametrize("what", pictures.bad_files())
def test_bad_files_are_refused(what):
    name, content, code = pictures.bad_files()[what]
    refusal = rejected(content, name=name)
    assert refusal.code == code
    assert str(refusal).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("truncated jpeg", "half.jpg: this JPEG is incomplete; copy or send it again"),
        ("damaged png", "hole.png: this PNG is damaged and cannot be read; copy or send it again"),
        ("bomb", "bomb.png: 50,000 × 50,000 px is over the 250-megapixel limit"),
    ],
)
def test_a_refusal_says_what_is_wrong(what, sentence):
    name, content, _ = pictures.bad_files()[what]
    assert str(rejected(content, name=name)) == sentence


def test_a_picture_with_a_wrong_extension_is_taken_for_what_it_is():
    picture = examine(BytesIO(pictures.png()), name="photo.jpg")
    assert (picture.filename, picture.format, picture.extension) == ("photo.jpg", "png", ".png")


def test_a_kind_of_tiff_that_cannot_be_read_is_said_to_be_unsupported():
    content = pictures.encoded(Image.new("L", (8, 8)), "tiff").replace(
        b"\x02\x01\x03\0\x01\0\0\0\x08", b"\x02\x01\x03\0\x01\0\0\0\x07"
    )
    refusal = rejected(content, name="odd.tif")
    assert str(refusal) == "odd.tif: this kind of TIFF is not supported; save it as an ordinary 8-bit TIFF, PNG or JPEG"


@pytest.mark.parametrize("tags", [{50706: b"\x01\x04\0\0"}, {254: 1, 330: 8}], ids=["DNG", "thumbnail first"])
def test_a_raw_file_in_tiffs_clothes_is_known(tags):
    content = pictures.encoded(Image.new("RGB", (16, 12)), "tiff", tiffinfo=tags)
    assert rejected(content, name="IMG.NEF").code == "raw"


@pytest.mark.parametrize("form", pictures.FORMATS)
def test_the_headers_pixels_are_limited_in_every_format(form):
    content = pictures.every_format()[form]
    refusal = rejected(content, limits=Limits(max_pixels=160 * 120 - 1))
    assert str(refusal) == "picture: 160 × 120 px is over the 0.0192-megapixel limit"
    assert examined(content, limits=Limits(max_pixels=160 * 120)).width == 160


def examine_in_little_memory(path: Path) -> str:
    examine(BytesIO(pictures.jpeg()), name="warm.jpg")
    room = 300 * 1024**2
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
    try:
        return examine(path, name=path.name).format
    except InvalidImage as refusal:
        return refusal.code


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measures memory by /proc")
def test_bombs_are_refused_without_room_for_their_pixels_in_a_spawned_process(tmp_path):
    paths = [tmp_path / "bomb.png", tmp_path / "bomb.gif"]
    for path, content in zip(paths, (pictures.bomb_png(), pictures.bomb_gif()), strict=True):
        path.write_bytes(content)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(examine_in_little_memory, paths)) == ["too-many-pixels"] * 2


def test_a_file_that_is_gone_or_none_is_unreadable(tmp_path):
    for path, reason in (
        (tmp_path / "gone.jpg", "the file cannot be read (No such file or directory)"),
        (tmp_path, "not a regular file"),
    ):
        with pytest.raises(InvalidImage) as raised:
            examine(path, name="a.jpg")
        assert (raised.value.code, str(raised.value)) == ("unreadable", f"a.jpg: {reason}")


class FailingDisk(BytesIO):
    def read(self, *_):
        raise OSError(5, "Input/output error")


def test_a_files_own_read_error_passes():
    with pytest.raises(OSError, match="Input/output error"):
        examine(FailingDisk(pictures.jpeg()), name="a.jpg")


def test_a_source_may_stand_anywhere_and_stays_open(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(pictures.jpeg())
    with path.open("rb") as file:
        file.seek(100)
        assert examine(file, name="a.jpg") == examine(path, name="a.jpg")
        assert not file.closed


def test_an_examined_picture_can_be_sent_between_processes():
    picture = examined(pictures.jpeg())
    assert pickle.loads(pickle.dumps(picture)) == picture
