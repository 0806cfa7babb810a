"""Pictures drawn in memory: all formats, all pixel types, and invalid files.

The picture is four quadrants in COLORS (see quadrants), so that color, orientation and size can be asserted.
"""

import random
from functools import cache, partial
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageCms, ImageDraw, PngImagePlugin

from tests.raw_bytes import bomb_gif, bomb_png, iso_media, png_of

pillow_heif.register_heif_opener()  # to write HEIC

RED, GREEN, BLUE, YELLOW = (220, 40, 40), (40, 180, 60), (40, 70, 210), (240, 210, 50)
COLORS = (RED, GREEN, BLUE, YELLOW)
"""Top left, top right, bottom left, bottom right."""

FORMATS = {
    "jpeg": ("JPEG", {"quality": 90}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"quality": 90}),
    "gif": ("GIF", {}),
    "tiff": ("TIFF", {}),
    "bmp": ("BMP", {}),
    "heic": ("HEIF", {"quality": 80}),
    "avif": ("AVIF", {"quality": 80, "speed": 10}),
}
"""Our name of a format: Pillow's, and the options to write it with."""


def quadrants(width: int = 160, height: int = 120) -> Image.Image:
    """Four quadrants: red, green, blue, yellow."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    middle, half = width // 2, height // 2
    for color, corner in zip(COLORS, ((0, 0), (middle, 0), (0, half), (middle, half)), strict=True):
        draw.rectangle((*corner, corner[0] + width, corner[1] + height), fill=color)
    return picture


def photo(seed: int = 0, width: int = 640, height: int = 480) -> Image.Image:
    """A picture like a photograph, different for each seed."""
    chance = random.Random(seed)
    light = np.random.default_rng(seed)
    ground = Image.fromarray(light.integers(30, 225, (6, 8, 3), dtype=np.uint8))
    picture = ground.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y, r = (
            chance.random() * width,
            chance.random() * height,
            (0.05 + 0.15 * chance.random()) * min(width, height),
        )
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randrange(256) for _ in range(3)))
    grain = Image.fromarray(light.integers(0, 256, (height, width), dtype=np.uint8))
    return Image.blend(picture, Image.merge("RGB", (grain,) * 3), 0.06)


def text_page(seed: int) -> Image.Image:
    """A page of words: the same margins and lines as every other, other words."""
    chance, page = random.Random(seed), Image.new("RGB", (850, 1100), "white")
    draw = ImageDraw.Draw(page)
    for top in range(100, 1000, 22):
        left = 100
        while left < 740:
            length = chance.randint(2, 9) * 8
            draw.rectangle((left, top, min(left + length, 750), top + 9), fill=(60, 60, 60))
            left += length + 8
    return page


def night_sky(seed: int) -> Image.Image:
    """Dark, with a hundred and fifty stars and a moon."""
    chance, sky = random.Random(seed), Image.new("RGB", (1200, 800), (6, 6, 12))
    draw = ImageDraw.Draw(sky)
    for _ in range(150):
        left, top, size = chance.randint(0, 1199), chance.randint(0, 799), chance.choice((0, 0, 1, 2))
        draw.ellipse((left - size, top - size, left + size, top + size), fill=(chance.randint(120, 255),) * 3)
    draw.ellipse((560, 360, 640, 440), fill="white")
    return sky


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    """The picture in one of FORMATS."""
    plugin, defaults = FORMATS[form]
    buffer = BytesIO()
    picture.save(buffer, plugin, **{**defaults, **options})
    return buffer.getvalue()


def _drawn(form: str, width: int = 160, height: int = 120, *, seed: int | None = None, **options) -> bytes:
    """Quadrants, or with a seed a photo; options are Pillow's."""
    return encoded(quadrants(width, height) if seed is None else photo(seed, width, height), form, **options)


jpeg, png, webp, gif, tiff, bmp, heic, avif = (partial(_drawn, form) for form in FORMATS)
"""One for each of FORMATS: jpeg(640, 480, seed=1, quality=80)."""


@cache
def every_format() -> dict[str, bytes]:
    """The quadrants in every accepted format, by our name of it."""
    return {form: encoded(quadrants(), form) for form in FORMATS}


