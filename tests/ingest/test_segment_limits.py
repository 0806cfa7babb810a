"""Limits counted before decoding: floods, bombs, extras."""

import io
import struct
import time
import zlib
from io import BytesIO

import pytest
from PIL import Image

from analysis.ingest.examine import examine
from analysis.ingest.segment_limits import jpeg_structure
from analysis.ingest.validation import InvalidImage
from tests import pictures, raw_bytes


def rejected(content) -> InvalidImage:
    with pytest.raises(InvalidImage) as raised:
        examine(BytesIO(content), name="picture")
    return raised.value


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def png_with(chunks: bytes) -> bytes:
    """The quadrants with chunks behind the header."""
    content = pictures.png()
    return content[:33] + chunks + content[33:]


def scans_of(content: bytes, number: int) -> bytes:
    """A progressive JPEG that repeats its last scan."""
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * number + b"\xff\xd9"


FLOODS = {
    "scans": lambda: scans_of(pictures.jpeg(progressive=True), 1500),
    "segments": lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 200_000 + pictures.jpeg()[2:],
    "fill bytes": lambda: b"\xff\xd8" + b"\xff" * 5_000_000 + pictures.jpeg()[2:],
    "gif pieces": lambda: b"GIF89a\1\0\1\0\0\0\0!\xfe" + b"\1a" * 500_000 + b"\0;",
    "gif extensions": lambda: b"GIF89a\1\0\1\0\0\0\0" + b"!\xfe\0" * 500_000 + b";",
    "png chunks": lambda: png_with(png_chunk(b"prIv", b"") * 200_000),
    "png pixels": lambda: png_with(png_chunk(b"IDAT", b"") * 200_000),
    "tiff tags": lambda: raw_bytes.big_tiff(200_000) + bytes(20 * 200_000),
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_is_refused_before_it_costs_anything(what):
    content = FLOODS[what]()
    start = time.process_time()
    refusal = rejected(content)
    assert time.process_time() - start < 2
    assert refusal.code == ("broken" if what == "fill bytes" else "too-complex")
    assert str(refusal).startswith("picture: this ")


def test_the_structure_of_a_jpeg():
    plain = jpeg_structure(BytesIO(pictures.jpeg()), name="")
    assert (plain.scans, plain.has_end, plain.coefficient_bytes) == (1, True, 0)
    progressive = jpeg_structure(BytesIO(pictures.jpeg(progressive=True, subsampling=0)), name="")
    assert (progressive.scans > 5, progressive.has_end) == (True, True)
    assert progressive.coefficient_bytes == 2 * 3 * 160 * 120
    assert not jpeg_structure(BytesIO(pictures.jpeg()[:-2]), name="").has_end
    # The second picture of a file, and a marker at a border of what is read at once, are no scans of the first.
    assert jpeg_structure(BytesIO(pictures.mpo()), name="").scans == 1
    for length in range(65_000, 65_530, 7):
        content = b"\xff\xd8\xff\xfe" + length.to_bytes(2, "big") + b"\xff\xda" * 33_000
        assert jpeg_structure(BytesIO(content[: length + 4] + pictures.jpeg()[2:]), name="").scans == 1


@pytest.mark.parametrize("at", [2**62, 2**63 - 1, 2**63, 2**64 - 1, 20, 1_000_000])
@pytest.mark.parametrize("is_big", [True, False])
def test_an_offset_out_of_a_file_is_damage_of_the_file(tmp_path, at, is_big):
    """On a disk as in memory: there, the system itself refuses to go so far."""
    content = raw_bytes.big_tiff(1, at=at) if is_big else b"II*\0" + struct.pack("<I", at % 2**32) + bytes(40)
    path = tmp_path / "far.tif"
    path.write_bytes(content)
    codes = set()
    for source in (path, BytesIO(content), path.open("rb")):
        with pytest.raises(InvalidImage) as raised:
            examine(source, name="far.tif")
        codes.add(raised.value.code)
        if isinstance(source, io.BufferedReader):
            source.close()
    assert len(codes) == 1
    assert codes <= {"broken", "unsupported", "truncated"}


def test_a_page_elsewhere_is_damage_of_the_file(tmp_path):
    """The offset of pixels, not of tags."""
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1), (273, 16, 1, 2**63 - 1), (279, 4, 1, 64)]
    content = b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(entries))
    content += b"".join(struct.pack("<HHQQ", *entry) for entry in entries) + bytes(8)
    path = tmp_path / "far.tif"
    path.write_bytes(content)
    with pytest.raises(InvalidImage):
        examine(path, name="far.tif")


@pytest.mark.parametrize(
    "chunks",
    [
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
        png_chunk(b"tEXt", b"Comment\0" + b"a" * 3_000_000),
        png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
        png_chunk(b"tEXt", b"Comment\0" + b"a" * 900_000) * 100,
        png_chunk(b"prIv", b"a" * 3_000_000),
        png_chunk(b"tEXt", b"Comment\0once")[:-1] + b"!",
        png_chunk(b"gAMA", b"\0\0\0\1")[:-4] + b"????",
        png_chunk(b"iCCP", b"name\0\0" + b"no zlib"),
        png_chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(3_000_000))),
    ],
    ids=[
        "packed text",
        "text",
        "packed text 2",
        "texts",
        "private",
        "checksum",
        "checksum 2",
        "profile",
        "long profile",
    ],
)
def test_a_png_does_without_its_extras(chunks):
    picture = examine(BytesIO(png_with(chunks)), name="picture")
    assert (picture.format, picture.width, picture.height) == ("png", 160, 120)
    preview = picture.renditions[1].content
    assert Image.open(BytesIO(preview)).getpixel((40, 30))[0] > 200


def test_a_text_that_unpacks_to_many_megabytes_is_left_out():
    assert examine(BytesIO(raw_bytes.text_bomb_png()), name="text.png").format == "png"


@pytest.mark.parametrize("what", ["header", "palette"])
def test_a_png_whose_header_or_palette_is_damaged_is_refused(what):
    content = bytearray(pictures.encoded(pictures.quadrants().quantize(16), "png"))
    position = 20 if what == "header" else content.index(b"PLTE") + 8
    content[position] ^= 1
    assert rejected(bytes(content)).code == "broken"


def test_a_text_that_says_what_the_camera_was_stays():
    content = png_with(png_chunk(b"eXIf", pictures.full_exif()[6:]) + png_chunk(b"tEXt", b"Comment\0short"))
    assert examine(BytesIO(content), name="picture").metadata.camera_make == "Canon"


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_may_lack_its_end_marker(options, missing):
    content = pictures.jpeg(640, 480, seed=3, **options)
    picture = examine(BytesIO(content[:-missing]), name="picture")
    assert picture.renditions == examine(BytesIO(content), name="picture").renditions


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("missing", [20, 200, 5000])
def test_a_jpeg_may_not_lack_anything_of_its_pixels(options, missing):
    content = pictures.jpeg(640, 480, seed=3, **options)
    assert rejected(content[:-missing]).code == "truncated"
