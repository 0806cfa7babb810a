"""Descriptions of one's own models; each mistake has a sentence."""

from __future__ import annotations

import pytest

from analysis.recognition.local import model_description
from analysis.recognition.local.model_files import ModelUnavailable

DETECTOR = """
kind = "detector"
classes = ["cat", "dog"]
[input]
size = [640, 480]
[output]
boxes = "boxes"
scores = "scores"
"""


def read(tmp_path, text: str | bytes, kind: str = "detector"):
    (tmp_path / "own.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return model_description.read(tmp_path / "own.onnx", kind=kind)


def test_short_description_has_defaults(tmp_path):
    description = read(tmp_path, DETECTOR)

    assert (description.name, description.classes, description.labels) == ("own", ("cat", "dog"), {})
    assert (description.input.size, description.input.layout, description.input.fit) == ((640, 480), "NCHW", "stretch")
    assert (description.output.corners, description.output.unit, description.output.activation) == (
        *("xyxy", "fraction"),
        "none",
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("size = [640, 480]", ""), "own.toml: size must be a list of 2 numbers."),
        (("size = [640, 480]", "size = [640]"), "own.toml: size must be a list of 2 numbers."),
        (("640, 480", "0, 480"), "own.toml: size must be width and height in pixels, at most 4096."),
        (("640, 480", "640, 99999"), "own.toml: size must be width and height in pixels, at most 4096."),
        (("640, 480", "640, nan"), "own.toml: size must be a list of 2 numbers."),
        (("[output]", "std = [1, 0, 1]\n[output]"), "own.toml: std must not contain 0."),
        (("[output]", 'layout = "HWC"\n[output]'), 'own.toml: layout must be "NCHW", "NHWC", not \'HWC\'.'),
        (("[output]", "mean = [true, 0, 0]\n[output]"), "own.toml: mean must be a list of 3 numbers."),
        (
            ("[input]", "[inputs]"),
            "own.toml: unknown key inputs. Known are kind, name, input, output, ",
        ),
        (("[input]\nsize", "size"), "own.toml: unknown key size."),
        (('boxes = "boxes"', ""), "own.toml: [output] must name boxes and scores, or predictions instead of both."),
        (('boxes = "boxes"', "boxes = 1"), "own.toml: boxes must be a string in quotes."),
        (('"cat", "dog"', ""), "own.toml: classes must list the names of the model's classes."),
        (('["cat", "dog"]', '"cat"'), "own.toml: classes must be a list of names."),
        (('kind = "detector"', 'kind = "classifier"'), "own.toml: kind must be \"detector\", not 'classifier'."),
        (("[output]", "[labels]\nbird = 'Bird'\n[output]"), "own.toml: [labels] names bird, which is not a class."),
        (("[output]", "[labels]\ncat = 1\n[output]"), "own.toml: cat must be a string in quotes."),
        (("[output]", "[[new_labels]]\nname = 'X'\n[output]"), "own.toml: category must be a string in quotes."),
        (("[output]", "[new_labels]\n[output]"), "own.toml: new_labels must be tables, [[new_labels]]."),
        (("[output]", "[output"), "own.toml is not valid TOML: "),
    ],
)
def test_mistake_is_named(change, sentence, tmp_path):
    assert change[0] in DETECTOR
    with pytest.raises(ModelUnavailable) as raised:
        read(tmp_path, DETECTOR.replace(*change))
    assert str(raised.value).startswith(sentence)


def test_classifier_has_no_boxes(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"own\.toml: unknown key boxes\. Known are scores, "):
        read(tmp_path, DETECTOR.replace('"detector"', '"classifier"'), kind="classifier")


def test_missing_and_unreadable_descriptions_are_named(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"own\.toml is missing\. See docs/local-models\.md"):
        model_description.read(tmp_path / "own.onnx", kind="detector")
    with pytest.raises(ModelUnavailable, match=r"own\.toml is not valid TOML: "):
        read(tmp_path, b"\xff\xfe")
    with pytest.raises(ModelUnavailable, match=r"own\.toml is too large for a description"):
        read(tmp_path, b"#" * (model_description.MAX_BYTES + 1))
