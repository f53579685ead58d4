"""A small int8 classifier, built without TensorFlow: two convolutions with ReLU and a dense layer, random weights.

Layer names: conv, strided, logits. Input 'image': (1, 8, 8, 2), real range about 0..1; 5 classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tflite_micro.tensorflow.lite.micro.compression import model_editor as editor
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

SHAPE = (1, 8, 8, 2)
CLASSES = 5
LAYERS = ("conv", "strided", "logits")


def images(count: int, seed: int = 0) -> np.ndarray:
    """float32 (count, 8, 8, 2) in 0..1, half of the pixels black."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, *SHAPE[1:])).astype(np.float32)
    return np.maximum(x, 0)


def classifier(extra_operator: str | None = None) -> bytes:
    """The model; `extra_operator` (LOGISTIC, HARD_SWISH, ...) follows the dense layer when given."""
    rng = np.random.default_rng(7)
    model = editor.Model(description="tests/classifier.py")
    subgraph = model.add_subgraph(name="main")
    x = _activation(subgraph, "image", SHAPE, 1 / 255, -128)
    subgraph.inputs.append(x)
    x = _conv(subgraph, rng, x, "conv", (1, 6, 6, 6), stride=1)
    x = _conv(subgraph, rng, x, "strided", (1, 2, 2, 8), stride=2)
    flat = _activation(subgraph, "flat", (1, 32), 0.05, -128)
    shape = subgraph.add_tensor(
        name="shape", shape=(2,), dtype=schema.TensorType.INT32, data=np.array([1, 32], np.int32)
    )
    subgraph.add_operator(opcode=schema.BuiltinOperator.RESHAPE, inputs=[x, shape], outputs=[flat])
    y = _activation(subgraph, "logits", (1, CLASSES), 0.1, 3)
    weights, bias = _weights(subgraph, rng, "logits", (CLASSES, 32), 0.05, axis=None)
    operator = subgraph.add_operator(
        opcode=schema.BuiltinOperator.FULLY_CONNECTED, inputs=[flat, weights, bias], outputs=[y]
    )
    _options(operator, "FullyConnectedOptions", schema.FullyConnectedOptionsT())
    if extra_operator is not None:
        z = _activation(subgraph, "extra", (1, CLASSES), 1 / 256, -128)
        subgraph.add_operator(opcode=getattr(schema.BuiltinOperator, extra_operator), inputs=[y], outputs=[z])
        y = z
    subgraph.outputs.append(y)
    return bytes(model.build())


def _activation(
    subgraph: editor.Subgraph, name: str, shape: tuple[int, ...], scale: float, zero_point: int
) -> editor.Tensor:
    quantization = editor.Quantization([scale], [zero_point])
    return subgraph.add_tensor(
        name=name, shape=shape, dtype=schema.TensorType.INT8, quantization=quantization
    )


def _weights(
    subgraph: editor.Subgraph,
    rng: np.random.Generator,
    name: str,
    shape: tuple[int, ...],
    input_scale: float,
    axis: int | None,
) -> tuple[editor.Tensor, editor.Tensor]:
    node = "MatMul" if axis is None else "Conv2D"  # what TFLite's converter calls them
    scales = [0.01] if axis is None else [float(s) for s in rng.uniform(0.005, 0.02, shape[axis])]
    values = np.clip(np.rint(rng.normal(0, 40, shape)), -127, 127).astype(np.int8)
    weights = subgraph.add_tensor(
        name=f"{name}/{node}",
        shape=shape,
        dtype=schema.TensorType.INT8,
        data=values,
        quantization=editor.Quantization(scales, [0] * len(scales), axis),
    )
    bias = subgraph.add_tensor(
        name=f"{name}/bias",
        shape=shape[:1],
        dtype=schema.TensorType.INT32,
        data=rng.integers(-500, 500, shape[0]).astype(np.int32),
        quantization=editor.Quantization([s * input_scale for s in scales], [0] * len(scales), axis),
    )
    return weights, bias


def _conv(
    subgraph: editor.Subgraph,
    rng: np.random.Generator,
    x: editor.Tensor,
    name: str,
    output_shape: tuple[int, ...],
    stride: int,
) -> editor.Tensor:
    scale = x.quantization.scales[0]
    shape = (output_shape[3], 3, 3, x.shape[3])
    weights, bias = _weights(subgraph, rng, name, shape, scale, axis=0)
    y = _activation(subgraph, f"{name}/Relu", output_shape, 0.05, -128)
    operator = subgraph.add_operator(
        opcode=schema.BuiltinOperator.CONV_2D, inputs=[x, weights, bias], outputs=[y]
    )
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.VALID
    options.strideH = options.strideW = stride
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    _options(operator, "Conv2DOptions", options)
    return y


def _options(operator: editor.Operator, kind: str, options: Any) -> None:
    operator._fb.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    operator._fb.builtinOptions = options
