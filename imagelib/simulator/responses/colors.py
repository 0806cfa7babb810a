"""Image properties of DetectLabels: quality and dominant colors."""

from __future__ import annotations

import random
from typing import Final

from imagelib.simulator.responses.pseudo_random import Json

# Hex code, CSS name and simplified name, which is one of the twelve in Rekognition's guide.
COLORS: Final = """
000000 black black, 2f4f4f darkslategrey grey, 696969 dimgrey grey, 808080 grey grey, d3d3d3 lightgrey grey,
ffffff white white, fffaf0 floralwhite white, f5f5f5 whitesmoke white, ff0000 red red, 8b0000 darkred red,
dc143c crimson red, fa8072 salmon pink, ffc0cb pink pink, ff69b4 hotpink pink, ffa500 orange orange,
ff8c00 darkorange orange, ffff00 yellow yellow, ffd700 gold yellow, f0e68c khaki yellow, 008000 green green,
556b2f darkolivegreen green, 8fbc8f darkseagreen green, 228b22 forestgreen green, 0000ff blue blue,
000080 navy blue, 4682b4 steelblue blue, 87ceeb skyblue blue, 40e0d0 turquoise cyan, 5f9ea0 cadetblue cyan,
800080 purple purple, 4b0082 indigo purple, dda0dd plum purple, a52a2a brown brown, 8b4513 saddlebrown brown,
d2b48c tan brown, f5deb3 wheat brown
"""
PALETTE: Final = tuple(tuple(entry.split()) for entry in COLORS.split(","))


def dominant(draw: random.Random, maximum: int) -> list[Json]:
    """At most `maximum` colors, largest first, below 100 percent in total."""
    left = 100.0
    colors = []
    for code, css_name, simplified in draw.sample(PALETTE, min(maximum, draw.randint(2, 12))):
        share = round(left * (0.2 + 0.3 * draw.random()), 4)
        left -= share
        red, green, blue = bytes.fromhex(code)
        color = {"Red": red, "Green": green, "Blue": blue, "HexCode": f"#{code}", "CSSColor": css_name}
        colors.append({**color, "SimplifiedColor": simplified, "PixelPercent": share})
    return sorted(colors, key=lambda color: -float(color["PixelPercent"]))


def quality(draw: random.Random, *, with_contrast: bool = True) -> Json:
    values = {name: round(20 + 80 * draw.random(), 4) for name in ("Brightness", "Sharpness", "Contrast")}
    if not with_contrast:
        del values["Contrast"]
    return values


def properties(draw: random.Random, maximum: int) -> Json:
    """ImageProperties; foreground and background have no contrast, as with AWS."""
    image = {"Quality": quality(draw), "DominantColors": dominant(draw, maximum)}
    parts = {
        part: {"Quality": quality(draw, with_contrast=False), "DominantColors": dominant(draw, maximum)}
        for part in ("Foreground", "Background")
    }
    return {**image, **parts}
