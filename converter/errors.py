"""Exceptions of tflm-unit. Each message names the layer or field, the value and the remedy."""


class UnitError(ValueError):
    """Base of every error that tflm-unit raises on purpose."""


class ModelError(UnitError):
    """A model that cannot be read, or that is not full-int8."""


class DataError(UnitError):
    """Calibration or evaluation data that does not fit the model."""


class MetadataError(UnitError):
    """A TFLM_UNIT block that is malformed or of an unknown version."""
