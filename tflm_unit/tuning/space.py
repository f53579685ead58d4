"""What the search varies, and the thresholds that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution

from ..converter.calibration import LayerStatistics
from ..converter.graph import Graph
from ..converter.prune import PruneOptions
from ..converter.pruning import Divider
from ..converter.sensitivity import start_thresholds
from ..converter.thresholds import Explicit, group_size, to_integer

FACTOR = 2.5  # a layer's thresholds lie within 2^+-FACTOR of the knob's
FATRELU = 0.6  # at most this share of the positive outputs becomes 0
LEAST = 0.05  # share of the MACs that is kept at least
NEAR = 0.98  # of what zero-skip keeps: at most
KNOBS, HALVINGS = 30.0, 18  # log2 of the knob lies in -KNOBS .. KNOBS
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

    def options(self, device: Device) -> PruneOptions:
        values = {name: t.tolist() for name, t in self.thresholds.items()}
        return PruneOptions(
            Explicit(values),
            device.groups,
            device.divider,
            dict(self.fatrelu) or None,
            power_of_two=device.power_of_two,
        )


class Space:
    """Parameters of a trial, all float:

    kept: log2 of the share of the MACs that thresholds would keep of the dense network's; the knob of
    `start_thresholds` follows from it, so that the others shift MACs between layers and channels and leave their
    number alone. channels: 0: thresholds by layer, 1: by channel, as Fisher information says. factor:<layer>: log2,
    of the layer's thresholds. fatrelu:<layer>: share of the positive outputs that become 0.

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
        self._positive = {graph.layers[i].name: _positive(graph, i, values) for i, values in outputs.items()}
        names = {layer.index: layer.name for layer in graph.prunable}
        most = self._kept({name: np.zeros(len(self._statistics[i].macs_total)) for i, name in names.items()})
        self.most, self.least = most * NEAR, min(LEAST, most * NEAR / 2)
        found = {"kept": FloatDistribution(float(np.log2(self.least)), float(np.log2(self.most)))}
        if device.groups != "layer":
            found["channels"] = FloatDistribution(0, 1)
        if len(names) > 1:
            found |= {f"factor:{name}": FloatDistribution(-FACTOR, FACTOR) for name in names.values()}
        found |= {f"fatrelu:{name}": FloatDistribution(0, FATRELU) for name in self._positive}
        self.distributions: dict[str, BaseDistribution] = dict(found)

    def candidate(self, parameters: Parameters) -> Candidate:
        start = start_thresholds(
            self._graph,
            self._fisher,
            1.0,
            cost=self._cost,
            channel_weight=parameters.get("channels", 0.0),
        )
        shape = {
            name: self._grouped(t) * 2.0 ** parameters.get(f"factor:{name}", 0.0) for name, t in start.items()
        }
        knob = self._knob(shape, 2.0 ** parameters["kept"])
        shares = {name: parameters.get(f"fatrelu:{name}", 0.0) for name in self._positive}
        fatrelu = {
            name: float(np.quantile(self._positive[name], share))
            for name, share in shares.items()
            if share > 0
        }
        return Candidate({name: t * knob for name, t in shape.items()}, fatrelu)

    def sweep(self, count: int) -> list[dict[str, float]]:
        """Parameters of the single knob alone: from about zero-skip down to LEAST of the MACs, evenly in its
        logarithm."""
        rest = dict.fromkeys(self.distributions, 0.0)
        return [rest | {"kept": float(k)} for k in np.log2(np.geomspace(self.most, self.least, count))]

    def clipped(self, kept: float) -> float:
        """The nearest log2 of a share that trials may take."""
        return float(np.clip(kept, np.log2(self.least), np.log2(self.most)))

    def _knob(self, shape: Mapping[str, np.ndarray], kept: float) -> float:
        low, high = -KNOBS, KNOBS
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            enough = self._kept({name: t * 2.0**middle for name, t in shape.items()}) >= kept
            low, high = (middle, high) if enough else (low, middle)
        return float(2.0**low)

    def _kept(self, thresholds: Mapping[str, np.ndarray]) -> float:
        """Share of the MACs of prunable layers, with the dense network's activations."""
        skipped = total = 0
        for layer in self._graph.prunable:
            statistics, scale = self._statistics[layer.index], self._graph.product_scale(layer)
            channels = len(scale)
            real = np.repeat(thresholds[layer.name], group_size(self._device.groups, channels))[:channels]
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


def _positive(graph: Graph, layer: int, values: np.ndarray) -> np.ndarray:
    tensor = graph.tensors[graph.layers[layer].outputs[0]]
    real = (values.astype(np.float64).ravel() - int(tensor.zero_point[0])) * float(tensor.scale[0])
    positive = real[real > 0]
    return positive if positive.size else np.zeros(1)
