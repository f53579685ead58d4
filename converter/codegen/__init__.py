"""From a Graph and its operating points to C: `export` writes it, the other modules are its parts.

arena, memory_plan   where activations and scratch lie
model                a Graph in terms of the generated code
layers, prunable     one function body per operator
source, header       the text of the files
files, target_fit    writing them; whether they fit a machine
"""

from .export import Export, export

__all__ = ["Export", "export"]
