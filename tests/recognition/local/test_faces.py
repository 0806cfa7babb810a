from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from analysis.recognition.local import faces
from tests.recognition import sample_pictures
from tests.recognition.local import own_models
from tests.recognition.local.prepared import needs_detector


def test_lfw_faces_are_detected_without_false_positives():
    detected = faces.find(sample_pictures.lfw("faces"))

    tiles = {((face.left + face.width // 2) // 110, (face.top + face.height // 2) // 110) for face in detected}
    assert len(tiles) == len(detected) >= 22
    assert faces.find(sample_pictures.lfw("others")) == ()


@pytest.fixture(scope="module")
def astronaut():
    with Image.open(sample_pictures.DATA / "astronaut.png") as image:
        return image.convert("RGB").crop((80, 0, 380, 300))


@pytest.mark.parametrize("change", ["as it is", "mirrored", "four times as large", "half as large", "dark", "gray"])
def test_face_is_detected_in_all_variants(astronaut, change):
    changed = {
        "as it is": lambda image: image,
        "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "four times as large": lambda image: image.resize((1200, 1200)),
        "half as large": lambda image: image.resize((150, 150)),
        "dark": lambda image: image.point(lambda value: value // 3),
        "gray": lambda image: image.convert("L").convert("RGB"),
    }[change](astronaut)

    (face,) = faces.find(np.asarray(changed))

    share = face.width / changed.width
    assert share == pytest.approx(0.33, abs=0.06)
    assert (face.left + face.width / 2) / changed.width == pytest.approx(
        0.48 if change != "mirrored" else 0.52, abs=0.02
    )


def test_upside_down_face_is_not_detected(astronaut):
    assert faces.find(np.asarray(astronaut.transpose(Image.Transpose.ROTATE_180))) == ()


def test_faces_are_sorted_by_size(astronaut):
    wall = Image.new("RGB", (600, 300), "gray")
    wall.paste(astronaut.resize((150, 150)), (20, 75))
    wall.paste(astronaut, (250, 0))

    large, small = faces.find(np.asarray(wall))

    assert large.width == pytest.approx(2 * small.width, rel=0.15)
    assert small.left < large.left


@needs_detector
def test_face_from_the_side_is_detected():
    with Image.open(sample_pictures.DATA / "camera.png") as image:
        (face,) = faces.find(np.asarray(image.convert("RGB")))

    center = (face.left + face.width / 2) / image.width, (face.top + face.height / 2) / image.height
    assert center == pytest.approx((0.43, 0.32), abs=0.03)
    assert face.width / image.width == pytest.approx(0.18, abs=0.03)
    assert 80 <= face.confidence < 90


@needs_detector
@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "color.png", "phantom.png", "motorcycle_left.png"])
def test_other_things_are_no_faces(name):
    with Image.open(sample_pictures.DATA / name) as image:
        assert faces.find(np.asarray(image.convert("RGB"))) == ()


def test_without_the_model_for_large_faces_the_cascades_remain(tmp_path, astronaut):
    with own_models.configured(folder=tmp_path):
        assert len(faces.find(np.asarray(astronaut))) == 1


@needs_detector
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
def test_pictures_of_any_size_have_no_faces(size):
    assert faces.find(np.zeros((*size, 3), np.uint8)) == ()
