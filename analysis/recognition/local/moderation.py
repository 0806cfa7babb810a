"""Scores the probability that a picture is explicit, by Yahoo's open_nsfw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from analysis.recognition.local import sessions
from analysis.recognition.local.prepared_models import MODERATION

# As in training: squeezed to a square, cropped by a margin, BGR minus the mean of the training pictures.
SIDE, MARGIN = 256, 16
MEAN_BGR = np.array([104, 117, 123], np.float32)


def score(picture: NDArray[np.uint8]) -> float:
    """From 0 to 1, of an RGB picture of any size.

    Raises ModelUnavailable, OutOfMemory.
    """
    image = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float32)[MARGIN : SIDE - MARGIN, MARGIN : SIDE - MARGIN, ::-1] - MEAN_BGR
    session = sessions.session(MODERATION.name, MODERATION.version, MODERATION.verified_path)
    (probabilities,) = sessions.run(
        MODERATION.name, session, ["outputs"], {"input:0": np.ascontiguousarray(pixels[None])}
    )
    return float(probabilities[0, 1])
