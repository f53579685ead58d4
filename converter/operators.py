"""Parameters of every operator that the batch engine runs; `prepare` dispatches by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .errors import ModelError
from .flatbuffer import ACTIVATIONS
from .graph import (
    PRUNABLE,
    Activation,
    AddParams,
    ConcatenationParams,
    CopyParams,
    MeanParams,
    PadParams,
    Params,
    PoolParams,
    QuantizeParams,
    RequantizeParams,
    SoftmaxParams,
    Tensor,
)
from .operands import (
    INT32_MAX,
    Operands,
    UnsupportedError,
    Window,
    check_shape,
    padding_scheme,
    scale_of,
    zero_point_of,
)
from .quantization import (
    ADD_LEFT_SHIFT,
    INT8_MIN,
    InexpressibleError,
    activation_range,
    add_multipliers,
    quantize_multiplier,
    softmax_multiplier,
)
from .weighted import conv_2d, depthwise_conv_2d, fully_connected

_SHAPE_OPERATORS = ("SHAPE", "STRIDED_SLICE", "PACK", "FILL", "RANGE", "GATHER")
_CONTROL_FLOW = ("IF", "WHILE", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_CASE")


def prepare(operands: Operands) -> Params:
    """Raises UnsupportedError where the batch engine cannot run the operator, ModelError where it is invalid.

    Scales that do not fit each other make a prunable operator invalid; any other is left to TFLM.
    """
    prepare_operator = _PREPARE.get(operands.op)
    if prepare_operator is not None:
        try:
            return prepare_operator(operands)
        except InexpressibleError as error:
            if operands.op in PRUNABLE:
                raise
            raise UnsupportedError(str(error)) from error
    if operands.op in _SHAPE_OPERATORS:
        raise UnsupportedError(
            "shapes are computed at run time; export the model with a static batch of 1, or convert the Keras model"
        )
    if operands.op in _CONTROL_FLOW:
        raise UnsupportedError("control flow; only subgraph 0 is read")
    raise UnsupportedError("the batch engine has no such operator")


def _pool(operands: Operands) -> PoolParams:
    operands.expect(inputs=(1,))
    options = operands.option(schema.Pool2DOptionsT)
    x, y = operands.input(0, rank=4), operands.output(rank=4)
    if x.shape[3] != y.shape[3]:
        raise ModelError(f"it turns {x.shape[3]} channels into {y.shape[3]}")
    # TFLite's own tolerance.
    if abs(float(scale_of(x) - scale_of(y))) > 1e-6 or zero_point_of(x) != zero_point_of(y):
        raise UnsupportedError("input and output are quantized differently")
    scheme = padding_scheme(options.padding)
    rows = Window(options.filterHeight, options.strideH)
    columns = Window(options.filterWidth, options.strideW)
    return PoolParams(
        filter=(rows.size, columns.size),
        stride=(rows.stride, columns.stride),
        padding=(
            rows.padding(scheme, "height", x.shape[1], y.shape[1]),
            columns.padding(scheme, "width", x.shape[2], y.shape[2]),
        ),
        activation=operands.activation(options.fusedActivationFunction, y),
    )


def _add(operands: Operands) -> AddParams:
    operands.expect(inputs=(2,))
    options = operands.option(schema.AddOptionsT)
    a, b, y = operands.input(0), operands.input(1), operands.output()
    if a.shape != b.shape:
        raise UnsupportedError(f"it broadcasts {a.shape} and {b.shape}")
    _same_shape(a, y)
    multipliers = add_multipliers(scale_of(a), scale_of(b), scale_of(y))
    return AddParams(
        input1_offset=-zero_point_of(a),
        input1_multiplier=multipliers.input1[0],
        input1_shift=multipliers.input1[1],
        input2_offset=-zero_point_of(b),
        input2_multiplier=multipliers.input2[0],
        input2_shift=multipliers.input2[1],
        left_shift=ADD_LEFT_SHIFT,
        output_offset=zero_point_of(y),
        output_multiplier=multipliers.output[0],
        output_shift=multipliers.output[1],
        activation=operands.activation(options.fusedActivationFunction, y),
    )


def _pad(operands: Operands) -> PadParams:
    operands.expect(inputs=(2, 3))
    x, y = operands.input(), operands.output()
    rank = len(x.shape)
    if rank > 4:
        raise UnsupportedError(f"{rank} dimensions")
    amounts = operands.constant(1, np.int32, "padding amounts")
    if amounts.shape != (rank, 2):
        raise ModelError(f"padding amounts have shape {amounts.shape}; expected ({rank}, 2)")
    if amounts.min() < 0:
        raise UnsupportedError("negative padding")
    expected = tuple(size + int(a) + int(b) for size, (a, b) in zip(x.shape, amounts, strict=True))
    if y.shape != expected:
        raise ModelError(f"output shape {y.shape}; padding gives {expected}")
    value = zero_point_of(y)
    if len(operands.inputs) == 3:
        values = operands.constant(2, np.int8, "padding values")
        if values.size != 1:
            raise ModelError(f"{values.size} padding values; expected 1")
        value = int(values.reshape(-1)[0])
    whole = np.zeros((4, 2), dtype=np.int64)
    whole[4 - rank :] = amounts
    pre, post = (tuple(int(n) for n in column) for column in whole.T)
    return PadParams(pre=pre, post=post, value=value)  # type: ignore[arg-type]


def _mean(operands: Operands) -> MeanParams:
    operands.expect(inputs=(2,))
    options = operands.option(schema.ReducerOptionsT)
    x, y = operands.input(), operands.output()
    rank = len(x.shape)
    axes = operands.constant(1, np.int32, "axes").reshape(-1)
    if axes.size == 0 or axes.min() < -rank or axes.max() >= rank:
        raise ModelError(f"axes {axes.tolist()} do not fit an input of {rank} dimensions")
    reduced = {int(axis) % rank for axis in axes}
    kept = [1 if axis in reduced else size for axis, size in enumerate(x.shape)]
    expected = tuple(size for axis, size in enumerate(kept) if options.keepDims or axis not in reduced)
    if y.shape != expected:
        raise ModelError(f"output shape {y.shape}; expected {expected}")
    # Dimensions of size 1 never separate the reduced ones.
    long_axes = [axis for axis in sorted(reduced) if x.shape[axis] > 1]
    first, last = (long_axes[0], long_axes[-1]) if long_axes else (0, -1)
    if any(kept[axis] > 1 for axis in range(first, last + 1)):
        raise UnsupportedError(f"axes {sorted(reduced)} of {x.shape} are not adjacent")
    count = int(np.prod(x.shape[first : last + 1], dtype=np.int64))
    if count * 255 > INT32_MAX:
        raise UnsupportedError(f"a mean over {count} values can overflow int32")
    multiplier, shift = quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))
    return MeanParams(
        outer=int(np.prod(x.shape[:first], dtype=np.int64)),
        reduced=count,
        inner=int(np.prod(x.shape[last + 1 :], dtype=np.int64)),
        input_offset=-zero_point_of(x),
        output_offset=zero_point_of(y),
        multiplier=multiplier,
        shift=shift,
    )


def _softmax(operands: Operands) -> SoftmaxParams:
    operands.expect(inputs=(1,))
    x, y = operands.input(), operands.output()
    _same_shape(x, y)
    if scale_of(y) != np.float32(1 / 256) or zero_point_of(y) != INT8_MIN:
        raise UnsupportedError("its output is not quantized with scale 1/256 and zero point -128")
    beta = float(operands.option(schema.SoftmaxOptionsT).beta)
    multiplier, shift, diff_min = softmax_multiplier(beta, scale_of(x))
    return SoftmaxParams(
        rows=x.size // x.shape[-1],
        row_size=x.shape[-1],
        multiplier=multiplier,
        shift=shift,
        diff_min=diff_min,
    )


def _relu(operands: Operands) -> RequantizeParams:
    """RELU, RELU6 and RELU_N1_TO_1. TFLM's RELU6 clamps without requantizing, so it must not need to."""
    operands.expect(inputs=(1,))
    x, y = operands.input(), operands.output()
    same = scale_of(x) == scale_of(y) and zero_point_of(x) == zero_point_of(y)
    if operands.op == "RELU6" and not same:
        raise UnsupportedError("input and output are quantized differently")
    return _requantize(x, y, activation_range(operands.op, scale_of(y), zero_point_of(y)))


