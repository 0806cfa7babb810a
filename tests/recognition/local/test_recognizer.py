from __future__ import annotations

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from analysis.recognition import responses
from analysis.recognition.base import ApiUnavailable, Parameters, UnreadableResponse
from analysis.recognition.local import inspection
from analysis.recognition.local.prepared_models import DETECTOR
from analysis.recognition.local.recognizer import LocalRecognizer
from tests.recognition import aws_shapes, sample_pictures
from tests.recognition.local.prepared import needs_detector

PERSON = {"Face", "Head", "Person", "Photography", "Portrait"}
CUP = {"Beverage", "Coffee", "Cup", "Espresso"}
FOUND = {
    "astronaut.png": PERSON,
    "camera.png": {"Black And White", "Face", "Head", "Person", "Photography", "Portrait", "Tripod"},
    "chelsea.png": {"Animal", "Cat", "Mammal", "Pet"},
    "coffee.png": CUP,
    "coins.png": {"Black And White"},
    "gravel.png": {"Black And White"},
    "motorcycle_left.png": {"Motorcycle", "Transportation", "Vehicle"},
    "page.png": {"Black And White", "Document", "Text"},
    "rocket.jpg": set(),
}
"""What the local recognizer says of scikit-image's photographs; all it does not say is not there or not known."""

BOXES = {
    "camera.png": ("Person", (0.0, 0.13, 0.61, 0.87)),
    "chelsea.png": ("Cat", (0.0, 0.01, 0.89, 0.98)),
    "coffee.png": ("Cup", (0.29, 0.05, 0.4, 0.57)),
    "motorcycle_left.png": ("Motorcycle", (0.12, 0.11, 0.81, 0.81)),
}

COLORS = {
    "astronaut.png": {"grey", "black", "orange", "brown", "red", "purple"},
    "chelsea.png": {"brown"},
    "coffee.png": {"orange", "brown", "red", "black", "white"},
    "motorcycle_left.png": {"grey", "brown", "black", "red"},
    "rocket.jpg": {"blue", "black", "grey", "brown"},
}


@needs_detector
@pytest.mark.parametrize("name", FOUND)
def test_labels_of_photographs(name):
    assert {label.name for label in responses.labels_in(sample_pictures.answer(name, "labels").content)} == FOUND[name]


@needs_detector
@pytest.mark.parametrize("name", BOXES)
def test_boxes_of_objects(name):
    label_name, box = BOXES[name]
    labels = {label.name: label for label in responses.labels_in(sample_pictures.answer(name, "labels").content)}
    (instance,) = labels[label_name].instances

    assert [instance.box.left, instance.box.top, instance.box.width, instance.box.height] == pytest.approx(
        box, abs=0.05
    )


@pytest.mark.parametrize("name", COLORS)
def test_colors_of_photographs(name):
    colors = responses.colors_in(sample_pictures.answer(name, "labels").content)

    assert {color.simplified_color for color in colors} == COLORS[name]


@pytest.mark.parametrize("api", sorted(LocalRecognizer.apis))
@pytest.mark.parametrize("name", ["astronaut.png", "page.png", "gravel.png"])
def test_responses_have_rekognitions_shapes(name, api):
    answer = sample_pictures.answer(name, api)

    assert aws_shapes.complaints_about_local(answer.content, aws_shapes.OPERATIONS[api]) == []
    assert answer.model_version == inspection.model_version(api)
    assert len(answer.model_version) <= 40


def test_face_box_matches_the_astronauts_face():
    (face,) = responses.faces_in(sample_pictures.answer("astronaut.png", "faces").content)

    assert [face.box.left, face.box.top, face.box.width, face.box.height] == pytest.approx(
        [0.34, 0.13, 0.19, 0.19], abs=0.03
    )
    assert face.confidence > 95
    assert (face.age_low, face.gender, face.smile, face.emotions) == (None, None, None, ())
    assert face.quality.brightness > 60


def test_labels_have_ancestors_and_faces_have_boxes():
    labels_by_name = {
        label.name: label for label in responses.labels_in(sample_pictures.answer("astronaut.png", "labels").content)
    }
    (face,) = responses.faces_in(sample_pictures.answer("astronaut.png", "faces").content)

    assert labels_by_name["Portrait"].parents == ("Face", "Head", "Person", "Photography")
    assert labels_by_name["Person"].aliases == ("Human",)
    assert len(labels_by_name["Person"].instances) == DETECTOR.is_whole()
    assert labels_by_name["Head"].instances == ()
    assert [(instance.box, instance.confidence) for instance in labels_by_name["Face"].instances] == [
        (face.box, face.confidence)
    ]


def test_text_of_a_page():
    texts = responses.texts_in(sample_pictures.answer("page.png", "text").content)

    assert [text.text for text in texts if text.is_line][:3] == [
        "Region-based segmentation",
        "Let us first determine markers of the coins and the",
        "background. These markers are pixels that we can label",
    ]
    assert [text.text for text in texts if not text.is_line][:4] == ["Region-based", "segmentation", "Let", "us"]


