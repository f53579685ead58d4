"""Measures candidates: thresholds and compensation from calibration data, loss and judge from validation data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..converter.calibration import Calibrator
from ..converter.planner import choose
from ..converter.prune import PruneOptions
from ..converter.pruning import OperatingPoint
from ..converter.targets import Target
from ..planning import Planned, make_points
from .judge import Judge
from .network import Network, Run, dataset
from .space import Candidate, Device


@dataclass(frozen=True)
class Measured:
    """kept: share of the MACs. cost: relative to the dense network; kept itself without a target.

    error: standard error of the drop, where it was asked for.
    """

    kept: float
    cost: float
    judge: float
    drop: float
    loss: float
    error: float = 0.0


class Bench:
    """calibration, validation: quantized samples, one array per input.

    target: cost is then what its planner predicts, else MACs. schedule, extra_flash: see `tflm_unit.convert`.
    """

    def __init__(
        self,
        network: Network,
        calibration: tuple[np.ndarray, ...],
        validation: tuple[np.ndarray, ...],
        judge: Judge,
        device: Device,
        *,
        target: Target | None = None,
        schedule: str | None = None,
        extra_flash: float | None = None,
    ) -> None:
        self._network, self._validation, self.judge, self._device = network, validation, judge, device
        self._target, self._schedule, self._extra_flash = target, schedule, extra_flash
        graph, self.threads = network.graph, network.threads
        self.graph = graph
        self.calibrator = Calibrator(graph, dataset(calibration, graph), network.threads)
        self.layer_costs = self._layer_costs()
        self.dense_cost = float(sum(self.layer_costs.values()))

    def measure(self, candidate: Candidate) -> Measured:
        planned = self.plan({"default": candidate})
        return self.judged(planned, 0)[0]

    def plan(self, candidates: Mapping[str, Candidate]) -> Planned:
        """Operating points with their schedules, by name."""
        options: dict[str, PruneOptions] = {n: c.options(self._device) for n, c in candidates.items()}
        return make_points(
            self._network.graph,
            self.calibrator,
            options,
            target=self._target,
            schedule=self._schedule,
            extra_flash=self._extra_flash,
            progress=None,
        )

    def judged(self, planned: Planned, index: int) -> tuple[Measured, Run]:
        """One of the points on the validation data."""
        run = self._network.run(self._validation, planned.points[index])
        cost = run.kept
        if planned.plan is not None:
            cost = sum(choice.cost for choice in planned.plan.points[index]) / self.dense_cost
        value = self.judge.value(run.answers)
        drop = self.judge.dense_value - value
        return Measured(run.kept, cost, value, drop, self.judge.loss(run.answers)), run

    def _layer_costs(self) -> dict[int, float]:
        """What each prunable layer costs dense, by index: MACs, or cycles or instructions of the target."""
        graph = self._network.graph
        if self._target is None or self._schedule is not None:
            return {x.index: float(graph.macs(x)) for x in graph.mac_layers}
        dense = OperatingPoint("dense")
        activity = [self.calibrator.activity(graph.prunable, None)]
        _, plan = choose(graph, [dense], self._target, activity)
        return {x.index: c.cost for x, c in zip(graph.prunable, plan.points[0], strict=True)}