@cache
def animated() -> dict[str, bytes]:
    """Pictures of several frames or pages, of which the quadrants are the first."""
    options = {"save_all": True, "append_images": [Image.new("RGB", (160, 120), "black")]}
    return {form: encoded(quadrants(), form, **options) for form in ("png", "webp", "gif", "tiff", "avif")} | {
        "jpeg": mpo()
    }


def mpo() -> bytes:
    """Two pictures in one JPEG, as phones write them."""
    buffer = BytesIO()
    quadrants().save(buffer, "MPO", save_all=True, append_images=[Image.new("RGB", (160, 120), "black")])
    return buffer.getvalue()


# Kinds of pixels


@cache
def every_mode() -> dict[str, tuple[str, bytes]]:
    """Files by pixel type: (format, bytes of the quadrants)."""
    picture = quadrants()
    gray = picture.convert("L")
    deep = np.asarray(gray, dtype=np.uint16) * 257
    hole = picture.convert("RGBA")
    hole.paste((0, 0, 0, 0), (40, 30, 60, 40))
    return {
        "gray": ("png", encoded(gray, "png")),
        "gray jpeg": ("jpeg", encoded(gray, "jpeg")),
        "gray and alpha": ("png", encoded(hole.convert("LA"), "png")),
        "gray 16 bit": ("png", encoded(Image.fromarray(deep), "png")),
        "gray 16 bit tiff": ("tiff", encoded(Image.fromarray(deep), "tiff")),
        "gray 16 bit big-endian tiff": ("tiff", encoded(Image.fromarray(deep.astype(">u2")), "tiff")),
        "gray 32 bit": ("tiff", encoded(Image.fromarray(deep.astype(np.int32)), "tiff")),
        "gray float to 1": ("tiff", encoded(Image.fromarray((deep / 65535).astype(np.float32)), "tiff")),
        "gray float to 255": ("tiff", encoded(Image.fromarray((deep / 257).astype(np.float32)), "tiff")),
        "color 16 bit": ("png", png_of(np.asarray(picture, dtype=np.uint16) * 257)),
        "color and alpha": ("png", encoded(hole, "png")),
        "color and alpha 16 bit": ("png", png_of(np.asarray(hole, dtype=np.uint16) * 257)),
        "color and alpha webp": ("webp", encoded(hole, "webp", lossless=True)),
        "color and alpha tiff": ("tiff", encoded(hole, "tiff")),
        "palette": ("png", encoded(picture.quantize(16), "png")),
        "palette with transparency": ("png", encoded(hole.quantize(16), "png")),
        "palette gif with transparency": ("gif", encoded(hole, "gif")),
        "color with a transparent color": ("png", encoded(picture, "png", transparency=(1, 2, 3))),
        "cmyk jpeg": ("jpeg", encoded(picture.convert("CMYK"), "jpeg")),
        "cmyk tiff": ("tiff", encoded(picture.convert("CMYK"), "tiff", compression="tiff_lzw")),
        "ycbcr tiff": ("tiff", encoded(picture, "tiff", compression="jpeg", quality=95)),
        "lab tiff": ("tiff", encoded(in_lab(picture), "tiff")),
        "deflated tiff": ("tiff", encoded(picture, "tiff", compression="tiff_adobe_deflate")),
        "progressive jpeg": ("jpeg", encoded(picture, "jpeg", progressive=True)),
        "interlaced gif": ("gif", encoded(picture, "gif", interlace=True)),
        "heic and alpha": ("heic", encoded(hole, "heic")),
        "avif and alpha": ("avif", encoded(hole, "avif")),
    }


def is_gray(mode: str) -> bool:
    return mode.startswith("gray")


def in_lab(picture: Image.Image) -> Image.Image:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(picture, srgb, lab, outputMode="LAB")


def one_bit() -> bytes:
    """Black above, white below."""
    picture = Image.new("1", (160, 120), 0)
    picture.paste(1, (0, 60, 160, 120))
    return encoded(picture, "png")


# Metadata

TURNED_BACK = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def with_orientation(orientation: int, form: str = "jpeg", **options) -> bytes:
    """A file with an EXIF orientation; upright, it shows the quadrants."""
    method = TURNED_BACK[orientation]
    picture = quadrants() if method is None else quadrants().transpose(method)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(picture, form, exif=exif.tobytes(), **options)


