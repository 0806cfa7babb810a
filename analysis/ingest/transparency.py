"""The background behind transparent pixels, since renditions have none."""

import numpy as np
from PIL import Image

WHITE, DARK = 255, 72
NEARLY_WHITE = 225
MIN_TRANSPARENT = 0.02


def background(sample: Image.Image) -> int:
    """A gray of 0 to 255: white, or dark behind mostly white pixels.

    A white logo for dark pages would be invisible on white.
    """
    sample = sample.convert("LA" if _is_gray(sample) else "RGBA")
    gray = np.asarray(sample.convert("L"))
    weight = np.asarray(sample.getchannel("A"), dtype=np.float64) / 255
    opaque = float(weight.sum())
    if opaque == 0 or opaque > weight.size * (1 - MIN_TRANSPARENT):
        return WHITE
    return DARK if float(weight[gray >= NEARLY_WHITE].sum()) > opaque / 2 else WHITE


def on_background(part: Image.Image, *, background: int) -> Image.Image:
    """The part without transparency, in mode L or RGB."""
    part = part.convert("LA" if _is_gray(part) else "RGBA")
    flattened = Image.new(part.mode.removesuffix("A"), part.size, (background,) * (len(part.getbands()) - 1))
    flattened.paste(part, mask=part.getchannel("A"))
    return flattened


def _is_gray(image: Image.Image) -> bool:
    return image.mode in {"L", "LA", "La"}
