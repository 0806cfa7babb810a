"""Pictures with the boxes of their labels drawn in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import IO, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageColor, ImageDraw, ImageFont

from analysis.exports.image_rows import LabelBox, LabelRow
from analysis.ingest.orientation import turned_box
from analysis.recognition.responses import Box

PALETTE = ("#0b6e6e", "#c2410c", "#6d28d9", "#15803d", "#b91c1c", "#1d4ed8", "#a16207", "#be185d")
CONTRAST = ("#ffff00", "#00ffff", "#ff00ff", "#00ff00")
# Okabe and Ito, "Color Universal Design", which can be distinguished with any kind of color vision.
COLOR_BLIND = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
PALETTES: dict[str, tuple[Promise, tuple[str, ...]]] = {
    "standard": (_("Standard"), PALETTE),
    "contrast": (_("High contrast"), CONTRAST),
    "color-blind": (_("For color-blind readers"), COLOR_BLIND),
}
Position = Literal["top", "bottom"]
FONT_SHARE = 1 / 45
"""Height of the text as a share of the shorter side."""
MIN_FONT, PADDING = 11, 4
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Style:
    """The look of boxes; lines in pixels, colors as in CSS."""

    line_width: int = 3
    position: Position = "top"
    palette: tuple[str, ...] = PALETTE
    has_confidence: bool = True


def annotated_jpeg(file: IO[bytes], labels: Sequence[LabelRow], style: Style, *, turns: int = 0) -> bytes:
    """The picture with a box and a name for each instance, as a JPEG.

    `turns`: quarter turns of the picture in relation to its boxes.
    """
    # Of our preview instead of the original, since its size is bounded and its format known.
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    draw = ImageDraw.Draw(picture)
    # Pillow's built-in font, so that no font file is needed.
    font = ImageFont.load_default(max(MIN_FONT, min(picture.size) * FONT_SHARE))
    named = [label for label in labels if label.boxes]
    for number, label in enumerate(named):
        color = style.palette[number % len(style.palette)]
        for instance in label.boxes:
            left, top, width, height = turned_box(*astuple(instance.box), turns=turns)
            box = Box(left, top, width, height)
            _draw(draw, box, _text(label, instance, style), font=font, color=color, style=style, size=picture.size)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _text(label: LabelRow, instance: LabelBox, style: Style) -> str:
    return f"{label.name} {instance.confidence:.0f}%" if style.has_confidence else label.name


def _draw(
    draw: ImageDraw.ImageDraw,
    box: Box,
    text: str,
    *,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    color: str,
    style: Style,
    size: tuple[int, int],
) -> None:
    width, height = size
    left, top = box.left * width, box.top * height
    right, bottom = left + box.width * width, top + box.height * height
    draw.rectangle((left, top, right, bottom), outline=color, width=style.line_width)
    text_left, text_top, text_right, text_bottom = draw.textbbox((0, 0), text, font=font)
    tag_width, tag_height = text_right - text_left + 2 * PADDING, text_bottom - text_top + 2 * PADDING
    y = top if style.position == "top" else bottom - tag_height
    x, y = min(max(0, left), max(0, width - tag_width)), min(max(0, y), max(0, height - tag_height))
    draw.rectangle((x, y, x + tag_width, y + tag_height), fill=color)
    draw.text((x + PADDING - text_left, y + PADDING - text_top), text, font=font, fill=_contrast(color))


def _contrast(color: str) -> str:
    """Black or white, by the background's brightness (ITU-R BT.601)."""
    red, green, blue = ImageColor.getrgb(color)[:3]
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "#ffffff"
