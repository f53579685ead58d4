"""TensorFlow Lite Micro with the UnIT kernels on the host, under the API of `tf.lite.Interpreter`."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .converter.errors import ModelError, UnitError
from .converter.reader import read_graph
from .model_check import check, written_tensors
from .models import Model, model_bytes
from .tflm_library import OVERRIDES, UnitModel, load_runtime

if TYPE_CHECKING:
    from .api import ConversionResult

_ARENA_BASE = 1 << 20
_ARENA_LIMIT = 2**31 - 1  # TFLM counts bytes in int
_ARENA_FACTOR = 8  # over one byte per element: 64-bit elements, or that much scratch for int8 ones


@dataclass(frozen=True)
class LayerStats:
    """MACs of one pruned layer. weights: index of its weight tensor."""

    weights: int
    name: str
    macs_total: int
    macs_zero: int
    macs_skipped: int


class Interpreter:
    """Runs a .tflite model in TFLM. Layers with thresholds run the pruned kernels, all others TFLM's own.

    model: path or contents of the file, or what `convert` returned. point: operating point, by index or name;
    see `set_point`.
    use_overrides: False runs TFLM as it is, dense.
    keep_tensors: True lets get_tensor read what any operator wrote, because no two tensors share memory.
    arena_size: bytes of the tensor arena, for a model that needs more than the generous default. Less is
    refused: TFLM crashes in some arenas that are too small. It says nothing about a microcontroller, where
    pointers have half the size.

    Tensors are allocated at once. TFLM reports problems on stderr, and so do the overrides when a layer has
    to run dense. A TFLM_UNIT block that is refused gives a warning, and `metadata_error` names its field.
    An interpreter is used by one thread at a time; any number of them may exist.

    Raises ModelError when the file is not a sound .tflite file or TFLM cannot run it, UnitError when there is
    no such point, ImportError when the tflite-micro package is missing or of another version.
    """

    def __init__(
        self,
        model: str | PathLike[str] | bytes | Model | ConversionResult,
        point: int | str = 0,
        *,
        arena_size: int | None = None,
        use_overrides: bool = True,
        keep_tensors: bool = False,
    ) -> None:
        runtime = load_runtime()
        content = model_bytes(model)
        reference = check(content)
        self._inputs: list[dict[str, Any]] = reference.get_input_details()
        self._outputs: list[dict[str, Any]] = reference.get_output_details()
        tensors = reference.get_tensor_details()
        self._names = _layer_names(content, tensors)
        self._unit = UnitModel(content) if use_overrides else None
        if self.metadata_error is not None:
            warnings.warn(
                f"TFLM_UNIT metadata refused ({self.metadata_error}); the model runs dense. Convert it again.",
                stacklevel=2,
            )
        self.set_point(point)
        self._kept = written_tensors(content) if keep_tensors else frozenset()
        self._runtime = self._create(runtime, content, _arena(tensors, arena_size))
        self._values: dict[int, np.ndarray] = {}

    def _create(self, runtime: Any, content: bytes, arena: int) -> Any:
        configurations = runtime.InterpreterConfig
        options = {
            "arena_size": arena,
            "intrepreter_config": configurations.kPreserveAllTensors  # sic
            if self._kept
            else configurations.kAllocationRecording,
        }
        try:
            if self._unit is None:
                return runtime.Interpreter.from_bytes(content, **options)
            with self._unit.active():
                return runtime.Interpreter.from_bytes(content, [OVERRIDES], **options)
        except (RuntimeError, MemoryError) as error:
            raise ModelError(
                f"TFLM cannot run the model in an arena of {arena} bytes ({error}); its own message is on stderr: "
                "either TFLM lacks an operator or type, or the model needs a larger arena_size"
            ) from error

    def allocate_tensors(self) -> None:
        """Does nothing: the constructor has allocated them. For code written for tf.lite.Interpreter."""

    def get_input_details(self) -> list[dict[str, Any]]:
        """One dictionary per input: name, index, shape, dtype, quantization (scale, zero_point) and so on."""
        return self._inputs

    def get_output_details(self) -> list[dict[str, Any]]:
        """As get_input_details."""
        return self._outputs

    def set_tensor(self, tensor_index: int, value: ArrayLike) -> None:
        """Copies `value` into an input. Its shape and dtype must be the input's; UnitError otherwise."""
        _, details = _find(self._inputs, tensor_index, "inputs")
        array = np.asarray(value)
        if array.dtype != details["dtype"]:
            raise UnitError(
                f"input '{details['name']}' is {np.dtype(details['dtype'])}, the value is {array.dtype}; quantize it "
                f"with scale and zero point {details['quantization']}"
            )
        if array.shape != tuple(details["shape"]):
            raise UnitError(
                f"input '{details['name']}' has shape {tuple(int(n) for n in details['shape'])}, the value has "
                f"{array.shape}"
            )
        self._values[tensor_index] = array.copy()

    def get_tensor(self, tensor_index: int) -> np.ndarray:
        """A copy of an output as the last invocation left it, or of an input as it was set last; with
        keep_tensors also of every tensor between them."""
        if tensor_index in self._values:
            return self._values[tensor_index].copy()
        if tensor_index in self._kept:
            kept: np.ndarray = self._runtime.GetTensor(tensor_index, 0)["tensor_data"]
            return kept
        position, _ = _find(self._outputs, tensor_index, "outputs and the inputs that were set")
        output: np.ndarray = self._runtime.get_output(position)
        return output

    def invoke(self) -> None:
        """Runs the model on the inputs that were set last; an input that never was is zero."""
        try:
            # TFLM gives the memory of inputs to later tensors, so they are copied in every time.
            for position, details in enumerate(self._inputs):
                zeros = np.zeros(details["shape"], details["dtype"])
                self._runtime.set_input(self._values.get(details["index"], zeros), position)
            self._runtime.invoke()
        except (RuntimeError, ValueError) as error:
            raise UnitError(
                f"TFLM failed to run the model ({error}); its own message is on stderr"
            ) from error

    def reset_all_variables(self) -> None:
        """Sets variable tensors (the state of LSTM, SVDF, ...) back to their initial values."""
        self._runtime.reset()

    @property
    def points(self) -> tuple[str, ...]:
        """Names of the operating points; empty when the model runs dense."""
        return self._unit.points if self._unit is not None else ()

    @property
    def metadata_error(self) -> str | None:
        """The field for which the model's TFLM_UNIT block was refused."""
        return self._unit.error if self._unit is not None else None

    def set_point(self, point: int | str) -> None:
        """Chooses the operating point of the next invocations, by index or name. A model without points
        has only point 0, dense. Raises UnitError when there is no such point."""
        names = self.points
        available: dict[int | str, int] = {index: index for index in range(max(len(names), 1))}
        available.update({name: index for index, name in enumerate(names)})
        if point not in available:
            offer = ", ".join(f"{i} '{name}'" for i, name in enumerate(names)) or "0, dense"
            raise UnitError(f"the model has no operating point {point!r}; it has {offer}")
        if self._unit is not None and names:
            self._unit.set_point(available[point])

    def stats(self) -> list[LayerStats]:
        """What the layers with thresholds did since the last reset_stats, in the order of the model, one entry
        per weight tensor. An invocation at a point where a layer is dense adds nothing to it."""
        counters = {c.weights: c for c in self._unit.counters()} if self._unit is not None else {}
        return [
            LayerStats(c.weights, name, c.total, c.zero, c.skipped)
            for weights, name in self._names.items()
            if (c := counters.get(weights)) is not None
        ]

    def reset_stats(self) -> None:
        if self._unit is not None:
            self._unit.reset_counters()


