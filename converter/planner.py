"""Chooses how each layer runs on a target: dense, zero_skip, compare, activation_sorted or planned.

Each candidate's time is predicted by the target's cost model from the activations of calibration data. Plans take
flash and sorted planes RAM: what saves most time per byte goes first, while the limits allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .activity import Activity
from .codegen.arena import plan_arena
from .codegen.scratch import scratch_bytes
from .cost_features import LayerCounts
from .cost_model import CostModel, cost_model
from .graph import ConvParams, Graph, Layer
from .plan_report import LayerChoice, PlanReport, reason
from .plans import WeightPlan, make_plans
from .prune import zero_skip_entry
from .pruning import FATRELU_OFF, LayerPruning, OperatingPoint, Schedule
from .targets import Target

CODE_BYTES = 16 * 1024  # kernels, start-up code and an application, roughly
OTHER_RAM_BYTES = 2048  # stack and variables, roughly
Settled = Mapping[tuple[int, int], LayerChoice]  # by point and layer index


@dataclass(frozen=True)
class _Candidate:
    """How one layer can run at one operating point. name: of the schedule, with its taps."""

    schedule: str
    cost: float
    scratch: int
    taps: int = 0

    @property
    def name(self) -> str:
        return f"{self.schedule} {self.taps}" if self.taps else self.schedule


@dataclass(frozen=True)
class _Option:
    """How one layer runs at all operating points. flash: bytes beyond the dense layer's."""

    choices: tuple[_Candidate, ...]
    flash: int

    @property
    def cost(self) -> float:
        return sum(choice.cost for choice in self.choices)

    @property
    def scratch(self) -> int:
        return max(choice.scratch for choice in self.choices)


def choose(
    graph: Graph,
    points: Sequence[OperatingPoint],
    target: Target,
    activity: Sequence[Mapping[int, Activity]],
    *,
    extra_flash: float = 1.0,
    settled: Settled | None = None,
) -> tuple[tuple[OperatingPoint, ...], PlanReport]:
    """The points with schedule and taps of every layer set, and why.

    activity: per point, by layer index. extra_flash: bytes that plans may take beyond the dense weights that they
    replace, over the dense weights of all layers. settled: choices of an earlier round, which stay.

    Layers whose cheapest candidate is dense lose their entry, those for which it is zero_skip get thresholds of 0:
    what follows them has to be calibrated again, and chosen again with these choices settled.

    Raises UnitError when the target has no cost model.
    """
    model, settled = cost_model(target), settled or {}
    layers = graph.prunable
    tables = [_Table(graph, x, points, activity, model, settled) for x in layers]
    dense_bytes = sum(graph.weights(x).size for x in layers)
    constants = sum(t.data.nbytes for t in graph.tensors if t.data is not None)
    limit = min(int(extra_flash * dense_bytes), target.flash_bytes - CODE_BYTES - constants)
    ram = target.board["tflm_unit"].get("upper_fram_bytes", target.ram_bytes) - OTHER_RAM_BYTES
    chosen = _within_limits(graph, layers, [t.options() for t in tables], limit, ram)
    choices = {
        (p, x.index): settled.get((p, x.index)) or table.choice(p, option, limit)
        for x, table, option in zip(layers, tables, chosen, strict=True)
        for p in range(len(points))
    }
    report = PlanReport(
        target=target.name,
        unit=model.unit,
        error=model.error,
        extra_flash_bytes=sum(option.flash for option in chosen),
        extra_flash_limit=limit,
        arena_bytes=_arena(graph, layers, chosen),
        points=tuple(tuple(choices[p, x.index] for x in layers) for p in range(len(points))),
    )
    return tuple(apply(graph, point, report.points[p]) for p, point in enumerate(points)), report


def apply(graph: Graph, point: OperatingPoint, choices: Iterable[LayerChoice]) -> OperatingPoint:
    """The point with its layers run as `choices`, in the order of graph.prunable, say."""
    entries = dict(point.layers)
    for layer, choice in zip(graph.prunable, choices, strict=True):
        weights = graph.weights(layer).index
        if weights in entries and choice.schedule == "dense":
            del entries[weights]
        elif weights in entries:
            entries[weights] = _scheduled(graph, layer, entries[weights], choice)
    return replace(point, layers=entries)


def _scheduled(graph: Graph, layer: Layer, entry: LayerPruning, choice: LayerChoice) -> LayerPruning:
    if choice.schedule == "zero_skip":
        return zero_skip_entry(graph, layer, entry.fatrelu_min)
    return replace(entry, schedule=Schedule[choice.schedule.upper()], taps=choice.taps)


def force(graph: Graph, point: OperatingPoint, schedule: str) -> OperatingPoint:
    """The point with `schedule` (compare, planned, activation_sorted) wherever a layer can run it; other layers with
    thresholds run compare."""
    entries = dict(point.layers)
    for layer in graph.prunable:
        weights = graph.weights(layer).index
        if weights not in entries:
            continue
        entry = replace(entries[weights], schedule=Schedule[schedule.upper()], taps=0)
        plan = _plan(graph, layer, entry) if schedule == "planned" else None
        if (schedule == "planned" and plan is None) or scratch_bytes(layer, graph, schedule, plan) is None:
            entry = replace(entry, schedule=Schedule.COMPARE)
        entries[weights] = entry
    return replace(point, layers=entries)


def _plan(graph: Graph, layer: Layer, entry: LayerPruning) -> WeightPlan | None:
    plans = make_plans(graph, layer, (entry,))
    return plans[0] if plans else None


