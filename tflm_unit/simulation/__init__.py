"""`tflm-unit simulate`: a model's firmware in a simulator, checked against the batch engine.

api                what is exported here; schedule after schedule into one result
schedule           one schedule: firmware built, run and compared
firmware, elf      building and caching it, putting samples into it, its sizes
run, console       running it; the lines that the harness prints
check              what the batch engine expects
inputs, result, report
"""

from .api import simulate
from .result import Simulation

__all__ = ["Simulation", "simulate"]
