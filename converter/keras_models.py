"""Keras 2 and 3 models and SavedModels as functions that TensorFlow can trace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ModelError, UnitError

_FILES = (".keras", ".h5", ".hdf5")
_SIGNATURES = ("serving_default", "serve")


@dataclass(frozen=True)
class InputSpec:
    """shape: without the batch; None for sizes that the model leaves open."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Traceable:
    """call: TensorFlow tensors, one per input with their batch -> outputs. inputs: None when the model was
    never built. numbered: names of layers to which tracing appends a number, see layer_scopes.py.
    """

    call: Callable[..., Any]
    inputs: tuple[InputSpec, ...] | None
    numbered: frozenset[str] = frozenset()
    owner: Any = None  # keeps the variables alive


def import_tensorflow() -> Any:
    """The TensorFlow module; UnitError with the remedy when it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow
    except ImportError as error:
        raise UnitError(
            f"Keras models need TensorFlow ({error}): pip install 'tflm-unit[keras]', or pass an int8 .tflite"
        ) from error
    return tensorflow


def check_path(path: Path) -> None:
    """Raises ModelError unless `path` can be a Keras file or a SavedModel folder; needs no TensorFlow."""
    if not path.exists():
        raise ModelError(f"{path} does not exist")
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise ModelError(f"{path} is a folder without saved_model.pb: not a SavedModel")
    elif path.suffix.lower() not in _FILES:
        raise ModelError(
            f"{path} is no model file: expected {', '.join(_FILES)}, .tflite or a SavedModel folder"
        )


def open_model(model: Any) -> Traceable:
    """A Keras model object, or a path of one that `check_path` accepts. Raises ModelError."""
    if not isinstance(model, (str, os.PathLike)):
        return _from_keras(model)
    path = Path(model)
    return _from_saved_model(path) if path.is_dir() else _from_keras(_load_file(path))


def _load_file(path: Path) -> Any:
    failures = []
    # Files that Keras 2 wrote with layers that Keras 3 changed open in tf_keras alone.
    for library in ("keras", "tf_keras"):
        try:
            return __import__(library).models.load_model(path, compile=False)
        except Exception as error:  # Keras raises nearly every type
            failures.append(f"{library}: {_first_line(error)}")
    raise ModelError(
        f"cannot load {path} ({'; '.join(failures)}); a model with custom layers is passed as an object"
    )


def _from_keras(model: Any) -> Traceable:
    if not callable(model) or not hasattr(model, "layers"):
        raise ModelError(f"a Keras model or a path is needed, not {type(model).__name__}")
    import keras

    if isinstance(model, keras.Model) and keras.backend.backend() != "tensorflow":
        raise ModelError(
            f"Keras runs on {keras.backend.backend()}; set KERAS_BACKEND=tensorflow before Keras is imported"
        )
    try:
        tensors = list(model.inputs or ())
    except (AttributeError, ValueError):  # a Sequential or subclass that has seen no data yet
        tensors = []

    def call(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    specs = tuple(_spec(t.name, t.shape, t.dtype) for t in tensors)
    numbered = frozenset(_layer_names(model)) if isinstance(model, keras.Model) else frozenset()
    return Traceable(call, specs or None, numbered)


def _layer_names(model: Any) -> Iterator[str]:
    for layer in model.layers:
        yield layer.name
        if hasattr(layer, "layers"):
            yield from _layer_names(layer)


def _from_saved_model(path: Path) -> Traceable:
    tensorflow = import_tensorflow()
    try:
        loaded = tensorflow.saved_model.load(str(path))
    except Exception as error:  # protobuf, file and registry errors have no common base
        raise ModelError(f"cannot load the SavedModel {path}: {_first_line(error)}") from error
    names = [name for name in (*_SIGNATURES, *loaded.signatures) if name in loaded.signatures]
    if not names:
        raise ModelError(f"the SavedModel {path} has no signature: save it with model.export()")
    signature = loaded.signatures[names[0]]
    keywords = signature.structured_input_signature[1]

    def call(*inputs: Any) -> Any:
        return signature(**dict(zip(keywords, inputs, strict=True)))

    specs = tuple(_spec(name, spec.shape, spec.dtype) for name, spec in keywords.items())
    return Traceable(call, specs, owner=loaded)


def _spec(name: str, shape: Any, dtype: Any) -> InputSpec:
    sizes = tuple(None if size is None else int(size) for size in tuple(shape)[1:])
    return InputSpec(name, sizes, getattr(dtype, "name", str(dtype)))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
