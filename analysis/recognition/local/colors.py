"""Dominant colors and their names; brightness, sharpness and contrast."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

SIDE = 128  # pixels of the long side of the image that is clustered
MAX_COLORS = 10  # Rekognition's default
MIN_PERCENT = 2.0
SHADE_DISTANCE = 0.08  # in OKLab; colors closer than this are shades of one color (0.02 is just noticeable)


@dataclass(frozen=True)
class Quality:
    """Values from 0 to 100, like Rekognition's."""

    brightness: float
    sharpness: float
    contrast: float


Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dominant:
    red: int
    green: int
    blue: int
    css_color: str
    simplified_color: str
    percent: float


def dominant(rgb: Pixels) -> tuple[Dominant, ...]:
    """The dominant colors, largest share first, each the mean of its pixels.

    `rgb` is height x width x 3.
    """
    image = Image.fromarray(rgb)
    pixels = np.asarray(image.reduce(math.ceil(max(image.size) / SIDE))).reshape(-1, 3)
    lab = oklab(pixels)
    nearest = _cluster(lab)
    shares: dict[tuple[str, str], list[Pixels]] = defaultdict(list)
    for index in np.unique(nearest):
        members = pixels[nearest == index]
        shares[_names(members)].append(members)
    # Clusters with the same names are shades of one color to a reader, so they are merged.
    merged = [_color(names, np.concatenate(parts), total=len(pixels)) for names, parts in shares.items()]
    merged.sort(key=lambda color: -color.percent)
    return tuple(color for color in merged[:MAX_COLORS] if color.percent >= MIN_PERCENT)


def _names(members: Pixels) -> tuple[str, str]:
    red, green, blue = _mean(members)
    return css_color(red, green, blue), simplified(red, green, blue)


def _color(names: tuple[str, str], members: Pixels, *, total: int) -> Dominant:
    red, green, blue = _mean(members)
    return Dominant(red, green, blue, *names, percent=100 * len(members) / total)


def _mean(pixels: Pixels) -> tuple[int, int, int]:
    red, green, blue = (round(channel) for channel in pixels.mean(axis=0).tolist())
    return red, green, blue


def _cluster(lab: Floats) -> NDArray[np.intp]:
    """The cluster of each pixel, by deterministic k-means."""
    cells = np.round(lab / SHADE_DISTANCE).astype(np.int64)
    unique, inverse, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    order = np.argsort(-counts, kind="stable")
    means = np.stack([np.bincount(inverse, lab[:, axis], len(unique)) for axis in range(3)], axis=1) / counts[:, None]
    centers = _apart(means[order])
    nearest = np.zeros(len(lab), dtype=np.intp)
    for _ in range(6):
        nearest = _nearest(lab, centers)
        sizes = np.bincount(nearest, minlength=len(centers))
        sums = np.stack([np.bincount(nearest, lab[:, axis], len(centers)) for axis in range(3)], axis=1)
        centers = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centers)
    return nearest


def _apart(means: Floats) -> Floats:
    """The first means that are not shades of an earlier one."""
    chosen = [means[0]]
    for mean in means[1:]:
        if min(float(np.linalg.norm(mean - other)) for other in chosen) > 1.5 * SHADE_DISTANCE:
            chosen.append(mean)
        if len(chosen) == MAX_COLORS + 2:
            break
    return np.array(chosen)


def _nearest(lab: Floats, centers: Floats) -> NDArray[np.intp]:
    distances: Floats = np.stack([((lab - center) ** 2).sum(axis=1) for center in centers])
    return np.asarray(distances.argmin(axis=0))


def oklab(rgb: Pixels) -> Floats:
    """Convert n x 3 sRGB values to OKLab.

    Lightness 0 to 1, then green-red and blue-yellow, about -0.4 to 0.4.

    Björn Ottosson, "A perceptual color space for image processing" (2020).
    """
    linear = _linear()[rgb]
    cone = np.cbrt(linear @ _TO_CONES)
    return np.asarray(cone @ _TO_LAB)


_TO_CONES = np.array(
    [
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ]
)


@cache
def _linear() -> Floats:
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def simplified(red: int, green: int, blue: int) -> str:
    """One of the twelve names of Rekognition's SimplifiedColor.

    AWS publishes neither the list nor the boundaries between the names.
    """
    lightness, a, b = oklab(np.array([[red, green, blue]], dtype=np.uint8))[0].tolist()
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    if lightness < 0.22 or (lightness < 0.30 and chroma < 0.05):
        return "black"
    if chroma < (0.03 if 0.85 <= lightness < 0.92 else 0.045):
        return "white" if lightness > 0.90 else "grey"
    if 20 <= hue < 100 and _is_brown(lightness, chroma, hue):
        return "brown"
    if lightness > 0.70 and chroma < 0.16 and (hue < 40 or hue >= 335):
        return "pink"
    name = next(name for end, name in HUES if hue < end)
    return "green" if name == "yellow" and hue >= 100 and lightness < 0.65 else name  # olive


def _is_brown(lightness: float, chroma: float, hue: float) -> bool:
    """Dark orange and yellow, and the muted tones of wood, skin and sand."""
    if hue < 42:
        return lightness < 0.48 and chroma < 0.12
    return lightness < 0.62 or (chroma < 0.09 and lightness < 0.80)


# OKLab hue in degrees up to which a color has the name.
HUES = (
    *((8, "pink"), (37, "red"), (76, "orange"), (112, "yellow"), (165, "green"), (222, "cyan"), (283, "blue")),
    *((330, "purple"), (361, "pink")),
)


def css_color(red: int, green: int, blue: int) -> str:
    """The nearest of CSS's named colors."""
    names, lab = _named()
    differences = lab - oklab(np.array([[red, green, blue]], dtype=np.uint8))
    distances = (differences**2) @ (1, 6, 6)  # without weights, dark grays would be midnightblue
    return names[int(distances.argmin())]


@cache
def _named() -> tuple[tuple[str, ...], Floats]:
    names = tuple(ImageColor.colormap)
    rgb = np.array([ImageColor.getrgb(name)[:3] for name in names], dtype=np.uint8)
    return names, oklab(rgb)


def gray(rgb: Pixels, *, side: int) -> Pixels:
    """Gray values, reduced so that the long side is at most `side`."""
    image = Image.fromarray(rgb).convert("L")
    image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(image)


def quality(gray: Pixels) -> Quality:
    """Brightness, sharpness and contrast of a gray image or a part of one."""
    lightness = 100 * np.cbrt(_linear()[gray])  # OKLab's lightness of a gray
    low, high = np.percentile(lightness, (2, 98)).tolist()
    return Quality(brightness=float(lightness.mean()), sharpness=_sharpness(gray), contrast=high - low)


def _sharpness(gray: Pixels) -> float:
    """Sharpness, 0 to 100, by the effect of another blur.

    Crete et al., "The blur effect", 2007.
    """
    values = gray.astype(np.float32)
    return 100 * max(_loss(values), _loss(values.T))


def _loss(values: NDArray[np.float32]) -> float:
    """The share of horizontal differences that a horizontal blur removes."""
    if values.shape[1] <= BLUR:
        return 0.0
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    blurred = (sums[:, BLUR:] - sums[:, :-BLUR]) / BLUR
    inner = values[:, BLUR // 2 : BLUR // 2 + blurred.shape[1]]
    before, after = np.abs(np.diff(inner, axis=1)), np.abs(np.diff(blurred, axis=1))
    total = float(before.sum())
    return float(np.maximum(0, before - after).sum()) / total if total else 0.0


# Pixels of the box filter.
BLUR = 9
