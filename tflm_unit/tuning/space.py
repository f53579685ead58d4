"""What the search varies, and the thresholds that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution

from ..converter.calibration import LayerStatistics
from ..converter.fatrelu import FatRelu
from ..converter.graph import ConvParams, FullyConnectedParams, Graph
from ..converter.prune import PruneOptions
from ..converter.pruning import Divider
from ..converter.sensitivity import start_thresholds
from ..converter.thresholds import Explicit, group_size, to_integer

FACTOR = 2.5  # a layer's thresholds lie within 2^+-FACTOR of the knob's
FATRELU = 0.6  # at most this share of the positive outputs becomes 0
KEPT_LEAST = 0.05  # share of the MACs that the sweep ends with
NEAR = 0.98  # and of those that zero-skip keeps, that it begins with
KNOBS = 30.0  # log2
Parameters = Mapping[str, float]


@dataclass(frozen=True)
class Device:
    """What thresholds are made for: see `tflm_unit.convert`."""

    divider: Divider
    power_of_two: bool
    groups: str | int


@dataclass(frozen=True)
class Candidate:
    """Real thresholds, one per group, and FATReLU thresholds, by layer name."""

    thresholds: Mapping[str, np.ndarray]
    fatrelu: Mapping[str, float]

    def scaled(self, factor: float) -> Candidate:
        """All thresholds times `factor`; FATReLU stays."""
        return replace(self, thresholds={name: t * factor for name, t in self.thresholds.items()})

    def options(self, device: Device) -> PruneOptions:
        fatrelu: FatRelu = dict(self.fatrelu) or None
        values = {name: t.tolist() for name, t in self.thresholds.items()}
        return PruneOptions(
            Explicit(values), device.groups, device.divider, fatrelu, power_of_two=device.power_of_two
        )


class Space:
    """Parameters of a trial, all float:

    knob: log2 of the factor that all thresholds share. channels: 0: thresholds by layer, 1: by channel, each as its
    Fisher information says. factor:<layer>: log2, of the layer's thresholds. fatrelu:<layer>: share of the positive
    outputs that become 0.

    fisher, cost: see converter/sensitivity.py. statistics: of the dense network, by layer index. outputs: int8
    outputs of layers by index, which FATReLU thresholds are quantiles of; layers that are absent get none.
    """

    def __init__(
        self,
        graph: Graph,
        device: Device,
        fisher: Mapping[int, np.ndarray],
        cost: Mapping[int, float] | None,
        statistics: Mapping[int, LayerStatistics],
        outputs: Mapping[int, np.ndarray],
    ) -> None:
        self._graph, self._device, self._fisher, self._cost = graph, device, fisher, cost
        self._statistics = statistics
        self._positive = {
            graph.layers[i].name: _positive(graph, i, values) for i, values in outputs.items() if values.size
        }
        self._names = [layer.name for layer in graph.prunable]
        self._grid = np.arange(-KNOBS, KNOBS, 0.5)
        self._shares = np.array([self._kept(float(knob)) for knob in self._grid])
        low = self.knob_for(self._shares[0] * NEAR)
        self.knobs = (low, max(self.knob_for(KEPT_LEAST), low + 1))

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        found: dict[str, BaseDistribution] = {"knob": FloatDistribution(*self.knobs)}
        if self._device.groups != "layer":
            found["channels"] = FloatDistribution(0, 1)
        if len(self._names) > 1:
            found |= {f"factor:{name}": FloatDistribution(-FACTOR, FACTOR) for name in self._names}
        return found | {f"fatrelu:{name}": FloatDistribution(0, FATRELU) for name in self._positive}

    def candidate(self, parameters: Parameters) -> Candidate:
        start = start_thresholds(
            self._graph,
            self._fisher,
            2.0 ** parameters["knob"],
            cost=self._cost,
            channel_weight=parameters.get("channels", 0.0),
        )
        thresholds = {
            name: self._grouped(t) * 2.0 ** parameters.get(f"factor:{name}", 0.0) for name, t in start.items()
        }
        shares = {name: parameters.get(f"fatrelu:{name}", 0.0) for name in self._positive}
        fatrelu = {
            name: float(np.quantile(self._positive[name], share))
            for name, share in shares.items()
            if share > 0
        }
        return Candidate(thresholds, fatrelu)

    def sweep(self, count: int) -> list[dict[str, float]]:
        """Parameters of the single knob alone, from about zero-skip down to KEPT_LEAST of the MACs, evenly in
        their logarithm."""
        shares = np.geomspace(max(self._shares[0] * NEAR, KEPT_LEAST), KEPT_LEAST, count)
        knobs = np.clip([self.knob_for(float(share)) for share in shares], *self.knobs)
        rest = {name: 1.0 if name == "channels" else 0.0 for name in self.distributions}
        return [rest | {"knob": float(knob)} for knob in knobs]

    def knob_for(self, kept: float) -> float:
        """log2 of the knob that keeps about this share of the MACs, if activations are those of the dense network."""
        return float(np.interp(-kept, -self._shares, self._grid))

    def _kept(self, knob: float) -> float:
        candidate = self.candidate({"knob": knob, "channels": 1.0})
        skipped = total = 0
        for layer in self._graph.prunable:
            statistics, scale = self._statistics[layer.index], self._graph.product_scale(layer)
            channels = len(scale)
            size = group_size(self._device.groups, channels)
            real = np.repeat(candidate.thresholds[layer.name], size)[:channels]
            integer = to_integer(real, scale, self._device.power_of_two)
            skipped += int(statistics.skipped(integer, self._device.divider).sum())
            total += int(statistics.macs_total.sum())
        return 1 - skipped / max(total, 1)

    def _grouped(self, per_channel: np.ndarray) -> np.ndarray:
        """The geometric mean of each group."""
        size = group_size(self._device.groups, len(per_channel))
        starts = np.arange(0, len(per_channel), size)
        counts = np.diff([*starts, len(per_channel)])
        return np.exp(np.add.reduceat(np.log(per_channel), starts) / counts)


def with_relu(graph: Graph) -> list[int]:
    """Indices of the prunable layers with a fused ReLU."""
    return [
        x.index
        for x in graph.prunable
        if isinstance(x.params, (ConvParams, FullyConnectedParams)) and x.params.activation.fused_relu
    ]


def _positive(graph: Graph, layer: int, values: np.ndarray) -> np.ndarray:
    tensor = graph.tensors[graph.layers[layer].outputs[0]]
    real = (values.astype(np.float64).ravel() - int(tensor.zero_point[0])) * float(tensor.scale[0])
    positive = real[real > 0]
    return positive if positive.size else np.zeros(1)
