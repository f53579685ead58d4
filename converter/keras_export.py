"""Keras models and SavedModels to full-int8 .tflite files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ModelError, UnitError
from .graph import Graph
from .keras_models import InputSpec, Traceable, check_path, import_tensorflow, open_model
from .layer_scopes import restore
from .quiet import quiet_stderr
from .reader import read_graph
from .samples import Input, Samples, Source

_LOOPS = ("While", "StatelessWhile", "Enter", "NextIteration")


def export_int8(
    model: Any, representative_data: Source, *, scale: float | None = None, offset: float | None = None
) -> bytes:
    """Quantizes a float model after training: int8 weights, activations, inputs and outputs.

    model: a Keras model (Keras 3 on TensorFlow, or tf_keras), or a path: .keras, .h5, SavedModel folder.
    representative_data: samples in the units the model was trained on, see Samples; all are used; int8 is refused.
    The batch is 1 in the whole graph, so that no operator is left that computes shapes. The same arguments
    give the same bytes.

    Raises DataError for data that does not fit, ModelError for a model that cannot be loaded or converted,
    UnitError when TensorFlow is not installed.
    """
    if isinstance(model, (str, os.PathLike)):
        check_path(Path(model))
    # What is wrong with the data is said before TensorFlow has loaded.
    Samples(representative_data, None, scale=scale, offset=offset).check()
    with quiet_stderr():
        tensorflow = import_tensorflow()
        traceable = open_model(model)
        data = Samples(representative_data, _inputs(traceable.inputs), scale=scale, offset=offset)
        specs = _static_specs(traceable, data)
        data = Samples(representative_data, _inputs(specs), scale=scale, offset=offset)
        result = _convert(tensorflow, traceable, specs, data)
    _check_int8(read_graph(result))
    return result


def _inputs(specs: Sequence[InputSpec] | None) -> list[Input] | None:
    return None if specs is None else [Input(spec.name, spec.shape) for spec in specs]


def _static_specs(traceable: Traceable, data: Samples) -> tuple[InputSpec, ...]:
    """Input shapes without open sizes; these come from the first sample."""
    first = data.first()
    specs = traceable.inputs
    if specs is None:
        specs = tuple(InputSpec(f"input_{i}", x.shape[1:], "float32") for i, x in enumerate(first))
    for spec in specs:
        if not spec.dtype.startswith("float"):
            raise ModelError(
                f"input '{spec.name}' is {spec.dtype}; int8 models have real-valued inputs: use float32"
            )
    return tuple(
        InputSpec(spec.name, values.shape[1:], spec.dtype) for spec, values in zip(specs, first, strict=True)
    )


def _convert(tensorflow: Any, traceable: Traceable, specs: tuple[InputSpec, ...], data: Samples) -> bytes:
    def samples() -> Iterator[list[np.ndarray]]:
        for sample in data.batches(1):
            yield list(sample)

    signature = [
        tensorflow.TensorSpec((1, *spec.shape), tensorflow.float32, name=f"input_{i}")
        for i, spec in enumerate(specs)
    ]
    try:
        function = tensorflow.function(traceable.call, signature, autograph=False).get_concrete_function()
        _check_no_loops(function.graph.as_graph_def())
        converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([function])
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tensorflow.int8
        converter.inference_output_type = tensorflow.int8
        result = bytes(converter.convert())
    except UnitError:
        raise
    except Exception as error:  # TensorFlow's converter and tracer raise nearly every type
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"TensorFlow cannot convert the model to int8: {reason[:500]}") from error
    results = {x.op.name: x.op.inputs[0].op.name for x in function.outputs if x.op.type == "Identity"}
    return restore(result, results, traceable.numbered)


def _check_no_loops(graph: Any) -> None:
    """TensorFlow's calibrator crashes on loops. They are looked for in the functions that the graph calls, too."""
    for node in chain(graph.node, *(function.node_def for function in graph.library.function)):
        if node.op in _LOOPS or node.op.startswith("TensorList"):
            raise ModelError(
                f"'{node.name}' ({node.op}) is part of a recurrent loop, which is not supported; build LSTM, GRU "
                "and SimpleRNN layers with unroll=True"
            )


def _check_int8(graph: Graph) -> None:
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        if tensor.dtype != np.int8:
            raise ModelError(f"'{tensor.name}' of the converted model is {tensor.dtype}, not int8")
