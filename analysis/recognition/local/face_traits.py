"""Estimates age and gender of faces, by the dlib project's networks.

They guess from appearance, are wrong for many people, and know only two genders. So they are off by default, and an age
is always a range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from analysis.recognition.local import sessions
from analysis.recognition.local.faces import Face
from analysis.recognition.local.model_files import PreparedModel
from analysis.recognition.local.prepared_models import AGE, GENDER

MEAN_RGB, SCALE = np.array([122.782, 117.001, 104.298], np.float32), 256.0
AGE_SIDE, GENDER_SIDE = 64, 32
MARGIN = 0.2  # of the box on each side
TAIL = 0.1  # probability left out at either end of the range
MIN_SPREAD = 5  # years to either side, since the networks are overconfident
MAX_FACES = 20  # the largest ones


@dataclass(frozen=True)
class Traits:
    """Age range in years; gender in Rekognition's words, with a confidence in percent."""

    age_low: int
    age_high: int
    gender: str
    confidence: float


def estimate(picture: NDArray[np.uint8], faces: tuple[Face, ...]) -> tuple[Traits, ...]:
    """Traits of the first faces, at most MAX_FACES.

    Raises ModelUnavailable, OutOfMemory.
    """
    chips = [_chip(picture, face) for face in faces[:MAX_FACES]]
    if not chips:
        return ()
    ages = _probabilities(AGE, chips, AGE_SIDE)
    genders = _probabilities(GENDER, chips, GENDER_SIDE)
    return tuple(_traits(age, gender) for age, gender in zip(ages, genders, strict=True))


def _chip(picture: NDArray[np.uint8], face: Face) -> Image.Image:
    """The face with a margin; what is outside of the picture is black."""
    margin = round(MARGIN * max(face.width, face.height))
    box = (face.left - margin, face.top - margin, face.left + face.width + margin, face.top + face.height + margin)
    return Image.fromarray(picture).crop(box)


def _probabilities(model: PreparedModel, chips: list[Image.Image], side: int) -> NDArray[np.float32]:
    pixels = [np.asarray(chip.resize((side, side), Image.Resampling.BILINEAR), np.float32) for chip in chips]
    images = ((np.stack(pixels) - MEAN_RGB) / SCALE).transpose(0, 3, 1, 2)
    session = sessions.session(model.name, model.version, model.verified_path)
    inputs = {"images": np.ascontiguousarray(images, np.float32)}
    return np.asarray(sessions.run(model.name, session, ["probabilities"], inputs)[0], np.float32)


def _traits(ages: NDArray[np.float32], genders: NDArray[np.float32]) -> Traits:
    cumulated = np.cumsum(ages) / ages.sum()
    expected = round(float(np.dot(np.arange(len(ages)), ages) / ages.sum()))
    low = min(int(np.searchsorted(cumulated, TAIL)), expected - MIN_SPREAD)
    high = max(int(np.searchsorted(cumulated, 1 - TAIL)), expected + MIN_SPREAD)
    is_male = bool(genders[1] > genders[0])
    return Traits(max(0, low), high, "Male" if is_male else "Female", 100 * float(genders.max()))
