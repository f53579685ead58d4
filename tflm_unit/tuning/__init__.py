"""Searches thresholds: `tune`. See docs/tune.md."""

from .result import FrontierPoint, Test, Tested, TuneResult
from .run import tune

__all__ = ["FrontierPoint", "Test", "Tested", "TuneResult", "tune"]