def exif_of(tags: dict | None = None, camera: dict | None = None, gps: dict | None = None) -> bytes:
    """EXIF from the tags of its three directories."""
    exif = Image.Exif()
    exif.update(tags or {})
    exif.get_ifd(ExifTags.IFD.Exif).update(camera or {})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps or {})
    return exif.tobytes()


def full_exif(**changes) -> bytes:
    """EXIF of a camera, with changes by tag; None omits a tag."""
    values = {
        "Make": "Canon",
        "Model": "EOS R5",
        "DateTimeOriginal": "2024:07:14 10:30:05",
        "OffsetTimeOriginal": "+02:00",
        "LensModel": "RF24-105mm F4 L IS USM",
        "ExposureTime": 1 / 250,
        "FNumber": 2.8,
        "ISOSpeedRatings": 400,
        "FocalLength": 35.0,
        "GPSLatitudeRef": "S",
        "GPSLatitude": (33.0, 51.0, 24.0),
        "GPSLongitudeRef": "E",
        "GPSLongitude": (151.0, 12.0, 54.0),
    } | changes
    parts: tuple[dict, dict, dict] = ({}, {}, {})
    for name, value in values.items():
        if value is None:
            continue
        if name.startswith("GPS"):
            parts[2][ExifTags.GPS[name]] = value
        else:
            tag = ExifTags.Base[name]
            parts[0 if tag in {ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.DateTime} else 1][tag] = value
    return exif_of(*parts)


def with_exif(form: str = "jpeg", **changes) -> bytes:
    """The quadrants with full_exif."""
    return encoded(quadrants(), form, exif=full_exif(**changes))


def exif_with_html() -> bytes:
    return with_exif(
        Make="<script>alert(1)</script>", Model="a\x00b\x07<b>\u202e", LensModel="<img src=x onerror=alert(1)>"
    )


def broken_exif_jpeg() -> bytes:
    """A good picture whose EXIF points outside of itself."""
    exif = full_exif()
    return jpeg(exif=exif[:14] + b"\xff" * 40 + exif[54:])


