"""Tables of the vocabulary: complete, consistent, in Rekognition's form."""

from __future__ import annotations

import re

import numpy as np
import pytest

from analysis.recognition.base import MAX_NAME_LENGTH, NAME
from analysis.recognition.local import inferred_labels, vocabulary

COCO = """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag,
tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard,
tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote,
keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear,
hair drier, toothbrush"""
# Each word of a name or alias: "Boston", "TV", "Jack-O'-Lantern", "Hand-Held".
TITLE_CASE = re.compile(r"[A-Z0-9][A-Za-z0-9]*(['-]+[A-Z0-9][A-Za-z0-9]*|'s)*")


def rows(file_name: str) -> list[dict[str, str]]:
    return list(vocabulary._rows(file_name))


def test_label_rows_are_unique_and_complete():
    names = [row["label"] for row in rows("vocabulary.csv")]

    assert sorted(set(names)) == sorted(names)
    assert [row for row in rows("vocabulary.csv") if None in row or None in row.values()] == []
    assert [row["label"] for row in rows("vocabulary.csv") if not row["category"]] == []


def test_every_parent_is_a_label():
    names = {row["label"] for row in rows("vocabulary.csv")}
    missing = {
        (row["label"], parent)
        for row in rows("vocabulary.csv")
        for parent in row["parents"].split("; ")
        if parent and parent not in names
    }

    assert missing == set()


def test_parents_have_no_cycle():
    assert [name for name, info in vocabulary.labels().items() if name in info.parents] == []


def test_parents_are_all_ancestors_without_repetition():
    for name, info in vocabulary.labels().items():
        of_parents = {ancestor for parent in info.parents for ancestor in vocabulary.labels()[parent].parents}
        assert of_parents <= set(info.parents), name
        assert sorted(set(info.parents)) == list(info.parents), name


def test_nearest_parents_do_not_contain_each_others_ancestors():
    redundant = [
        (row["label"], one, other)
        for row in rows("vocabulary.csv")
        for one in row["parents"].split("; ")
        for other in row["parents"].split("; ")
        if one and one in vocabulary.labels()[other].parents
    ]

    assert redundant == []


def test_names_and_aliases_are_in_title_case_and_accepted_by_rekognition_filters():
    for name, info in vocabulary.labels().items():
        for text in (name, *info.aliases, info.category):
            assert len(text) <= MAX_NAME_LENGTH
            assert NAME.fullmatch(text), text
        for text in (name, *info.aliases):
            assert [word for word in text.split(" ") if not TITLE_CASE.fullmatch(word)] == [], text


def test_aliases_are_of_one_label_and_no_label_themselves():
    aliases = [alias for info in vocabulary.labels().values() for alias in info.aliases]

    assert sorted(set(aliases)) == sorted(aliases)
    assert set(aliases) & set(vocabulary.labels()) == set()


def test_every_coco_class_has_a_label():
    assert set(vocabulary.coco_labels()) == set(re.split(r",\s+", COCO))
    assert len(vocabulary.coco_labels()) == 80
    assert [vocabulary.object_label(name) for name in ("cell phone", "tv", "couch")] == ["Mobile Phone", "TV", "Couch"]


def test_detector_may_use_names_of_labels():
    assert vocabulary.object_label("Cheetah") == "Cheetah"
    assert vocabulary.object_label("widget") is None


def test_every_imagenet_class_has_a_label():
    table = rows("imagenet.csv")

    assert [int(row["index"]) for row in table] == list(range(1000))
    assert len({row["class"] for row in table}) == 1000
    assert [row["class"] for row in table if not row["labels"]] == []
    assert {name for names in vocabulary.imagenet_labels() for name in names} - set(vocabulary.labels()) == set()


def test_no_imagenet_class_names_a_label_and_its_ancestor():
    assert [
        (row["class"], name)
        for row in rows("imagenet.csv")
        for name in row["labels"].split("; ")
        if any(name in vocabulary.labels()[other].parents for other in row["labels"].split("; "))
    ] == []


def test_every_label_can_be_given():
    given = set(vocabulary.coco_labels().values()) | {name for names in vocabulary.imagenet_labels() for name in names}
    given |= {parent for name in given for parent in vocabulary.labels()[name].parents}

    assert set(vocabulary.labels()) - given == set()


def test_labels_of_the_detectors_for_faces_and_text_are_the_same_here():
    for name in vocabulary.labels().keys() & inferred_labels.LABELS.keys():
        assert vocabulary.labels()[name] == inferred_labels.LABELS[name], name


@pytest.mark.parametrize(
    ("name", "parents"),
    [
        ("Cat", ("Animal", "Mammal", "Pet")),
        ("Dog", ("Animal", "Canine", "Mammal", "Pet")),
        ("Motorcycle", ("Transportation", "Vehicle")),
        ("Bus", ("Transportation", "Vehicle")),
        ("Dining Table", ("Furniture", "Table")),
        ("Lion", ("Animal", "Mammal", "Wildlife")),
        ("Espresso", ("Beverage", "Coffee")),
        ("Person", ()),
    ],
)
def test_labels_carry_the_ancestors_rekognition_gives_them(name, parents):
    assert vocabulary.labels()[name].parents == parents


def test_classes_next_to_known_numbers():
    """ImageNet's order, by classes that everyone can look up."""
    by_class = {row["class"]: int(row["index"]) for row in rows("imagenet.csv")}
    expected = {"tench": 0, "Chihuahua": 151, "tabby": 281, "cheetah": 293, "espresso": 967, "toilet tissue": 999}

    assert {name: by_class[name] for name in expected} == expected


def test_probability_of_a_label_is_the_sum_over_its_classes():
    probabilities = np.zeros(1000, dtype=np.float32)
    probabilities[[151, 180, 281]] = 0.25, 0.5, 0.125

    seen = vocabulary.probabilities_by_label(probabilities)

    assert seen["Chihuahua"] == 0.25
    assert seen["Terrier"] == 0.5
    assert seen["Dog"] == 0.75
    assert seen["Pet"] == seen["Mammal"] == seen["Animal"] == 0.875
    assert seen["Vehicle"] == 0.0


def test_a_class_counts_once_for_an_ancestor_it_reaches_twice():
    probabilities = np.zeros(1000, dtype=np.float32)
    probabilities[440] = 0.75  # beer bottle: Beer and Bottle

    assert vocabulary.probabilities_by_label(probabilities)["Beer Bottle"] == 0.75
