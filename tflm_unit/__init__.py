"""UnIT inference-time pruning for TensorFlow Lite Micro.

    result = tflm_unit.convert(keras_model, x_train, skip=0.7)
    print(result.evaluate(x_test, y_test))
    result.save("model.tflite")

Names are imported on first use, so that `import tflm_unit` stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import baselines as baselines
    from . import datasets as datasets
    from .adaptive import Adaptive, adapt
    from .api import ConversionResult, convert, load
    from .converter.errors import DataError, MetadataError, ModelError, UnitError
    from .converter.pruning import Divider, LayerPruning, OperatingPoint, PruningConfig
    from .converter.targets import Target, load_target, target_names
    from .converter.thresholds import Explicit, Percentile, SkipRate
    from .evaluation import Evaluation, evaluate
    from .interpreter import Interpreter
    from .simulation import Simulation, simulate
    from .tuning import TuneResult, tune

_HOME = {
    "Adaptive": "adaptive",
    "adapt": "adaptive",
    "ConversionResult": "api",
    "convert": "api",
    "load": "api",
    "DataError": "converter.errors",
    "MetadataError": "converter.errors",
    "ModelError": "converter.errors",
    "UnitError": "converter.errors",
    "Divider": "converter.pruning",
    "LayerPruning": "converter.pruning",
    "OperatingPoint": "converter.pruning",
    "PruningConfig": "converter.pruning",
    "Explicit": "converter.thresholds",
    "Percentile": "converter.thresholds",
    "SkipRate": "converter.thresholds",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "Interpreter": "interpreter",
    "Simulation": "simulation",
    "simulate": "simulation",
    "Target": "converter.targets",
    "load_target": "converter.targets",
    "target_names": "converter.targets",
    "tune": "tuning",
    "TuneResult": "tuning",
}
_MODULES = ("baselines", "datasets")

__all__ = [
    "Adaptive",
    "ConversionResult",
    "DataError",
    "Divider",
    "Evaluation",
    "Explicit",
    "Interpreter",
    "LayerPruning",
    "MetadataError",
    "ModelError",
    "OperatingPoint",
    "Percentile",
    "PruningConfig",
    "Simulation",
    "SkipRate",
    "Target",
    "TuneResult",
    "UnitError",
    "adapt",
    "convert",
    "evaluate",
    "load",
    "load_target",
    "simulate",
    "target_names",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("._native", __name__).VERSION
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(__name__):
            raise
        raise ImportError(
            f"{__path__[0]} is the source folder, without {error.name}: run Python from another folder, or install "
            "with `pip install -e .`"
        ) from error


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, *_MODULES, "__version__"])
