"""EfficientNet-Lite0 as an ONNX graph, from the weights of a PyTorch checkpoint.

Layers as in github.com/tensorflow/tpu, models/official/efficientnet/lite (Apache-2.0).
"""

from __future__ import annotations

from typing import NamedTuple

from analysis.recognition.local.conversion.graph import Graph, fold_batch_norm
from analysis.recognition.local.conversion.torch_weights import InvalidWeights, Weights

SIDE = 224
NORM = (".weight", ".bias", ".running_mean", ".running_var")


class Stage(NamedTuple):
    blocks: int
    stride: int


STAGES = (Stage(1, 1), Stage(2, 2), Stage(2, 2), Stage(3, 2), Stage(3, 1), Stage(4, 2), Stage(1, 1))


def build(tensors: Weights) -> bytes:
    """The ONNX file.

    Input: `images` (N, 3, 224, 224). Outputs: `probabilities` (N, 1000), `embedding` (N, 1280).
    """
    graph = Graph()
    try:
        features = _layers(graph, tensors)
        weights, bias = graph.constant(tensors["_fc.weight"]), graph.constant(tensors["_fc.bias"])
    except KeyError as error:
        raise InvalidWeights(f"The weights have no {error}.") from error
    pooled = graph.node("GlobalAveragePool", [features])
    graph.node("Flatten", [pooled], output="embedding")
    logits = graph.node("Gemm", ["embedding", weights, bias], transB=1)
    graph.node("Softmax", [logits], output="probabilities", axis=-1)
    return graph.model(
        inputs={"images": ["N", 3, SIDE, SIDE]}, outputs={"probabilities": ["N", 1000], "embedding": ["N", 1280]}
    )


def _layers(graph: Graph, tensors: Weights) -> str:
    def convolve(tensor: str, name: str, norm: str, *, stride: int = 1, groups: int = 1, relu6: bool = True) -> str:
        weights, bias = fold_batch_norm(tensors[f"{name}.weight"], norm, tensors, names=NORM, epsilon=1e-3)
        return graph.convolution(tensor, weights, bias, stride=stride, groups=groups, relu6=relu6)

    tensor = convolve("images", "_conv_stem", "_bn0", stride=2)
    strides = [stage.stride if block == 0 else 1 for stage in STAGES for block in range(stage.blocks)]
    channels = 32
    for number, stride in enumerate(strides):
        block, before, channels_before = f"_blocks.{number}", tensor, channels
        if number > 0:  # the first block does not expand its channels
            tensor = convolve(tensor, f"{block}._expand_conv", f"{block}._bn0")
        groups = len(tensors[f"{block}._depthwise_conv.weight"])
        tensor = convolve(tensor, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride, groups=groups)
        tensor = convolve(tensor, f"{block}._project_conv", f"{block}._bn2", relu6=False)
        channels = len(tensors[f"{block}._project_conv.weight"])
        if stride == 1 and channels == channels_before:
            tensor = graph.add(tensor, before)
    return convolve(tensor, "_conv_head", "_bn1")
