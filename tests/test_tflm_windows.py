"""Windows of convolutions that no converter makes, but a file can ask for, inside the real TFLM."""

from __future__ import annotations

from typing import Any

import models
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from example_layers import example_cases, scheduled
from strategies import LayerCase
from tiny_models import SAME, edited

from tflm_unit.converter.pruning import Schedule
from tflm_unit.tflm_library import OVERRIDES, UnitModel, load_runtime

CASE = example_cases()[0]  # its 3 x 3 x 3 weights are also those of a filter of 9 x 1 x 3 or 1 x 9 x 3
DENSE_LOG = "weight tensor 1 runs dense: "


def padded(filter_size: tuple[int, int], dilation: tuple[int, int], case: LayerCase = CASE) -> bytes:
    """The layer with SAME padding, another filter of as many taps, and this dilation."""

    def change(file: Any) -> None:
        subgraph = file.subgraphs[0]
        (operator,) = subgraph.operators
        options = operator.builtinOptions
        assert isinstance(options, schema.Conv2DOptionsT)
        options.padding = SAME
        options.dilationHFactor, options.dilationWFactor = dilation
        weights, output = subgraph.tensors[operator.inputs[1]], subgraph.tensors[operator.outputs[0]]
        weights.shape = [CASE.weights.shape[0], *filter_size, CASE.weights.shape[3]]
        output.shape = [*CASE.input.shape[:3], CASE.output_shape[3]]

    return edited(models.build_pruned([case]), change)


def run(model: bytes, overrides: bool) -> tuple[np.ndarray, int]:
    """Output, and the number of layers that ran with thresholds. Without the checks of our Interpreter."""
    runtime, unit = load_runtime(), UnitModel(model)
    with unit.active():
        interpreter = runtime.Interpreter.from_bytes(
            model, [OVERRIDES] if overrides else [], arena_size=1 << 21
        )
    interpreter.set_input(CASE.input, 0)
    interpreter.invoke()
    return interpreter.get_output(0), len(unit.counters())


@pytest.mark.parametrize(
    ("filter_size", "dilation", "reason"),
    [
        ((9, 1), (2**30, 1), "dilation"),
        ((9, 1), (100_000_000, 1), "window"),
        ((1, 9), (1, 2**29 + 1), "window"),
        ((9, 1), (4096, 1), "window"),  # 32769 rows: half of it still fits in TFLM's int16
        ((1, 9), (2**30, 1), "dilation"),  # unused, as there is one row
        ((9, 1), (1, 2**30), "dilation"),
    ],
)
def test_windows_beyond_the_core_run_dense(
    filter_size: tuple[int, int], dilation: tuple[int, int], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    model = padded(filter_size, dilation)
    output, layers = run(model, overrides=True)
    assert layers == 0
    assert DENSE_LOG + reason in capfd.readouterr().err
    np.testing.assert_array_equal(output, run(model, overrides=False)[0])


FAR = [((9, 1), (4095, 1)), ((1, 9), (1, 4095)), ((3, 3), (2, 3)), ((3, 3), (16383, 16383))]


@pytest.mark.parametrize(("filter_size", "dilation"), FAR)
@pytest.mark.parametrize("schedule", Schedule)
def test_windows_may_reach_far_beyond_the_image(
    schedule: Schedule,
    filter_size: tuple[int, int],
    dilation: tuple[int, int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Only the middle row or column of the largest ones lies inside it. Plans are for another window here, and
    activation_sorted has accumulators for all that the window reaches, in rows of limited width."""
    output, layers = run(padded(filter_size, dilation, scheduled(CASE, schedule)), overrides=True)
    assert layers == 1
    np.testing.assert_array_equal(output, run(padded(filter_size, dilation), overrides=True)[0])
    too_wide = schedule is Schedule.ACTIVATION_SORTED and dilation[1] > 1000
    falls_back = schedule is Schedule.PLANNED or too_wide
    assert ("runs compare" in capfd.readouterr().err) == falls_back
