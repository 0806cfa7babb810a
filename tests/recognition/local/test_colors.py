from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from analysis.recognition.local import colors as local_colors

NAMES = {
    "black": "black",
    "white": "white snow ivory azure beige whitesmoke",
    "grey": "gray dimgray silver darkgray lightgray slategray darkslategray",
    "red": "red darkred crimson firebrick indianred tomato maroon",
    "orange": "orange darkorange coral chocolate sandybrown peru",
    "yellow": "yellow gold khaki lemonchiffon goldenrod",
    "green": "green lime darkgreen olive olivedrab forestgreen palegreen darkolivegreen springgreen",
    "cyan": "cyan teal turquoise darkcyan paleturquoise aquamarine",
    "blue": "blue navy royalblue steelblue skyblue dodgerblue midnightblue",
    "purple": "purple indigo violet orchid darkviolet magenta",
    "pink": "pink hotpink deeppink lightpink salmon",
    "brown": "saddlebrown sienna tan",
}


@pytest.mark.parametrize("expected", NAMES)
def test_twelve_names(expected):
    named = {name: local_colors.simplified(*ImageColor.getrgb(name)) for name in NAMES[expected].split()}

    assert named == dict.fromkeys(named, expected)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [((0, 0, 0), "black"), ((250, 2, 3), "red"), ((28, 28, 28), "darkslategray"), ((127, 128, 127), "gray")],
)
def test_nearest_css_color(rgb, name):
    assert local_colors.css_color(*rgb) == name


def test_css_colors_map_to_themselves():
    colors = {name: ImageColor.getrgb(name) for name in ImageColor.colormap}

    assert {ImageColor.getrgb(local_colors.css_color(*rgb)) for rgb in colors.values()} == set(colors.values())


def picture(*stripes, size=(400, 300)):
    """Upright stripes of a color and its share."""
    image = Image.new("RGB", size)
    draw, left = ImageDraw.Draw(image), 0
    for color, share in stripes:
        draw.rectangle([left, 0, left + size[0] * share - 1, size[1]], fill=color)
        left += round(size[0] * share)
    return image


def test_dominant_colors_have_their_share_of_pixels():
    colors = local_colors.dominant(np.asarray(picture(("navy", 0.5), ("gold", 0.3), ("red", 0.2))))

    assert [(color.css_color, color.simplified_color) for color in colors] == [
        ("navy", "blue"),
        ("gold", "yellow"),
        ("red", "red"),
    ]
    assert [color.percent for color in colors] == pytest.approx([50, 30, 20], abs=1.5)
    assert (colors[0].red, colors[0].green, colors[0].blue) == (0, 0, 128)


def test_shades_of_a_color_are_merged():
    noise = np.random.default_rng(1).normal(0, 12, (300, 400, 1))
    pixels = np.clip(np.asarray(picture(("seagreen", 1.0))) + noise, 0, 255).astype(np.uint8)

    (color,) = local_colors.dominant(pixels)

    assert (color.simplified_color, color.percent) == ("green", pytest.approx(100, abs=2))


def test_specks_are_not_dominant():
    colors = local_colors.dominant(np.asarray(picture(("white", 0.99), ("red", 0.01))))

    assert [color.simplified_color for color in colors] == ["white"]


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (7, 5)])
def test_tiny_picture_has_one_color(size):
    (color,) = local_colors.dominant(np.asarray(Image.new("RGB", size, "teal")))

    assert (color.simplified_color, color.percent) == ("cyan", 100)


def gray(image):
    return np.asarray(image.convert("L"))


def test_quality_of_extremes():
    black, white = local_colors.quality(gray(picture(("black", 1)))), local_colors.quality(gray(picture(("white", 1))))
    both = local_colors.quality(gray(picture(("black", 0.5), ("white", 0.5))))

    assert (black.brightness, black.sharpness, black.contrast) == (0, 0, 0)
    assert (white.brightness, white.sharpness, white.contrast) == (pytest.approx(100), 0, pytest.approx(0))
    assert (both.brightness, both.contrast) == (pytest.approx(50, abs=1), pytest.approx(100))


def test_blur_lowers_sharpness():
    lines = Image.new("L", (300, 300), "white")
    draw = ImageDraw.Draw(lines)
    for start in range(0, 300, 20):
        draw.line([(start, 0), (start + 60, 300)], "black", 2)

    sharp, soft, softer = (
        local_colors.quality(np.asarray(lines.filter(ImageFilter.GaussianBlur(radius)))).sharpness
        for radius in (0, 2, 5)
    )

    assert 100 >= sharp > soft + 15 > softer + 30 > 30