def _quantize(operands: Operands) -> QuantizeParams | RequantizeParams:
    operands.expect(inputs=(1,))
    y = operands.output()
    if operands.type_of(operands.tensor(0)) != "FLOAT32":
        x = operands.input()
        return _requantize(x, y, Activation())
    x = _float_activation(operands, operands.tensor(0))
    _same_shape(x, y)
    return QuantizeParams(float(scale_of(y)), zero_point_of(y))


def _dequantize(operands: Operands) -> QuantizeParams:
    operands.expect(inputs=(1,))
    x, y = operands.input(), _float_activation(operands, operands.outputs[0])
    _same_shape(x, y)
    return QuantizeParams(float(scale_of(x)), zero_point_of(x))


def _concatenation(operands: Operands) -> ConcatenationParams:
    options = operands.option(schema.ConcatenationOptionsT)
    operands.expect(inputs=tuple(range(1, len(operands.inputs) + 1)))
    xs, y = [operands.input(i) for i in range(len(operands.inputs))], operands.output()
    if ACTIVATIONS.get(options.fusedActivationFunction) != "NONE":
        raise UnsupportedError("fused activation")
    rank = len(y.shape)
    if not -rank <= options.axis < rank:
        raise ModelError(f"axis {options.axis} does not fit {rank} dimensions")
    axis = options.axis % rank
    rest = y.shape[:axis] + y.shape[axis + 1 :]
    fits = all(len(x.shape) == rank and x.shape[:axis] + x.shape[axis + 1 :] == rest for x in xs)
    if not fits or sum(x.shape[axis] for x in xs) != y.shape[axis]:
        raise ModelError(f"inputs {[x.shape for x in xs]} do not make {y.shape} along axis {axis}")
    if any(scale_of(x) != scale_of(y) or zero_point_of(x) != zero_point_of(y) for x in xs):
        raise UnsupportedError("inputs and output are quantized differently")
    inner = tuple(int(np.prod(x.shape[axis:], dtype=np.int64)) for x in xs)
    return ConcatenationParams(outer=int(np.prod(y.shape[:axis], dtype=np.int64)), inner=inner)


