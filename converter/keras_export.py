"""Keras models and SavedModels to full-int8 .tflite files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import Source
from .errors import DataError, ModelError, UnitError
from .graph import Graph
from .keras_models import InputSpec, Traceable, check_path, import_tensorflow, open_model
from .layer_scopes import restore
from .quiet import quiet_stderr
from .reader import read_graph
from .representative import RepresentativeData, fit


def export_int8(
    model: Any, representative_data: Source, *, scale: float | None = None, offset: float | None = None
) -> bytes:
    """Quantizes a float model after training: int8 weights, activations, inputs and outputs.

    model: a Keras model (Keras 3 on TensorFlow, or tf_keras), or a path: .keras, .h5, SavedModel folder.
    representative_data: samples in the units the model was trained on, see RepresentativeData; all are used.
    The batch is 1 in the whole graph, so that no operator is left that computes shapes. The same arguments
    give the same bytes.

    Raises DataError for data that does not fit, ModelError for a model that cannot be loaded or converted,
    UnitError when TensorFlow is not installed.
    """
    if isinstance(model, (str, os.PathLike)):
        check_path(Path(model))
    data = RepresentativeData(representative_data, scale, offset)
    with quiet_stderr():
        tensorflow = import_tensorflow()
        traceable = open_model(model)
        if traceable.inputs is not None:
            data = data.for_inputs(len(traceable.inputs))
        specs = _static_specs(traceable, data)
        result = _convert(tensorflow, traceable, specs, data)
    _check_int8(read_graph(result))
    return result


def _static_specs(traceable: Traceable, data: RepresentativeData) -> tuple[InputSpec, ...]:
    """Input shapes without open sizes; these come from the first sample."""
    specs = traceable.inputs
    if specs is None:
        specs = tuple(InputSpec(f"input_{i}", x.shape, "float32") for i, x in enumerate(data.first))
    _check_count(data.first, specs)
    for spec in specs:
        if not spec.dtype.startswith("float"):
            raise ModelError(
                f"input '{spec.name}' is {spec.dtype}; int8 models have real-valued inputs: use float32"
            )
    return tuple(
        InputSpec(spec.name, fit(values, spec.shape, spec.name).shape[1:], spec.dtype)
        for spec, values in zip(specs, data.first, strict=True)
    )


def _check_count(sample: tuple[np.ndarray, ...], specs: tuple[InputSpec, ...]) -> None:
    if len(sample) != len(specs):
        names = ", ".join(spec.name for spec in specs)
        raise DataError(f"a sample has {len(sample)} arrays, the model has {len(specs)} inputs: {names}")


def _convert(
    tensorflow: Any, traceable: Traceable, specs: tuple[InputSpec, ...], data: RepresentativeData
) -> bytes:
    def samples() -> Iterator[list[np.ndarray]]:
        for sample in data:
            _check_count(sample, specs)
            yield [fit(x, spec.shape, spec.name) for x, spec in zip(sample, specs, strict=True)]

    signature = [
        tensorflow.TensorSpec((1, *spec.shape), tensorflow.float32, name=f"input_{i}")
        for i, spec in enumerate(specs)
    ]
    try:
        function = tensorflow.function(traceable.call, signature, autograph=False).get_concrete_function()
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


def _check_int8(graph: Graph) -> None:
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        if tensor.dtype != np.int8:
            raise ModelError(f"'{tensor.name}' of the converted model is {tensor.dtype}, not int8")