def _layer_names(model: bytes, tensors: list[dict[str, Any]]) -> dict[int, str]:
    """By weight tensor, in the order of the model: names of the layers that can have thresholds, and of the
    tensors themselves where our reader does not take the model or several layers share one."""
    try:
        layers = read_graph(model).prunable
    except ModelError:
        layers = ()
    names = {layer.inputs[1]: layer.name for layer in layers}
    return names | {t["index"]: str(t["name"]) for t in tensors if t["index"] not in names}


def _arena(tensors: list[dict[str, Any]], requested: int | None) -> int:
    """Bytes that suffice even if no two tensors shared memory."""
    elements = sum(math.prod(int(n) for n in tensor["shape"]) for tensor in tensors)
    enough = _ARENA_BASE + _ARENA_FACTOR * elements
    if enough > _ARENA_LIMIT:
        raise ModelError(f"the model's tensors have {elements} elements, too many for TFLM on the host")
    if requested is None:
        return enough
    if not enough <= requested <= _ARENA_LIMIT:
        raise UnitError(
            f"arena_size is {requested}; for this model it takes {enough} .. {_ARENA_LIMIT} bytes on the host"
        )
    return requested


def _find(details: list[dict[str, Any]], index: int, what: str) -> tuple[int, dict[str, Any]]:
    for position, entry in enumerate(details):
        if entry["index"] == index:
            return position, entry
    raise UnitError(f"tensor {index} is not among the model's {what}: {[d['index'] for d in details]}")