def _copy(operands: Operands) -> CopyParams:
    """RESHAPE, SQUEEZE, EXPAND_DIMS; the output's shape in the file is what counts."""
    operands.expect(inputs=(1, 2))
    x, y = operands.input(), operands.output()
    if x.size != y.size:
        raise ModelError(f"input {x.shape} and output {y.shape} differ in size")
    return CopyParams()


def _requantize(x: Tensor, y: Tensor, activation: Activation) -> RequantizeParams:
    _same_shape(x, y)
    multiplier, shift = quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))
    return RequantizeParams(-zero_point_of(x), zero_point_of(y), multiplier, shift, activation)


def _float_activation(operands: Operands, tensor: Tensor) -> Tensor:
    if operands.type_of(tensor) != "FLOAT32" or tensor.data is not None:
        raise UnsupportedError(f"'{tensor.name}' is not a float32 activation")
    check_shape(tensor, f"'{tensor.name}'")
    return tensor


def _same_shape(x: Tensor, y: Tensor) -> None:
    if x.shape != y.shape:
        raise ModelError(f"input {x.shape} and output {y.shape} differ in shape")


_PREPARE: dict[str, Callable[[Operands], Params]] = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "FULLY_CONNECTED": fully_connected,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
    "ADD": _add,
    "PAD": _pad,
    "PADV2": _pad,
    "MEAN": _mean,
    "SOFTMAX": _softmax,
    "RELU": _relu,
    "RELU6": _relu,
    "RELU_N1_TO_1": _relu,
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
    "CONCATENATION": _concatenation,
    "RESHAPE": _copy,
    "SQUEEZE": _copy,
    "EXPAND_DIMS": _copy,
}