def test_text_boxes_match_the_drawn_text():
    keep_left, harbor, *words = responses.texts_in(sample_pictures.analyze(sample_pictures.sign(), "text").content)

    assert [word.text for word in words] == ["KEEP", "LEFT", "Harbor", "24"]
    assert (keep_left.text, harbor.text) == ("KEEP LEFT", "Harbor 24")
    assert [keep_left.box.left, keep_left.box.top] == pytest.approx([100 / 800, 110 / 600], abs=0.03)
    assert [harbor.box.left, harbor.box.top] == pytest.approx([100 / 800, 310 / 600], abs=0.03)
    keep, left = words[:2]
    assert keep.box.left == pytest.approx(keep_left.box.left, abs=0.02)
    assert keep.box.left + keep.box.width < left.box.left
    assert left.box.left + left.box.width == pytest.approx(keep_left.box.left + keep_left.box.width, abs=0.02)


def test_words_refer_to_their_line():
    detections = sample_pictures.analyze(sample_pictures.sign(), "text").content["TextDetections"]

    assert [(entry["Id"], entry.get("ParentId")) for entry in detections] == [
        (0, None),
        (1, None),
        (2, 0),
        (3, 0),
        (4, 1),
        (5, 1),
    ]


@pytest.mark.parametrize("size", [(1, 1), (80, 80), (3, 400), (400, 3)])
@pytest.mark.parametrize("api", sorted(LocalRecognizer.apis))
def test_blank_picture_has_no_detections(size, api, capfd):
    answer = sample_pictures.analyze(sample_pictures.jpeg(Image.new("RGB", size, (90, 140, 60))), api)

    for read in (responses.labels_in, responses.faces_in, responses.texts_in):
        assert read(answer.content) == ()
    assert capfd.readouterr() == ("", "")  # RapidOCR would say so on the terminal


def test_parameters_limit_the_labels():
    all_labels = responses.labels_in(sample_pictures.answer("astronaut.png", "labels").content)
    picture = sample_pictures.sample("astronaut.png")

    surer = sample_pictures.analyze(picture, "labels", min_confidence=90, image_properties=False)
    first = sample_pictures.analyze(picture, "labels", max_labels=2)

    assert [label.confidence for label in all_labels] == sorted(
        (label.confidence for label in all_labels), reverse=True
    )
    assert {label.name for label in responses.labels_in(surer.content)} == {"Face", "Head", "Person"}
    assert "ImageProperties" not in surer.content
    assert responses.labels_in(first.content) == all_labels[:2]


def broken_pictures():
    jpeg = sample_pictures.sign()
    bomb = io.BytesIO()
    Image.new("1", (8000, 8000)).save(bomb, "PNG")
    return {
        "empty": (b"", "NotAPicture"),
        "text": (b"not a picture", "NotAPicture"),
        "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "NotAPicture"),
        "truncated": (jpeg[: len(jpeg) // 2], "NotAPicture"),
        "header only": (jpeg[:20], "NotAPicture"),
        "bomb": (bomb.getvalue(), "PictureTooLarge"),
    }


@pytest.mark.parametrize("api", sorted(LocalRecognizer.apis))
@pytest.mark.parametrize("kind", ["empty", "text", "svg", "truncated", "header only", "bomb"])
def test_damaged_picture_raises_unreadable_response(kind, api):
    picture, code = broken_pictures()[kind]

    with pytest.raises(UnreadableResponse) as raised:
        sample_pictures.analyze(picture, api)

    assert str(raised.value).startswith(f"The {api} request failed with {code}: ")


def test_unsupported_api_raises_api_unavailable():
    with pytest.raises(ApiUnavailable, match="ApiNotOffered"):
        sample_pictures.analyze(sample_pictures.sign(), "celebrities")


def test_threads_get_identical_results():
    """All at once on pictures that nobody has looked at, as a worker's threads do."""
    names, apis = ["coffee.png", "chelsea.png"], sorted(LocalRecognizer.apis)
    calls = [(sample_pictures.sample(name) + b"\0", api) for name in names for api in apis]  # other bytes, same picture
    together = threading.Barrier(len(calls))

    def inspection(picture, api):
        together.wait()
        return sample_pictures.analyze(picture, api).content

    with ThreadPoolExecutor(len(calls)) as pool:
        results = list(pool.map(inspection, *zip(*calls, strict=True)))

    assert results == [sample_pictures.answer(name, api).content for name in names for api in apis]


def test_results_are_cached_and_evicted():
    first = inspection._inspection(b"first")

    assert inspection._inspection(b"first") is first
    for number in range(inspection.CACHE_SIZE):
        inspection._inspection(b"%d" % number)
    assert inspection._inspection(b"first") is not first
    assert len(inspection._inspections) == inspection.CACHE_SIZE


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_child_does_not_wait_for_parent_locks():
    cached = inspection._inspection(b"picture")

    with inspection._cache_lock:  # as if another thread held it
        child = os.fork()
        if child == 0:
            os._exit(0 if inspection._inspection(b"picture") is not cached else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def test_default_parameters_are_accepted():
    answer = LocalRecognizer().recognize(
        sample_pictures.sign(), api="faces", parameters=Parameters(max_labels=1, min_confidence=100)
    )

    assert answer.content == {"FaceDetails": []}
