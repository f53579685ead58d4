"""From a Graph and its operating points to C: `export` writes it, the other modules are its parts.

arena, memory_plan   where activations and scratch lie
scratch              how much of it each kernel needs
model                a Graph in terms of the generated code
schedules            which schedule runs a layer at each operating point
layers, prunable     one function body per operator
source, header       the text of the files
files, target_fit    writing them; whether they fit a machine
"""

from .export import Export, export
from .schedules import BASELINES, PRUNED, SCHEDULES

__all__ = ["BASELINES", "PRUNED", "SCHEDULES", "Export", "export"]
