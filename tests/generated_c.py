"""Compiles exported C on the host, runs it through ctypes, and compares it with the batch engine."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from core_library import CORE, FLAGS, SANITIZERS, Counters

from tflm_unit.converter.codegen import BASELINES, Export, export
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.graph import PRUNABLE, Graph
from tflm_unit.converter.pruning import OperatingPoint, PruningConfig

INCLUDE = f"-I{CORE.parent}"
COUNTERS = "-DUNIT_ENABLE_COUNTERS"
CXX_FLAGS = ["-x", "c++", "-std=c++11", *(flag for flag in FLAGS if not flag.startswith("-std"))]


def compile_c(arguments: Sequence[str | Path]) -> None:
    """Runs the system's compiler; a failure shows its messages."""
    extra = SANITIZERS if os.environ.get("TFLM_UNIT_SANITIZE") == "1" else []
    # The compiler must not inherit a preloaded sanitizer.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    command = [os.environ.get("CC", "cc"), *extra, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class GeneratedModel:
    """An export, compiled and loaded. core: with counters. points: of the model; an empty tuple stands for none."""

    def __init__(
        self,
        folder: Path,
        core: ctypes.CDLL,
        graph: Graph,
        points: Sequence[OperatingPoint] = (),
        schedule: str = "unit",
        flags: Sequence[str] = FLAGS,
        optimize: str = "-O1",
    ) -> None:
        self.graph, self.points, self.schedule = graph, points, schedule
        config = PruningConfig(tuple(points)) if points else None
        self.exported: Export = export(graph, config, folder, schedule=schedule)
        self._flags, self._folder, self._core, self._optimize = flags, folder, core, optimize

    @cached_property
    def _library(self) -> ctypes.CDLL:
        library = self._folder / "model.so"
        sources = [path for path in self.exported.files if path.suffix == ".c"]
        options = [*self._flags, self._optimize, COUNTERS, INCLUDE, "-shared", "-fPIC"]
        compile_c([*options, *sources, "-x", "none", self._core._name, "-o", library])
        return ctypes.CDLL(str(library))

    def _tensor(self, what: str, number: int) -> np.ndarray:
        """The memory of an input or output of the generated model."""
        tensors = self.graph.inputs if what == "input" else self.graph.outputs
        tensor = self.graph.tensors[tensors[number]]
        function = self._library[f"model_{what}{f'_{number}' if number else ''}"]
        element = ctypes.c_float if tensor.dtype == np.float32 else ctypes.c_int8
        function.restype = ctypes.POINTER(element)
        return np.ctypeslib.as_array(function(), tensor.shape)

    def run(self, point: int, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs (samples, ...) at an operating point; the statistics then are those of this run."""
        library = self._library
        assert library.model_init() == 0
        assert library.model_set_point(point) == 0
        outputs: list[list[np.ndarray]] = [[] for _ in self.graph.outputs]
        for sample in zip(*inputs, strict=True):
            for number, x in enumerate(sample):
                self._tensor("input", number)[...] = x
            assert library.model_invoke() == 0
            for number, collected in enumerate(outputs):
                collected.append(self._tensor("output", number)[0].copy())
        return [np.stack(collected) for collected in outputs]

    def counters(self) -> dict[int, tuple[int, int, int]]:
        """(total, zero, skipped) MACs by layer index in the graph."""
        function = self._library.model_stats
        function.restype = ctypes.POINTER(Counters)
        result = {}
        for number, index in enumerate(self.exported.layers):
            pointer = function(number)
            if pointer:
                c = pointer.contents
                result[index] = (c.macs_total, c.macs_zero, c.macs_skipped)
        return result

    def check(self, inputs: Sequence[np.ndarray]) -> None:
        """Outputs and counters of every operating point equal the batch engine's."""
        baseline = self.schedule in BASELINES
        for number, point in enumerate(self.points if self.points and not baseline else (None,)):
            schedule = self.schedule if baseline else "compare"
            want = Engine(self.graph, point, schedule=schedule, threads=1).run(*inputs)
            for got, expected in zip(self.run(number, inputs), want.outputs, strict=True):
                np.testing.assert_array_equal(got, expected)
            counts = {i: (c.macs_total, c.macs_zero, c.macs_skipped) for i, c in want.counters.items()}
            assert self.counters() == counts
            assert set(counts) == {layer.index for layer in self.graph.layers if layer.op in PRUNABLE}
