"""Preparation arithmetic against exact rational arithmetic, and against TFLM and LiteRT end to end."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import tiny_models
from ai_edge_litert.interpreter import Interpreter as LiteRt
from ai_edge_litert.interpreter import OpResolverType
from hypothesis import given
from hypothesis import strategies as st

from tflm_unit.converter.engine import Engine
from tflm_unit.converter.errors import ModelError
from tflm_unit.converter.quantization import (
    activation_range,
    add_multipliers,
    fully_connected_requantization,
    quantize_multiplier,
    quantize_multipliers,
    softmax_multiplier,
)
from tflm_unit.converter.reader import read_graph
from tflm_unit.interpreter import Interpreter


def exact_multiplier(scale: float) -> tuple[int, int]:
    """The definition: scale = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31) after rounding."""
    value = Fraction(scale)
    if value == 0:
        return 0, 0
    shift = 0
    while value >= 1:
        value, shift = value / 2, shift + 1
    while value < Fraction(1, 2):
        value, shift = value * 2, shift - 1
    multiplier = int(value * 2**31 + Fraction(1, 2))
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


@given(st.floats(0, 2.0**31))
def test_quantize_multiplier_is_exact(scale: float) -> None:
    expected = exact_multiplier(scale)
    if expected[1] > 30:
        with pytest.raises(ModelError, match="too large"):
            quantize_multiplier(scale)
    else:
        assert quantize_multiplier(scale) == expected


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),  # rounds up to 2^31, which does not fit
        (1 - 2.0**-32, (1 << 30, 1)),  # a half rounds away from zero
        (1 - 3 * 2.0**-33, ((1 << 31) - 1, 0)),
        (2.0**-32, (1 << 30, -31)),
        (2.0**-32 * (1 - 2.0**-20), (0, 0)),  # needs shift -32: flushed
        (5e-324, (0, 0)),
    ],
)
def test_quantize_multiplier_corners(scale: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(scale) == expected == exact_multiplier(scale)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -0.1, 2.0**30, 1e300])
def test_quantize_multiplier_refuses(scale: float) -> None:
    with pytest.raises(ModelError, match="requantization factor"):
        quantize_multiplier(scale)


def test_arrays_equal_scalars() -> None:
    scales = np.random.default_rng(1).lognormal(-5, 6, 500)
    multipliers, shifts = quantize_multipliers(scales)
    assert [*zip(multipliers, shifts, strict=True)] == [quantize_multiplier(s) for s in scales]
    assert multipliers.dtype == shifts.dtype == np.int32


def test_per_tensor_fully_connected_rounds_the_product_to_float32() -> None:
    x, w, y = np.float32(0.1), np.float32(0.3), np.float32(0.7)
    in_float = exact_multiplier(float(np.float32(x * w)) / float(y))
    assert in_float != exact_multiplier(float(x) * float(w) / float(y))
    result = fully_connected_requantization(x, w, y, 3)
    assert [*zip(result.multiplier, result.shift, strict=True)] == [in_float] * 3


@pytest.mark.parametrize(
    ("function", "scale", "zero_point", "expected"),
    [
        ("NONE", 0.1, 5, (-128, 127, False)),
        ("RELU", 0.1, 5, (5, 127, True)),
        ("RELU", 0.1, -128, (-128, 127, True)),
        ("RELU6", 0.1, -100, (-100, -40, True)),
        ("RELU6", 0.01, 0, (0, 127, True)),
        ("RELU6", 4.0, 0, (0, 2, True)),  # 1.5 rounds away from zero
        ("RELU_N1_TO_1", 0.4, 3, (0, 6, False)),  # -2.5 and 2.5
    ],
)
def test_activation_range(
    function: str, scale: float, zero_point: int, expected: tuple[int, int, bool]
) -> None:
    activation = activation_range(function, np.float32(scale), zero_point)
    assert (activation.min, activation.max, activation.fused_relu) == expected


def test_activation_limit_beyond_int32_is_refused() -> None:
    with pytest.raises(ModelError, match="too small"):
        activation_range("RELU6", np.float32(1e-12), 0)


def test_add_refuses_what_tflite_refuses() -> None:
    tiny = np.float32(1e-9)
    with pytest.raises(ModelError, match="output scale"):
        add_multipliers(np.float32(1), np.float32(1), tiny)
    assert add_multipliers(tiny, np.float32(1), np.float32(1)).input2 == (1 << 30, 0)


def test_softmax_limits() -> None:
    assert softmax_multiplier(1.0, np.float32(2.0**-10)) == (1 << 30, 17, -15872)
    assert softmax_multiplier(1.0, np.float32(15.99))[1:] == (30, -1)
    for steep in (16.0, 32.0, 1e30):
        assert softmax_multiplier(steep, np.float32(1)) == ((1 << 31) - 1, 30, 0)
    for flat in (0.0, 2.0**-27):
        with pytest.raises(ModelError, match="too flat"):
            softmax_multiplier(flat, np.float32(1))


def without_clip(model: bytes) -> bytes:
    """TFLM has no RELU_N1_TO_1."""

    def drop(file: tiny_models.Any) -> None:
        graph = file.subgraphs[0]
        clip = tiny_models.OPERATORS.RELU_N1_TO_1
        graph.operators = [
            x for x in graph.operators if file.operatorCodes[x.opcodeIndex].builtinCode != clip
        ]
        graph.outputs = [i for i in graph.outputs if graph.tensors[i].name != b"clip"]

    return tiny_models.edited(model, drop)


@pytest.mark.parametrize("seed", range(5))
def test_every_operator_equals_tflm(seed: int) -> None:
    model = without_clip(tiny_models.zoo(seed, all_outputs=True))
    graph = read_graph(model)
    assert not graph.unsupported
    x = np.random.default_rng(seed).normal(0, 4, (20, 9, 8, 3)).astype(np.float32)
    results = Engine(graph, schedule="dense").run(x).outputs
    interpreter = Interpreter(model, use_overrides=False)
    for n in range(len(x)):
        interpreter.set_tensor(graph.inputs[0], x[n : n + 1])
        interpreter.invoke()
        for index, result in zip(graph.outputs, results, strict=True):
            expected = interpreter.get_tensor(index)
            np.testing.assert_array_equal(result[n : n + 1], expected, err_msg=graph.tensors[index].name)
    assert all(len(np.unique(result)) > 2 for result in results), "an operator only saturates"


@pytest.mark.parametrize("factor", [7.99, 8.0, 15.99, 16.0, 31.0, 1e6])
def test_steep_softmax_equals_tflm(factor: float) -> None:
    """From a factor of 16 on TFLite clamps the multiplier."""
    original = without_clip(tiny_models.zoo(0, all_outputs=True))
    graph = read_graph(original)
    (softmax,) = (layer for layer in graph.layers if layer.op == "SOFTMAX")

    def widen(file: tiny_models.Any) -> None:
        beta = factor / float(graph.tensors[softmax.inputs[0]].scale[0])
        file.subgraphs[0].operators[softmax.index].builtinOptions.beta = beta

    model = tiny_models.edited(original, widen)
    assert not read_graph(model).unsupported
    x = np.random.default_rng(1).normal(0, 4, (40, 9, 8, 3)).astype(np.float32)
    position = graph.outputs.index(softmax.outputs[0])
    result = Engine(read_graph(model), schedule="dense").run(x).outputs[position]
    assert len(np.unique(result)) > 1
    interpreter = Interpreter(model, use_overrides=False)
    for n in range(len(x)):
        interpreter.set_tensor(graph.inputs[0], x[n : n + 1])
        interpreter.invoke()
        np.testing.assert_array_equal(result[n : n + 1], interpreter.get_tensor(softmax.outputs[0]))


@pytest.mark.parametrize("seed", range(5))
def test_relu_n1_to_1_equals_litert(seed: int) -> None:
    model = tiny_models.zoo(seed)
    graph = read_graph(model)
    x = np.random.default_rng(seed).normal(0, 4, (20, 9, 8, 3)).astype(np.float32)
    clipped = Engine(graph, schedule="dense").run(x).outputs[1]
    interpreter = LiteRt(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    for n in range(len(x)):
        interpreter.set_tensor(graph.inputs[0], x[n : n + 1])
        interpreter.invoke()
        np.testing.assert_array_equal(clipped[n : n + 1], interpreter.get_tensor(graph.outputs[1]))
