"""Calls of the planned kernels of the C core."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from core_library import Context, address, c_quant, kernel_name, layer_dims, layer_params, pointer, struct
from strategies import LayerCase

from tflm_unit.converter.graph import ConvParams
from tflm_unit.converter.plans import WeightPlan
from tflm_unit.converter.pruning import FATRELU_OFF

PLANNED = "planned"
CPlan = struct(
    "CPlan",
    weight=pointer,
    at=pointer,
    critical=pointer,
    count=pointer,
    first=pointer,
    class_of=pointer,
    compensation=pointer,
    filter=pointer,
    classes=ctypes.c_int16,
    taps=ctypes.c_int16,
    outputs=ctypes.c_int16,
)


@dataclass(frozen=True)
class Call:
    """One call of a planned kernel. scratch: bytes to provide; None: what the kernel asks for."""

    case: LayerCase
    plan: WeightPlan
    scratch: int | None = None
    without: str = ""  # a field of the plan that is NULL

    def _plan(self) -> ctypes.Structure:
        plan, case = self.plan, self.case
        fields = CPlan(
            address(plan.weight),
            address(plan.at),
            address(plan.critical),
            address(plan.count),
            address(plan.first),
            address(plan.class_of),
            address(case.pruning.compensation),
            address(case.weights),
            plan.count.shape[1],
            plan.taps,
            plan.outputs,
        )
        if self.without:
            setattr(fields, self.without, None)
        return fields

    def buffer_size(self, library: ctypes.CDLL) -> int:
        plan = self._plan()
        function = library[f"{kernel_name(self.case, PLANNED)}_get_buffer_size"]
        if not isinstance(self.case.params, ConvParams):
            return int(function(ctypes.byref(plan)))
        params, dims = layer_params(self.case, FATRELU_OFF), layer_dims(self.case)
        return int(function(ctypes.byref(params), ctypes.byref(plan), *map(ctypes.byref, dims)))

    def run(self, library: ctypes.CDLL, counters: ctypes.Structure | None = None) -> tuple[int, np.ndarray]:
        """Status and int8 output. Arrays have exactly the documented sizes: a sanitizer sees every overrun."""
        case, plan = self.case, self._plan()
        params = layer_params(case, case.pruning.fatrelu_min)
        size = self.buffer_size(library) if self.scratch is None else self.scratch
        scratch = np.full(-(-size // 4), 0x5A5A5A5A, dtype=np.int32)
        context = Context(
            address(scratch) if size else None, size, ctypes.pointer(counters) if counters else None
        )
        input_dims, filter_dims, output_dims = layer_dims(case)
        quant = c_quant(case.params.requantization)
        output = np.full(case.output_shape, 0x55, dtype=np.int8)
        status = library[kernel_name(case, PLANNED)](
            ctypes.byref(context),
            ctypes.byref(params),
            ctypes.byref(quant),
            ctypes.byref(plan),
            ctypes.byref(input_dims),
            pointer(address(case.input)),
            ctypes.byref(filter_dims),
            pointer(address(case.bias)),
            ctypes.byref(output_dims),
            pointer(address(output)),
        )
        return status, output
