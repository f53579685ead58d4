"""Reading models: layers, names, and a clear error for every way in which a file can be wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_models
from model_edits import Edit, bias_of_conv2, code, no_verifier, operator, tensor
from tiny_models import TYPES, edited, lenet, schema, zoo

from tflm_unit.converter.errors import ModelError
from tflm_unit.converter.graph import (
    ConcatenationParams,
    ConvParams,
    Layer,
    MeanParams,
    PadParams,
    PoolParams,
)
from tflm_unit.converter.layer_names import Named, layer_names
from tflm_unit.converter.reader import read_graph


def layer(model: bytes, name: str) -> Layer:
    return next(x for x in read_graph(model).layers if x.name == name)


def test_lenet() -> None:
    model = lenet()
    graph = read_graph(model)
    assert [x.name for x in graph.layers] == ["conv1", "pool", "conv2", "flatten", "dense", "softmax"]
    assert [x.name for x in graph.prunable] == ["conv1", "conv2", "dense"]
    assert not graph.unsupported
    conv1 = graph.layers[0].params
    assert isinstance(conv1, ConvParams)
    assert (conv1.input_offset, conv1.output_offset, conv1.padding) == (128, -128, (1, 1))
    assert conv1.requantization.multiplier.shape == (4,)
    weights = graph.weights(graph.layers[4])
    assert weights.shape == (5, 24)
    assert weights.data is not None
    assert not weights.data.flags.writeable
    expected = graph.tensors[graph.layers[4].inputs[0]].scale[0] * weights.scale.astype(np.float64)
    np.testing.assert_allclose(graph.product_scale(graph.layers[4]), expected, rtol=1e-12)


def test_parameters_of_the_other_operators() -> None:
    params = {x.name: x.params for x in read_graph(zoo()).layers}
    assert isinstance(params["conv"], ConvParams)
    assert params["conv"].padding == (1, 0)  # TFLite puts the odd element behind
    assert isinstance(params["depthwise"], ConvParams)
    assert params["depthwise"].ch_mult == 2
    pad, mean, concat = params["pad"], params["mean"], params["concat"]
    assert isinstance(pad, PadParams)
    assert (pad.pre, pad.post) == ((0, 1, 0, 0), (0, 2, 1, 0))
    assert isinstance(params["padv2"], PadParams)
    assert params["padv2"].value == 33
    assert isinstance(mean, MeanParams)
    assert (mean.outer, mean.reduced, mean.inner) == (1, 16, 17)
    assert concat == ConcatenationParams(outer=5, inner=(64, 64))
    assert isinstance(params["average"], PoolParams)
    assert (params["average"].filter, params["average"].stride) == ((3, 2), (2, 3))


@pytest.mark.parametrize("name", ["ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8"])
def test_mlperf_tiny_models_are_fully_supported(data_dir: Path, name: str) -> None:
    graph = read_graph((data_dir / "mlperf_tiny" / f"{name}.tflite").read_bytes())
    assert not graph.unsupported
    names = [x.name for x in graph.layers]
    assert len(set(names)) == len(names)
    assert not any(";" in x or x == x.upper() for x in names)


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ([("CONV_2D", "m/act/Relu;m/bn/FusedBatchNormV3;m/c9/Conv2D;m/c1/Conv2D1", "m/c1/Conv2D")], ["c1"]),
        ([("CONV_2D", "m/re_lu/Relu;m/sep/separable_conv2d", "tfl.pseudo_qconst3")], ["sep"]),
        (
            [("FULLY_CONNECTED", "Identity", "m/dense/MatMul"), ("SOFTMAX", "Identity_1", "")],
            ["dense", "softmax"],
        ),
        ([("RESHAPE", "m/c/Conv1D/ExpandDims", ""), ("CONV_2D", "m/c/Conv1D", "q")], ["c/reshape", "c"]),
        ([("CONV_2D", "m/c/Conv2D", ""), ("CONV_2D", "m/c/Conv2D", "")], ["c", "c/conv_2d"]),
        ([("ADD", "", ""), ("ADD", "", ""), ("ADD", "", "")], ["add", "add_2", "add_3"]),
        ([("FULLY_CONNECTED", "StatefulPartitionedCall:0", "")], ["fully_connected"]),
        ([("MAX_POOL_2D", "pool", "")], ["pool"]),
    ],
)
def test_layer_names(operators: list[tuple[str, str, str]], expected: list[str]) -> None:
    names = layer_names([Named(*operator) for operator in operators])
    assert [name.removeprefix("add/") for name in names] == expected


@pytest.mark.parametrize(
    ("model", "edit", "name", "reason"),
    [
        (lenet, tensor(13, q_scale=[0.01]), "softmax", "scale 1/256"),
        (lenet, operator(5, beta=0.0), "softmax", "too flat"),
        (lenet, operator(0, fusedActivationFunction=4), "conv1", "TANH"),
        (lenet, tensor(4, q_zeroPoint=[0]), "pool", "quantized differently"),
        (
            lenet,
            tensor(4, q_scale=[0.1] * 4, q_zeroPoint=[0] * 4, q_quantizedDimension=3),
            "pool",
            "4 scales",
        ),
        (lenet, tensor(4, quantization=None), "pool", "0 scales"),
        (lenet, tensor(8, shape=[24, 1]), "flatten", "leading dimension"),
        (lenet, tensor(4, isVariable=True), "pool", "variable"),
        (lenet, operator(4, inputs=[8, 8, 12]), "dense", "computed at run time"),
        (lenet, tensor(6, sparsity=schema.SparsityParametersT()), "conv2", "sparse"),
        (lenet, bias_of_conv2, "conv2", "more than int32"),
        (lenet, code(2, "CUSTOM", "Magic"), "flatten", "no such operator"),
        (lenet, code(2, "SHAPE"), "flatten", "static batch of 1"),
        (lenet, code(2, "WHILE"), "flatten", "control flow"),
        (zoo, operator(4, inputs=[5, 1]), "sum", "broadcasts"),
        (zoo, tensor(11, q_zeroPoint=[90]), "relu6", "quantized differently"),
        (zoo, tensor(9, q_scale=[1e-9]), "sum", "output scale 1e-09 is too small"),
        (zoo, tensor(8, q_scale=[1e-20]), "requantize", "too large"),
        (zoo, tensor(11, q_zeroPoint=[90]), "concat", "quantized differently"),
        (zoo, operator(7, fusedActivationFunction=tiny_models.RELU), "concat", "fused"),
        (zoo, operator(8, inputs=[12, 8]), "pad", "computed at run time"),
        (zoo, tensor(0, type=TYPES.INT16), "quantize", "int16"),
    ],
)
def test_unsupported(
    model: Callable[[], bytes], edit: Edit, name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_verifier(monkeypatch)
    graph = read_graph(edited(model(), edit))
    found = next(x for x in graph.unsupported if x.name == name)
    assert reason in found.unsupported
    assert len(graph.unsupported) < len(graph.layers)


@pytest.mark.parametrize(
    ("axes", "keep", "shape", "expected"),
    [
        ([1], True, (1, 1, 4, 3), (1, 6, 12)),
        ([2], False, (1, 6, 3), (6, 4, 3)),
        ([-1], False, (1, 6, 4), (24, 3, 1)),
        ([1, 2, 1], True, (1, 1, 1, 3), (1, 24, 3)),
        ([0, 1], True, (1, 1, 4, 3), (1, 6, 12)),
        ([0], True, (1, 6, 4, 3), (1, 1, 72)),
        ([1, 3], True, (1, 1, 4, 1), "not adjacent"),
        ([1, 2], False, (1, 4), "expected (1, 3)"),
        ([4], True, (1, 6, 4, 3), "do not fit"),
    ],
)
def test_mean_axes(
    axes: list[int], keep: bool, shape: tuple[int, ...], expected: tuple[int, ...] | str
) -> None:
    b = tiny_models.Builder()
    x, c, y = b.activation("x", (1, 6, 4, 3)), b.activation("c", (1, 6, 4, 3)), b.activation("y", shape)
    b.weighted("CONV_2D", x, c, (3, 1, 1, 3), tiny_models.options("Conv2D", strideH=1, strideW=1))
    reducer = tiny_models.options("Reducer", keepDims=keep)
    b.operator("MEAN", [c, b.constant("axes", np.array(axes, np.int32))], [y], reducer)
    model = b.build([x], [y])
    if not isinstance(expected, str):
        params = layer(model, "y").params
        assert isinstance(params, MeanParams)
        assert (params.outer, params.reduced, params.inner) == expected
    elif expected == "not adjacent":
        assert expected in layer(model, "y").unsupported
    else:
        with pytest.raises(ModelError, match=re.escape(expected)):
            read_graph(model)


def dense(x_type: int, weights: np.ndarray, y_type: int, dequantize: bool = False) -> bytes:
    """One FULLY_CONNECTED of any types; dequantize: its weights go through DEQUANTIZE."""
    b = tiny_models.Builder()
    x, y = b.tensor("x", (1, 4), x_type, 0.1), b.tensor("m/dense/MatMul", (1, 2), y_type, 0.1)
    w = b.constant("w", weights, 0.1)
    if dequantize:
        constant, w = w, b.tensor("w_float", weights.shape, TYPES.FLOAT32)
        b.operator("DEQUANTIZE", [constant], [w])
    b.operator("FULLY_CONNECTED", [x, w, -1], [y], tiny_models.options("FullyConnected"))
    return b.build([x], [y])


INT8_WEIGHTS, FLOAT_WEIGHTS = np.ones((2, 4), np.int8), np.ones((2, 4), np.float32)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (dense(TYPES.FLOAT32, FLOAT_WEIGHTS, TYPES.FLOAT32), "is float32: quantize the model to full int8"),
        (dense(TYPES.FLOAT32, INT8_WEIGHTS, TYPES.FLOAT32), "dynamic-range quantization"),
        (dense(TYPES.FLOAT32, INT8_WEIGHTS, TYPES.FLOAT32, dequantize=True), "weight-only quantization"),
        (dense(TYPES.INT16, INT8_WEIGHTS, TYPES.INT16), "is int16 (16x8 quantization)"),
        (dense(TYPES.UINT8, INT8_WEIGHTS, TYPES.UINT8), "is uint8 (TensorFlow 1 quantization)"),
        (dense(TYPES.INT8, FLOAT_WEIGHTS, TYPES.INT8), "the weight tensor is float32"),
    ],
)
def test_models_that_are_not_int8(model: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=re.escape(reason)) as error:
        read_graph(model)
    assert "layer 'dense' (FULLY_CONNECTED)" in str(error.value)


def test_bias_scale_of_per_tensor_dense_must_fit() -> None:
    graph = read_graph(zoo())
    bias = next(x for x in graph.layers if x.name == "dense_per_tensor").inputs[2]
    edit = tensor(bias, q_scale=[0.5])
    with pytest.raises(ModelError, match=r"dense_per_tensor.*the bias has scale 0.5"):
        read_graph(edited(zoo(), edit))


def test_model_without_prunable_layers() -> None:
    b = tiny_models.Builder()
    x, y = b.activation("x", (1, 4)), b.activation("y", (1, 4), 1 / 256, -128)
    b.operator("SOFTMAX", [x], [y], tiny_models.options("Softmax", beta=1.0))
    with pytest.raises(ModelError, match="none of the layers that can be pruned"):
        read_graph(b.build([x], [y]))
