"""SSDLite-MobileNetV2 for COCO as an ONNX graph.

From the weights of a TensorFlow.js model. Layers as in TensorFlow's object detection API, ssdlite_mobilenet_v2_coco
(Apache-2.0).
"""

from __future__ import annotations

import numpy as np

from analysis.recognition.local.conversion.graph import Array, Graph, fold_batch_norm
from analysis.recognition.local.conversion.torch_weights import InvalidWeights, Weights

SIDE = 300
# Three for each cell of the first grid (19 by 19), and six for each of those of 10, 5, 3, 2 and 1.
BOXES = 1917
CLASSES = 90  # COCO's ids from 1 to 90, of which 80 are used
SCALES = (10.0, 10.0, 5.0, 5.0)  # factors of the encoded y, x, height and width
STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)  # strides of the backbone's blocks
EXTRA_LAYERS = (("2", 256, 512), ("3", 128, 256), ("4", 128, 256), ("5", 64, 128))
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def build(tensors: Weights) -> bytes:
    """The ONNX file.

    Input: `images` (1, 3, 300, 300). Outputs: `scores` (1, 1917, 90), `boxes` (1, 1917, 4) as y, x, y, x.
    """
    graph = Graph()
    try:
        layers = _Layers(graph, tensors)
        features = layers.features()
        encoded = [layers.predict(tensor, number, "BoxEncoding", 4) for number, tensor in enumerate(features)]
        logits = [layers.predict(tensor, number, "Class", 1 + CLASSES) for number, tensor in enumerate(features)]
        anchors = tensors["Postprocessor/ExpandDims"]
    except KeyError as error:
        raise InvalidWeights(f"The weights have no {error}.") from error
    scores = graph.node("Sigmoid", [graph.node("Concat", logits, axis=1)])
    bounds = [graph.constant(np.array([value])) for value in (1, 1 + CLASSES, 2)]  # class 0 is the background
    graph.node("Slice", [scores, *bounds], output="scores")
    _decode(graph, graph.node("Concat", encoded, axis=1), anchors)
    return graph.model(
        inputs={"images": [1, 3, SIDE, SIDE]}, outputs={"scores": [1, BOXES, CLASSES], "boxes": [1, BOXES, 4]}
    )


class _Layers:
    def __init__(self, graph: Graph, tensors: Weights) -> None:
        self._graph = graph
        self._tensors = tensors

    def features(self) -> list[str]:
        """The tensors that objects are predicted from, largest first."""
        tensor, channels = self._convolve("images", "Conv", stride=2), 32
        features = []
        for number, stride in enumerate(STRIDES):
            block, before, channels_before = f"expanded_conv_{number}".removesuffix("_0"), tensor, channels
            if number > 0:  # the first block does not expand its channels
                tensor = self._convolve(tensor, f"{block}/expand")
            if number == 13:
                features.append(tensor)
            tensor = self._depthwise(tensor, f"{block}/depthwise", stride=stride)
            tensor = self._convolve(tensor, f"{block}/project", relu6=False)
            channels = self._tensors[f"{_BACKBONE}{block}/project/Conv2D/merged_input"].shape[-1]
            if stride == 1 and channels == channels_before:
                tensor = self._graph.add(tensor, before)
        features.append(self._convolve(tensor, "Conv_1"))
        for layer, inner, outer in EXTRA_LAYERS:
            tensor = self._convolve(features[-1], f"layer_19_1_Conv2d_{layer}_1x1_{inner}")
            name = f"layer_19_2_Conv2d_{layer}_3x3_s2_{outer}"
            tensor = self._depthwise(tensor, f"{name}_depthwise", stride=2)
            features.append(self._convolve(tensor, name))
        return features

    def predict(self, tensor: str, number: int, kind: str, values: int) -> str:
        """The values of each box of one size, (1, boxes, values)."""
        name = f"BoxPredictor_{number}/{kind}Predictor"
        weights = _depthwise_weights(self._tensors[f"{name}_depthwise/depthwise_weights"])
        folded = fold_batch_norm(weights, f"{name}_depthwise/BatchNorm/", self._tensors, names=NORM, epsilon=1e-3)
        tensor = self._graph.convolution(tensor, *folded, groups=len(weights))
        weights, bias = self._tensors[f"{name}/weights"].transpose(3, 2, 0, 1), self._tensors[f"{name}/biases"]
        tensor = self._graph.convolution(tensor, weights, bias, relu6=False)
        tensor = self._graph.node("Transpose", [tensor], perm=[0, 2, 3, 1])
        return self._graph.node("Reshape", [tensor, self._graph.constant(np.array([1, -1, values]))])

    def _convolve(self, tensor: str, name: str, *, stride: int = 1, relu6: bool = True) -> str:
        weights = self._tensors[f"{_BACKBONE}{name}/Conv2D/merged_input"].transpose(3, 2, 0, 1)
        bias = self._tensors[f"{_BACKBONE}{name}/BatchNorm/batchnorm/sub"]
        return self._graph.convolution(tensor, weights, bias, stride=stride, relu6=relu6)

    def _depthwise(self, tensor: str, name: str, *, stride: int) -> str:
        weights = _depthwise_weights(self._tensors[f"{_BACKBONE}{name}/depthwise_weights"])
        factor = self._tensors[f"{_BACKBONE}{name}/BatchNorm/batchnorm/mul"]
        bias = self._tensors[f"{_BACKBONE}{name}/BatchNorm/batchnorm/sub"]
        weights = weights * factor[:, None, None, None]
        return self._graph.convolution(tensor, weights, bias, stride=stride, groups=len(weights))


_BACKBONE = "FeatureExtractor/MobilenetV2/"


def _depthwise_weights(weights: Array) -> Array:
    """From TensorFlow's height x width x channels x 1."""
    return weights.transpose(2, 3, 0, 1)


def _decode(graph: Graph, encoded: str, anchors: Array) -> None:
    """Boxes in fractions of the picture, from their offsets to the anchors."""
    sizes = anchors[..., 2:] - anchors[..., :2]
    centers, sizes_of_anchors = graph.constant(anchors[..., :2] + sizes / 2), graph.constant(sizes)
    scaled = graph.node("Div", [encoded, graph.constant(np.array(SCALES, np.float32))])
    offset = graph.node("Slice", [scaled, *(graph.constant(np.array([value])) for value in (0, 2, 2))])
    growth = graph.node("Slice", [scaled, *(graph.constant(np.array([value])) for value in (2, 4, 2))])
    center = graph.node("Add", [graph.node("Mul", [offset, sizes_of_anchors]), centers])
    size = graph.node("Mul", [graph.node("Exp", [growth]), sizes_of_anchors])
    half = graph.node("Mul", [size, graph.constant(np.array(0.5, np.float32))])
    corners = [graph.node(operator, [center, half]) for operator in ("Sub", "Add")]
    graph.node("Concat", corners, output="boxes", axis=2)