def xmp_of(properties: str, attributes: str = "") -> bytes:
    """A packet with these properties."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        f'xmlns:core="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" {attributes}>{properties}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def full_xmp() -> bytes:
    """XMP of a common program."""
    return xmp_of(
        "<dc:subject><rdf:Bag><rdf:li>Grandma</rdf:li><rdf:li>Trip 2026</rdf:li><rdf:li>été</rdf:li></rdf:Bag>"
        "</dc:subject>"
        '<dc:title><rdf:Alt><rdf:li xml:lang="de">Am See</rdf:li><rdf:li xml:lang="x-default">At the lake</rdf:li>'
        "</rdf:Alt></dc:title><dc:description><rdf:Alt><rdf:li>All of us, &lt;b&gt;at last&lt;/b&gt;.</rdf:li>"
        "</rdf:Alt></dc:description><dc:creator><rdf:Seq><rdf:li>Anna</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"
        "<dc:rights><rdf:Alt><rdf:li>© Anna</rdf:li></rdf:Alt></dc:rights><core:Location>Old pier</core:Location>"
        "<photoshop:City>Hallstatt</photoshop:City>",
        'xmp:Rating="4" photoshop:Country="Austria"',
    )


def dated_xmp(
    time: str = "2021-06-05T23:30:00+02:00", latitude: str = "47,33.5N", longitude: str = "13,38,30W"
) -> bytes:
    """A packet with a capture time and a location."""
    return xmp_of(
        f"<exif:GPSLatitude>{latitude}</exif:GPSLatitude>",
        f'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLongitude="{longitude}" exif:DateTimeOriginal="{time}"',
    )


def with_xmp(form: str, packet: bytes) -> bytes:
    """The quadrants with a packet."""
    if form == "tiff":
        return encoded(quadrants(), form, tiffinfo={ExifTags.Base.XMLPacket: packet})
    if form != "png":
        return encoded(quadrants(), form, xmp=packet)
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return encoded(quadrants(), form, pnginfo=info)


def iptc(*datasets: tuple[int, int, bytes]) -> bytes:
    """IIM datasets: record, number, value."""
    return b"".join(
        bytes((0x1C, record, number)) + len(value).to_bytes(2, "big") + value for record, number, value in datasets
    )


def with_iptc(block: bytes, **options) -> bytes:
    """A JPEG of the quadrants with Photoshop's resource for IPTC."""
    resource = b"8BIM\x04\x04\0\0" + len(block).to_bytes(4, "big") + block + b"\0" * (len(block) % 2)
    segment = b"Photoshop 3.0\0" + resource
    content = encoded(quadrants(), "jpeg", **options)
    return content[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + content[2:]


# Bad files


def empty() -> bytes:
    return b""


def truncated_jpeg() -> bytes:
    content = jpeg(640, 480, seed=1)
    return content[: len(content) // 2]


def text_as_jpg() -> bytes:
    return "Dear diary,\ntoday the café was closed.\n".encode()


def svg() -> bytes:
    return b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>\n'


def zipped() -> bytes:
    return b"PK\x03\x04\x14\0\0\0\x08\0" + b"\0" * 60


def damaged(content: bytes, *, at: float = 0.5, length: int = 64) -> bytes:
    """The same bytes with a hole of noise in them."""
    start = int(len(content) * at)
    return content[:start] + random.Random(1).randbytes(length) + content[start + length :]


@cache
def bad_files() -> dict[str, tuple[str, bytes, str]]:
    """Invalid files by defect: (file name, bytes, code of InvalidImage)."""
    picture = every_format()
    return {
        "empty": ("empty.jpg", empty(), "empty"),
        "text": ("diary.jpg", text_as_jpg(), "not-an-image"),
        "noise": ("noise.png", random.Random(2).randbytes(5000), "not-an-image"),
        "svg": ("holiday.svg", svg(), "svg"),
        "svg as png": ("holiday.png", svg(), "svg"),
        "zip": ("pictures.zip", zipped(), "archive"),
        "zip as jpg": ("pictures.jpg", zipped(), "archive"),
        "pdf": ("scan.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "document"),
        "video": ("clip.mp4", iso_media(b"mp42"), "video"),
        "raw": ("IMG_1.CR3", iso_media(b"crx "), "raw"),
        "photoshop": ("layers.psd", b"8BPS\0\x01" + bytes(40), "unsupported"),
        "truncated jpeg": ("half.jpg", truncated_jpeg(), "truncated"),
        "truncated png": ("half.png", png(seed=1)[:20_000], "truncated"),
        "truncated webp": ("half.webp", webp(seed=1)[:2_000], "truncated"),
        "truncated gif": ("half.gif", gif(seed=1)[:9_000], "truncated"),
        "truncated bmp": ("half.bmp", picture["bmp"][:20_000], "truncated"),
        "truncated heic": ("half.heic", picture["heic"][:-200], "truncated"),
        "truncated avif": ("half.avif", picture["avif"][:-200], "truncated"),
        "truncated tiff": ("half.tif", picture["tiff"][:20_000], "truncated"),
        "only a beginning": ("start.jpg", picture["jpeg"][:16], "truncated"),
        "damaged png": ("hole.png", damaged(png(seed=1)), "broken"),
        "bomb": ("bomb.png", bomb_png(), "too-many-pixels"),
        "gif bomb": ("bomb.gif", bomb_gif(), "too-many-pixels"),
    }


NASTY_NAMES = (
    "../../etc/passwd.jpg",
    "..\\..\\windows\\system.jpg",
    "/absolute/path.jpg",
    "..",
    ".",
    "",
    "   ",
    "a\x00b\x1b[31m\r\n.jpg",
    "invoice\u202egpj.exe",
    "\u2066\u200fmarks\u2069.png",
    "x" * 400 + ".jpeg",
    "é" * 400,
    "cafe\u0301.jpg",
    "\udce9tat.jpg",
    "<script>alert(1)</script>.jpg",
    "'; DROP TABLE images; --.jpg",
    "👨‍👩‍👧 family.heic",
    "صورة.jpg",
    "...jpg",
    ".jpg",
    "no extension",
    "con.jpg",
    "100%25.jpg",
    "two\u2028lines.jpg",
)
