"""FATReLU: small outputs of fused ReLUs become zero (Kurtz et al. 2020; docs/convert.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .errors import UnitError
from .graph import ConvParams, FullyConnectedParams, Graph, Layer
from .pruning import FATRELU_OFF

FatRelu = float | Mapping[str, float] | None


def check_fatrelu(fatrelu: FatRelu, graph: Graph) -> None:
    """UnitError unless `fatrelu` is None, one finite number >= 0, or such numbers by name of layers with a ReLU."""
    values = fatrelu if isinstance(fatrelu, Mapping) else {"": fatrelu}
    for name, value in values.items():
        of = f" of layer {name!r}" if name else ""
        if not _is_threshold(value) and fatrelu is not None:
            raise UnitError(f"FATReLU threshold{of} is {value!r}; it takes a number >= 0")
    if isinstance(fatrelu, Mapping):
        layers = {layer.name for layer in graph.prunable if fused_relu(layer)}
        for name in fatrelu:
            if name not in layers:
                raise UnitError(
                    f"FATReLU threshold for layer {name!r}: it has no fused ReLU; these have: {sorted(layers)}"
                )


def fatrelu_level(fatrelu: FatRelu, graph: Graph, layer: Layer) -> int:
    """The smallest int8 output whose real value reaches the layer's FATReLU threshold; -128: off."""
    value = fatrelu.get(layer.name) if isinstance(fatrelu, Mapping) else fatrelu
    if value is None or not fused_relu(layer):
        return FATRELU_OFF
    output = graph.tensors[layer.outputs[0]]
    level = math.ceil(value / float(output.scale[0])) + int(output.zero_point[0])
    return min(max(level, -128), 127)


def _is_threshold(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value >= 0


def fused_relu(layer: Layer) -> bool:
    params = layer.params
    return isinstance(params, (ConvParams, FullyConnectedParams)) and params.activation.fused_relu