class _Table:
    """Candidates of one layer at each operating point."""

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
        self._settled = [settled.get((p, layer.index)) for p in range(len(points))]
        self.candidates = [
            self._candidates(LayerCounts(graph, layer, activity[p][layer.index]), entry)
            if self._settled[p] is None
            else [self._kept(self._settled[p])]
            for p, entry in enumerate(self._entries)
        ]

    def _kept(self, choice: LayerChoice | None) -> _Candidate:
        assert choice is not None
        return _Candidate(choice.schedule, choice.predicted[choice.schedule], self._scratch(choice.schedule))

    def _scratch(self, schedule: str, plan: WeightPlan | None = None) -> int:
        return scratch_bytes(self._layer, self._graph, schedule, plan) or 0

    def _candidates(self, counts: LayerCounts, entry: LayerPruning | None) -> list[_Candidate]:
        """Without an entry, and so without thresholds, a layer runs dense; with FATReLU it needs its entry."""

        def candidate(schedule: str, plan: WeightPlan | None = None, taps: int = 0) -> _Candidate:
            cost = self._model.predict(self._layer.op, schedule, counts.of(schedule, entry, plan))
            return _Candidate(schedule, cost, self._scratch(schedule, plan), taps)

        if entry is None:
            return [candidate("dense")]
        found = [candidate("compare")]
        if (entry.thresholds < 0).any():
            return found if entry.fatrelu_min != FATRELU_OFF else [candidate("dense"), *found]
        found.insert(0, candidate("zero_skip"))
        if entry.fatrelu_min == FATRELU_OFF:
            found.insert(0, candidate("dense"))
        if scratch_bytes(self._layer, self._graph, "activation_sorted") is not None:
            found.append(candidate("activation_sorted"))
        for taps in taps_of(self._layer, self._graph):
            plan = _plan(self._graph, self._layer, replace(entry, taps=taps))
            if plan is not None:
                found.append(candidate("planned", plan, taps))
        return found

    def options(self) -> list[_Option]:
        """The first needs least memory; the others allow more and more schedules, each point its cheapest."""
        allowed: list[set[str]] = [{"dense"}, {"dense", "zero_skip"}, {"dense", "zero_skip", "compare"}]
        allowed.append(allowed[-1] | {"activation_sorted"})
        planned = {c.name for some in self.candidates for c in some if c.schedule == "planned"}
        allowed += [allowed[i] | {name} for name in sorted(planned) for i in (2, 3)]
        options = []
        for names in allowed:
            choices = [[c for c in some if c.name in names] for some in self.candidates]
            choices = [
                some or [c for c in every if c.schedule != "planned"][-1:]
                for some, every in zip(choices, self.candidates, strict=True)
            ]
            best = tuple(min(some, key=lambda c: c.cost) for some in choices)
            options.append(_Option(best, self._flash(best)))
        return options

    def _flash(self, choices: Sequence[_Candidate]) -> int:
        """Of plans, which points share, beyond the plain weights, which are not stored if every point has a plan."""
        weights = self._graph.weights(self._layer).size
        entries = [
            replace(entry, taps=choice.taps)
            for entry, choice in zip(self._entries, choices, strict=True)
            if entry is not None and choice.schedule == "planned"
        ]
        if not entries:
            return 0
        plans = make_plans(self._graph, self._layer, entries) or []
        arrays = {
            id(x): x.nbytes
            for plan in plans
            for x in (plan.weight, plan.at, plan.critical, plan.count, plan.first, plan.class_of)
            if x is not None
        }
        return sum(arrays.values()) - (weights if len(entries) == len(choices) else 0)

    def choice(self, point: int, option: _Option, limit: int) -> LayerChoice:
        chosen, candidates = option.choices[point], self.candidates[point]
        return LayerChoice(
            name=self._layer.name,
            op=self._layer.op,
            schedule=chosen.schedule,
            taps=chosen.taps,
            predicted={c.name: c.cost for c in candidates},
            cost=chosen.cost,
            extra_flash_bytes=option.flash,
            scratch_bytes=chosen.scratch,
            reason=reason(chosen.name, {c.name: c.cost for c in candidates}),
        )


def taps_of(layer: Layer, graph: Graph) -> list[int]:
    """Kernel columns per list worth trying; 0 where there is one column."""
    columns = graph.weights(layer).shape[2] if isinstance(layer.params, ConvParams) else 1
    return [0] if columns == 1 else sorted({1, 2, 3, columns} & set(range(1, columns + 1)))


def _arena(graph: Graph, layers: Sequence[Layer], chosen: Sequence[_Option]) -> int:
    scratch = {x.index: option.scratch for x, option in zip(layers, chosen, strict=True)}
    return plan_arena(graph, scratch).bytes


def _within_limits(
    graph: Graph, layers: Sequence[Layer], options: Sequence[Sequence[_Option]], flash: int, ram: int
) -> list[_Option]:
    """One option per layer: again and again the step that saves most time per byte of flash and fits."""
    chosen = [some[0] for some in options]
    ram = max(ram, _arena(graph, layers, chosen))  # what does not fit at all is told when it is exported
    while True:
        used = sum(option.flash for option in chosen)
        steps = [
            (_gain(option, chosen[i]), i, option)
            for i, some in enumerate(options)
            for option in some
            if option.cost < chosen[i].cost and used - chosen[i].flash + option.flash <= max(flash, used)
        ]
        for _, i, option in sorted(steps, key=lambda step: -step[0]):
            tried = [*chosen[:i], option, *chosen[i + 1 :]]
            if _arena(graph, layers, tried) <= ram:
                chosen = tried
                break
        else:
            return chosen


def _gain(option: _Option, before: _Option) -> float:
    """Time saved per byte; steps that need no flash come first, the fastest of them foremost."""
    saved, more = before.cost - option.cost, option.flash - before.flash
    return saved / more if more > 0 else 1e12 + saved
