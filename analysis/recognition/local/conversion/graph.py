"""Writes an ONNX graph layer by layer, in NCHW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from analysis.recognition.local.conversion.torch_weights import Weights

Array = NDArray[Any]

# The oldest version with every operator used here, so that any onnxruntime of the last years reads the file.
OPSET, IR_VERSION = 17, 8


class Graph:
    """An ONNX graph being built.

    Each method adds a layer to the named tensor and returns its output's name.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, value: Array, *, name: str = "") -> str:
        name = name or f"constant_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, operator: str, inputs: Sequence[str], *, output: str = "", **attributes: Any) -> str:
        output = output or f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(
        self, tensor: str, weights: Array, bias: Array, *, stride: int = 1, groups: int = 1, relu6: bool = True
    ) -> str:
        """A convolution with the padding of TensorFlow's SAME.

        `weights`: output x input x height x width.
        """
        inputs = [tensor, self.constant(weights.astype(np.float32)), self.constant(bias.astype(np.float32))]
        size, strides = weights.shape[2:], [stride, stride]
        output = self.node("Conv", inputs, auto_pad="SAME_UPPER", kernel_shape=size, strides=strides, group=groups)
        return self.relu6(output) if relu6 else output

    def relu6(self, tensor: str) -> str:
        for name, limit in (("zero", 0), ("six", 6)):
            if name not in self._constants:
                self.constant(np.array(limit, np.float32), name=name)
        return self.node("Clip", [tensor, "zero", "six"])

    def add(self, tensor: str, other: str) -> str:
        return self.node("Add", [tensor, other])

    def model(self, *, inputs: dict[str, list[int | str]], outputs: dict[str, list[int | str]]) -> bytes:
        """The ONNX file.

        Raises onnx.checker.ValidationError for a graph that does not fit together.
        """
        graph = helper.make_graph(
            self._nodes,
            "imagelib",
            [_float_tensor(name, shape) for name, shape in inputs.items()],
            [_float_tensor(name, shape) for name, shape in outputs.items()],
            list(self._constants.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))


def _float_tensor(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def fold_batch_norm(weights: Array, norm: str, tensors: Weights, *, names: Sequence[str], epsilon: float) -> Any:
    """A convolution's weights and bias with its batch normalization folded in.

    `names`: of scale, offset, mean and variance, after `norm`.
    """
    scale, offset, mean, variance = (tensors[norm + name].astype(np.float64) for name in names)
    factor = scale / np.sqrt(variance + epsilon)
    return weights * factor[:, None, None, None], offset - mean * factor
