"""The models' labels of scikit-image's pictures, with and without a detector."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from analysis.recognition.local import label_models
from analysis.recognition.responses import Box
from tests.recognition.local.prepared import needs_detector


def pixels(name):
    picture = getattr(data, name)()
    return picture[..., :3] if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)


def names(picture, *, text_share=0.0):
    return {label.name for label in label_models.find(picture, text_share=text_share)}


@pytest.mark.parametrize(
    "name",
    ["hubble_deep_field", "retina", "immunohistochemistry", "cell", "moon", "coins", "microaneurysms", "gravel"],
)
def test_star_fields_and_microscope_pictures_have_no_labels(name):
    assert names(pixels(name)) == set()


def test_silhouette_is_a_horse_or_nothing():
    silhouette = np.where(data.horse()[..., None], 255, 0).astype(np.uint8).repeat(3, axis=-1)

    assert names(silhouette) - {"Animal", "Horse", "Mammal"} == set()


def test_photographs_have_labels():
    assert {"Animal", "Cat", "Mammal", "Pet"} <= names(pixels("chelsea"))
    assert {"Beverage", "Coffee", "Espresso"} <= names(pixels("coffee"))


@needs_detector
def test_objects_have_the_models_that_named_them():
    labels = {label.name: label for label in label_models.find(pixels("chelsea"), text_share=0.0)}

    assert labels["Cat"].models == ("classifier", "detector")
    assert len(labels["Cat"].instances) == 1


def test_page_of_text_has_no_labels():
    assert names(pixels("chelsea"), text_share=0.3) == set()


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        (Box(0.25, 0.5, 0.5, 0.5), (50, 50)),
        (Box(0.0, 0.0, 1.0, 1.0), (100, 100)),
        (Box(1.0, 1.0, 0.0, 0.0), (1, 1)),
        (Box(0.5, 0.5, 0.0001, 0.0001), (1, 1)),
    ],
)
def test_cut_out_part_is_never_empty(box, shape):
    assert label_models._cut_out(np.zeros((100, 100, 3), np.uint8), box).shape[:2] == shape
