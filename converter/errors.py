"""Exceptions of tflm-unit. Each message names the layer or field, the value and the remedy."""

from numbers import Real
from typing import Any


class UnitError(ValueError):
    """Base of every error that tflm-unit raises on purpose."""


class ModelError(UnitError):
    """A model that cannot be read, or that is not full-int8."""


class DataError(UnitError):
    """Calibration or evaluation data that does not fit the model."""


class MetadataError(UnitError):
    """A TFLM_UNIT block that is malformed or of an unknown version."""


def check_number(name: str, value: Any, least: float, most: float, what: str) -> float:
    """`value` as a float. Raises UnitError when the argument `name` is no number in least .. most."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) <= most:
        raise UnitError(f"{name} is {value!r}; it takes {what}, {least:g} .. {most:g}")
    return float(value)
