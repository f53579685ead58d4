"""What the planner chooses from: how one layer can run at every operating point, what that costs and takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .activity import Activity
from .codegen.scratch import scratch_bytes
from .cost_features import LayerCounts
from .cost_model import CostModel
from .graph import ConvParams, Graph, Layer
from .plan_report import LayerChoice
from .plans import WeightPlan, make_plans
from .pruning import FATRELU_OFF, LayerPruning, OperatingPoint

Settled = Mapping[tuple[int, int], LayerChoice]  # by point and layer index


@dataclass(frozen=True)
class Candidate:
    """How one layer can run at one operating point. flash: bytes of its plan beyond the dense weights, alone."""

    schedule: str
    cost: float
    scratch: int
    taps: int = 0
    flash: int = 0

    @property
    def name(self) -> str:
        """Of the schedule, with its taps."""
        return f"{self.schedule} {self.taps}" if self.taps else self.schedule


@dataclass(frozen=True)
class Option:
    """How one layer runs at all operating points. flash: bytes beyond the dense layer's."""

    choices: tuple[Candidate, ...]
    flash: int

    @property
    def cost(self) -> float:
        return sum(choice.cost for choice in self.choices)

    @property
    def scratch(self) -> int:
        return max(choice.scratch for choice in self.choices)


class LayerTable:
    """Candidates of one layer at each operating point. dense: what its dense kernel would take at each."""

    def __init__(
        self,
        graph: Graph,
        layer: Layer,
        points: Sequence[OperatingPoint],
        activity: Sequence[Mapping[int, Activity]],
        model: CostModel,
        settled: Settled,
    ) -> None:
        self._graph, self._layer, self._model = graph, layer, model
        weights = graph.weights(layer).index
        self._entries = [point.layers.get(weights) for point in points]
        self._flash_of: dict[tuple[str, ...], int] = {}
        self.candidates: list[list[Candidate]] = []
        self.dense: list[float] = []
        for p, entry in enumerate(self._entries):
            kept = settled.get((p, layer.index))
            if kept is not None:
                self.dense.append(kept.dense)
                self.candidates.append([Candidate(kept.schedule, kept.cost, kept.scratch_bytes)])
                continue
            counts = LayerCounts(graph, layer, activity[p][layer.index])
            self.dense.append(model.predict(layer.op, "dense", counts.of("dense")))
            self.candidates.append(self._candidates(counts, entry, self.dense[p]))

    def _candidates(self, counts: LayerCounts, entry: LayerPruning | None, dense: float) -> list[Candidate]:
        """Those that need least memory first. Without an entry, and so without thresholds, a layer runs dense;
        with FATReLU it needs its entry."""

        def candidate(schedule: str, plan: WeightPlan | None = None, taps: int = 0) -> Candidate:
            cost = self._model.predict(self._layer.op, schedule, counts.of(schedule, entry, plan))
            scratch = scratch_bytes(self._layer, self._graph, schedule, plan) or 0
            flash = plan.bytes - self._graph.weights(self._layer).size if plan else 0
            return Candidate(schedule, cost, scratch, taps, flash)

        unpruned = Candidate("dense", dense, 0)
        if entry is None:
            return [unpruned]
        found = [unpruned] if entry.fatrelu_min == FATRELU_OFF else []
        if (entry.thresholds < 0).any():
            return [*found, candidate("compare")]
        found.append(candidate("zero_skip"))
        if (
            self._layer.op != "FULLY_CONNECTED"
        ):  # where compare is never the fastest, see benchmarks/kernels.py
            found.append(candidate("compare"))
        if scratch_bytes(self._layer, self._graph, "activation_sorted") is not None:
            found.append(candidate("activation_sorted"))
        for taps in taps_of(self._layer, self._graph):
            plan = plan_of(self._graph, self._layer, replace(entry, taps=taps))
            if plan is not None:
                found.append(candidate("planned", plan, taps))
        return found

    def options(self) -> list[Option]:
        """The first needs least memory; the others allow more and more schedules, each point its cheapest."""
        allowed: list[set[str]] = [{"dense"}, {"dense", "zero_skip"}, {"dense", "zero_skip", "compare"}]
        allowed.append(allowed[-1] | {"activation_sorted"})
        options = [self._option(self._cheapest(names)) for names in allowed]
        planned = {c.name for some in self.candidates for c in some if c.schedule == "planned"}
        for names in allowed[2:]:
            for name in sorted(planned):
                options += self._with_plans(self._cheapest(names), name)
        return options

    def _cheapest(self, names: set[str]) -> tuple[Candidate, ...]:
        choices = ([c for c in some if c.schedule in names] or some[:1] for some in self.candidates)
        return tuple(min(some, key=lambda c: c.cost) for some in choices)

    def _with_plans(self, without: Sequence[Candidate], name: str) -> Iterator[Option]:
        """Plans at the point that gains most, at two points, and so on: not all may fit, above all where points
        sort the weights differently and share nothing."""
        gains = [
            (without[p].cost - c.cost, p, c)
            for p, some in enumerate(self.candidates)
            for c in some
            if c.name == name and c.cost < without[p].cost
        ]
        choices = list(without)
        for _, p, planned in sorted(gains, key=lambda gain: (-gain[0], gain[1])):
            choices[p] = planned
            yield self._option(choices)

    def _option(self, choices: Sequence[Candidate]) -> Option:
        names = tuple(choice.name for choice in choices)
        if names not in self._flash_of:
            planned = [
                None if entry is None or choice.schedule != "planned" else replace(entry, taps=choice.taps)
                for entry, choice in zip(self._entries, choices, strict=True)
            ]
            self._flash_of[names] = extra_flash_of(self._graph, self._layer, planned)
        return Option(tuple(choices), self._flash_of[names])


def extra_flash_of(graph: Graph, layer: Layer, planned: Sequence[LayerPruning | None]) -> int:
    """Bytes of plans, which points share, beyond the plain weights, which are not stored if every point has a plan.

    planned: the layer's thresholds by operating point, None where it runs without a plan.
    """
    entries = [entry for entry in planned if entry is not None]
    if not entries:
        return 0
    plans = make_plans(graph, layer, entries) or []
    arrays = {
        id(x): x.nbytes
        for plan in plans
        for x in (plan.weight, plan.at, plan.critical, plan.count, plan.first, plan.class_of)
        if x is not None
    }
    return sum(arrays.values()) - (graph.weights(layer).size if len(entries) == len(planned) else 0)


def plan_of(graph: Graph, layer: Layer, entry: LayerPruning) -> WeightPlan | None:
    """The layer's plan at one operating point; None where it cannot have one."""
    plans = make_plans(graph, layer, (entry,))
    return plans[0] if plans else None


def taps_of(layer: Layer, graph: Graph) -> list[int]:
    """Kernel columns per list worth trying; 0 where there is one column."""
    columns = graph.weights(layer).shape[2] if isinstance(layer.params, ConvParams) else 1
    return [0] if columns == 1 else sorted({1, 2, 3, columns} & set(range(1, columns + 1)))
