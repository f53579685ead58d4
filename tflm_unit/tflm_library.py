"""Loads the tflite-micro wheel and the library with our overrides, and wraps that library's C interface."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from . import _native

OVERRIDES = "tflm_unit_override_ops"  # what the wheel looks up and calls with its op resolver
# Beside the other native module: an editable install keeps these away from the sources.
_LIBRARY = Path(_native.__file__).with_name("_tflm_host.so")

_MODEL = ctypes.c_void_p
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "create": (_MODEL, [ctypes.c_char_p, ctypes.c_size_t]),
    "destroy": (None, [_MODEL]),
    "activate": (None, [_MODEL]),
    "forget_new_layers": (None, [_MODEL]),
    "error": (ctypes.c_char_p, [_MODEL]),
    "point_count": (ctypes.c_int32, [_MODEL]),
    "point_name": (ctypes.c_char_p, [_MODEL, ctypes.c_int32]),
    "set_point": (ctypes.c_bool, [_MODEL, ctypes.c_int32]),
    "layer_count": (ctypes.c_int32, [_MODEL]),
    "weights_tensor": (ctypes.c_uint32, [_MODEL, ctypes.c_int32]),
    "counters": (ctypes.c_bool, [_MODEL, ctypes.c_int32, ctypes.POINTER(ctypes.c_uint64)]),
    "reset_counters": (None, [_MODEL]),
}


@functools.cache
def load_runtime() -> ModuleType:
    """The wheel's `runtime` module. Raises ImportError with the remedy when it is not installed."""
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError as error:
        raise ImportError(
            f"tflm_unit.Interpreter needs the tflite-micro package ({error}); `pip install tflm-unit` installs "
            "the version that the overrides are built for"
        ) from error
    return runtime


@functools.cache
def _load_overrides() -> ctypes.CDLL:
    """Raises ImportError when the library was not built, or does not fit the installed wheel."""
    runtime = load_runtime()
    if not _LIBRARY.exists():
        raise ImportError(
            f"{_LIBRARY} is missing: the overrides are built on Linux only; install tflm-unit there"
        )
    # Promote the wheel's symbols to the global scope, where ours resolve against them, and where the wheel
    # in turn finds ours.
    ctypes.CDLL(runtime._runtime.__file__, mode=ctypes.RTLD_GLOBAL)
    try:
        library = ctypes.CDLL(str(_LIBRARY), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise ImportError(
            f"the installed tflite-micro is not the version that {_LIBRARY.name} is built for: install "
            f"tflm-unit together with its pinned tflite-micro ({error})"
        ) from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, f"tflm_unit_model_{name}")  # cached, unlike an item
        function.restype, function.argtypes = result, arguments
    return library


class Counters(NamedTuple):
    """MACs of the layer with the weight tensor `weights`, summed over its operators."""

    weights: int
    total: int
    zero: int
    skipped: int


class UnitModel:
    """A tflm_unit::Model over `model`, whose bytes it keeps alive. It may be dropped before or after the
    interpreters that are bound to it; without it they run dense."""

    def __init__(self, model: bytes) -> None:
        self._library = _load_overrides()
        self._bytes = model
        self._handle = self._library.tflm_unit_model_create(model, len(model))
        if not self._handle:
            raise MemoryError("no memory for a tflm_unit::Model")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.tflm_unit_model_destroy(self._handle)

    @contextmanager
    def active(self) -> Iterator[None]:
        """The interpreter that this thread creates inside the `with` block is bound to this model."""
        self._library.tflm_unit_model_activate(self._handle)
        try:
            yield
        except Exception:
            # The wheel frees the arena of an interpreter that it cannot create, without telling the operators.
            # An interrupt is no Exception: it comes before or after that, never instead.
            self._library.tflm_unit_model_forget_new_layers(self._handle)
            raise
        finally:
            self._library.tflm_unit_model_activate(None)

    @property
    def error(self) -> str | None:
        """The metadata field for which the block was refused."""
        field = self._library.tflm_unit_model_error(self._handle)
        return None if field is None else field.decode()

    @property
    def points(self) -> tuple[str, ...]:
        count = self._library.tflm_unit_model_point_count(self._handle)
        names = (self._library.tflm_unit_model_point_name(self._handle, i) for i in range(count))
        return tuple(name.decode("utf-8", "replace") for name in names)

    def set_point(self, point: int) -> None:
        """point: below len(points). Takes effect at the next invocation."""
        if not self._library.tflm_unit_model_set_point(self._handle, point):
            raise IndexError(point)

    def counters(self) -> list[Counters]:
        """One entry per layer that an interpreter runs with thresholds."""
        result = []
        macs = (ctypes.c_uint64 * 3)()
        for layer in range(self._library.tflm_unit_model_layer_count(self._handle)):
            if self._library.tflm_unit_model_counters(self._handle, layer, macs):
                weights = self._library.tflm_unit_model_weights_tensor(self._handle, layer)
                result.append(Counters(weights, *macs))
        return result

    def reset_counters(self) -> None:
        self._library.tflm_unit_model_reset_counters(self._handle)
