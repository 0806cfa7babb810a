"""From the file in a package to an ONNX model and its outputs."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import onnx
import pytest
from PIL import Image

from analysis.recognition.local import classifier, prepared_models
from analysis.recognition.local.conversion import efficientnet, ssdlite, tfjs_weights, torch_weights
from analysis.recognition.local.conversion.graph import Graph
from analysis.recognition.local.conversion.torch_weights import InvalidWeights
from tests.recognition import sample_pictures


@pytest.fixture(scope="module")
def weights():
    return torch_weights.read(prepared_models.classifier_weights())


def test_weights_in_the_package_are_those_imagelib_was_tested_with(weights):
    assert len(weights) == 296
    assert weights["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert weights["_fc.weight"].shape == (1000, 1280)
    assert float(weights["_fc.bias"].sum()) == pytest.approx(-0.0498, abs=1e-3)


def test_classifier_is_an_onnx_graph_that_is_the_same_each_time(weights):
    content = efficientnet.build(weights)
    model = onnx.load_from_string(content)

    assert content == efficientnet.build(weights)
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)
    assert [(item.name, len(item.type.tensor_type.shape.dim)) for item in model.graph.output] == [
        ("probabilities", 2),
        ("embedding", 2),
    ]


def test_classes_of_a_photograph_from_the_package_on():
    """The whole chain: package file, ONNX, onnxruntime, probabilities."""
    probabilities, embedding = classifier.classify(pixels("chelsea.png"))

    # Egyptian cat, tiger cat, tabby
    assert np.argsort(-probabilities)[:3].tolist() == [285, 282, 281]
    assert probabilities[[285, 282, 281]].tolist() == pytest.approx([0.57, 0.24, 0.12], abs=0.02)
    assert float(probabilities.sum()) == pytest.approx(1, abs=1e-4)
    assert (probabilities.shape, embedding.shape) == ((1000,), (1280,))
    assert (probabilities.dtype, embedding.dtype, float(embedding.min())) == (np.float32, np.float32, 0.0)
    assert classifier.classify(pixels("coffee.png")).probabilities[967] == pytest.approx(0.93, abs=0.02)  # espresso


def pixels(name: str) -> np.ndarray:
    with Image.open(sample_pictures.DATA / name) as image:
        return np.asarray(image.convert("RGB"))


def checkpoint(tensors: object, *, keys=(), data: bytes = b"", magic: int = torch_weights.MAGIC) -> bytes:
    parts = (magic, torch_weights.PROTOCOL, {"little_endian": True}, tensors, list(keys))
    return b"".join(pickle.dumps(part, protocol=2) for part in parts) + data


def test_pickle_that_calls_a_function_is_refused_before_the_call(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "called"),)

    (tmp_path / "weights.pth").write_bytes(checkpoint(OrderedDict(a=Evil())))

    with pytest.raises(InvalidWeights, match=r"posix\.mkdir is not part of a tensor"):
        torch_weights.read(tmp_path / "weights.pth")
    assert not (tmp_path / "called").exists()


def legacy(*, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0, length: int = 6) -> bytes:
    """A checkpoint with one tensor, written without PyTorch."""
    stream = io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            return ("storage", _FLOAT, "7", "cpu", length, None) if item is storage else None

    storage = _Named("storage")
    Pickler(stream, protocol=2).dump(OrderedDict(a=_Rebuilt(storage, offset, shape, strides)))
    tensors = (
        stream.getvalue()
        .replace(b"ctests.recognition.local.test_conversion\n_rebuild\n", b"ctorch._utils\n_rebuild_tensor_v2\n")
        .replace(b"ctests.recognition.local.test_conversion\n_FloatStorage\n", b"ctorch\nFloatStorage\n")
    )
    start = b"".join(pickle.dumps(part, protocol=2) for part in (torch_weights.MAGIC, torch_weights.PROTOCOL, {}))
    values = np.arange(length, dtype="<f4").tobytes()
    return start + tensors + pickle.dumps(["7"], protocol=2) + struct.pack("<q", length) + values


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name


class _FloatStorage:
    pass


_FLOAT = _FloatStorage


def _rebuild(*_):
    raise AssertionError


class _Rebuilt:
    def __init__(self, *values) -> None:
        self.values = values

    def __reduce__(self):
        return _rebuild, (*self.values, False, OrderedDict())


def test_tensors_are_views_of_their_storage(tmp_path):
    path = tmp_path / "weights.pth"

    path.write_bytes(legacy(shape=(2, 3), strides=(3, 1)))
    assert torch_weights.read(path)["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    path.write_bytes(legacy(shape=(3, 2), strides=(1, 3)))
    assert torch_weights.read(path)["a"].tolist() == [[0, 3], [1, 4], [2, 5]]
    path.write_bytes(legacy(shape=(2,), strides=(1,), offset=4))
    assert torch_weights.read(path)["a"].tolist() == [4, 5]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        checkpoint({}, magic=1),
        checkpoint(OrderedDict(a=1)),
        checkpoint(OrderedDict(), keys=["7"]),
        legacy(shape=(7,), strides=(1,)),  # beyond the storage
        legacy(shape=(2, 3), strides=(30, 1)),
        legacy(shape=(2,), strides=(1,), offset=-1),
        legacy(shape=(2, 3), strides=(3, 1))[:-1],
        legacy(shape=(2, 3), strides=(3, 1))[:40],
    ],
)
def test_damaged_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "weights.pth").write_bytes(content)

    with pytest.raises(InvalidWeights, match=r"^weights\.pth "):
        torch_weights.read(tmp_path / "weights.pth")


def tfjs(weights: list[dict[str, object]], *, data: bytes = bytes(range(16))) -> dict[str, bytes]:
    manifest = [{"paths": ["one", "two"], "weights": weights}]
    return {"model.json": json.dumps({"weightsManifest": manifest}).encode(), "one": data[:6], "two": data[6:]}


def test_tensorflow_js_weights_are_read_across_files():
    entries = [{"name": "a", "shape": [2, 1], "dtype": "int32"}, {"name": "b", "shape": [], "dtype": "float32"}]
    weights = tfjs_weights.read(tfjs(entries, data=struct.pack("<iif", 5, -6, 0.5)))

    assert weights["a"].tolist() == [[5], [-6]]
    assert float(weights["b"]) == 0.5


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"model.json": b"{"},
        {"model.json": b"[]"},
        tfjs([{"name": "a", "shape": [5], "dtype": "float32"}]),  # more than there is
        tfjs([{"name": "a", "shape": [1], "dtype": "string"}]),
        tfjs([{"name": "a", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint8"}}]),
        {name: content for name, content in tfjs([]).items() if name != "two"},
    ],
)
def test_damaged_tensorflow_js_model_is_refused(files):
    with pytest.raises(InvalidWeights):
        tfjs_weights.read(files)


@pytest.mark.parametrize("build", [efficientnet.build, ssdlite.build])
def test_missing_layer_is_named(build, weights):
    tensors = {name: value for name, value in weights.items() if name != "_blocks.3._project_conv.weight"}

    with pytest.raises(InvalidWeights, match="The weights have no '"):
        build(tensors)


def test_graph_that_does_not_fit_together_is_refused():
    graph = Graph()
    graph.add("images", "nowhere")

    with pytest.raises(onnx.checker.ValidationError):
        graph.model(inputs={"images": [1, 3]}, outputs={})
