"""The ways to run a model: dense, zero-skip and its operating points, with the figures of each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..converter.graph import Graph, Layer
from ..converter.pruning import OperatingPoint
from ..models import Model
from .measure import Measurement, Run

if TYPE_CHECKING:
    from ..tuning.judge import Estimate

Report = Mapping[str, Any]
SHARES = ("accuracy", "agreement")  # judges that are shares of samples; others are metrics of the user's own


@dataclass(frozen=True)
class LayerRow:
    """One layer with MACs. zero, pruned: share of its MACs skipped because the product is zero, and because it is
    small; None where nothing was measured. thresholds: lowest and highest stored, None: the layer has none.

    cost, dense_cost: predicted, None without a plan. reason: the planner's.
    """

    name: str
    op: str
    shape: str
    macs: int
    zero: float | None
    pruned: float | None
    thresholds: tuple[int, int] | None = None
    groups: int | None = None
    divider: str | None = None
    schedule: str = "dense"
    cost: float | None = None
    dense_cost: float | None = None
    reason: str = ""

    @property
    def skipped(self) -> float | None:
        return None if self.zero is None or self.pruned is None else self.zero + self.pruned


@dataclass(frozen=True)
class Variant:
    """kind: dense, zero_skip or point. kept: share of all MACs that is computed. accuracy, drop: 0..1 of the page's
    judge; low and high are None where no interval is known. rmse: from the dense model's outputs, real units.

    cost: predicted, of the layers with MACs; None without a plan.
    """

    name: str
    kind: str
    kept: float | None
    accuracy: Quality | None
    drop: Quality | None
    rmse: float | None
    cost: float | None
    layers: tuple[LayerRow, ...]


@dataclass(frozen=True)
class Quality:
    """A figure with its 95 % interval, None where it is not known."""

    value: float
    low: float | None = None
    high: float | None = None

    def times(self, factor: float) -> Quality:
        low, high = (None if limit is None else limit * factor for limit in (self.low, self.high))
        return Quality(self.value * factor, low, high)


def variants(
    model: Model, measured: Measurement | None, zero_skip_costs: Mapping[int, float]
) -> tuple[Variant, ...]:
    """Dense, zero-skip and the operating points, on the data measured, else as the model's report says.

    zero_skip_costs: predicted, by layer index. Without data nothing is said of zero-skip: the report knows the zeros
    of pruned networks alone, which are fewer.
    """
    points = model.config.points if model.config else ()
    builder = _Builder(model, measured, zero_skip_costs)
    return (builder.dense(), builder.zero_skip(), *(builder.point(i, p) for i, p in enumerate(points)))


class _Builder:
    def __init__(
        self, model: Model, measured: Measurement | None, zero_skip_costs: Mapping[int, float]
    ) -> None:
        self._graph, self._measured, self._zero_skip_costs = model.graph, measured, zero_skip_costs
        report = model.report or {}
        self._reported = report.get("points", ())
        self._plan = report.get("plan") or {}
        tuning = report.get("tuning") or {}
        self._test, self._dense_judge = tuning.get("test"), (tuning.get("dense") or {}).get("judge")
        self._validated = {p["name"]: p for p in tuning.get("points") or ()}

    def dense(self) -> Variant:
        rows = tuple(
            _row(self._graph, layer, 0.0, 0.0, cost=self._dense_cost(0, layer))
            for layer in self._graph.mac_layers
        )
        return self._variant("dense", "dense", rows, self._measured.dense if self._measured else None, None)

    def zero_skip(self) -> Variant:
        prunable = {layer.index for layer in self._graph.prunable}
        run = self._measured.zero_skip if self._measured else None
        rows = []
        for layer in self._graph.mac_layers:
            zero: float | None = 0.0
            if layer.index in prunable:
                zero = self._shares(layer, run, 0)[0] if run else None
            cost = self._zero_skip_costs.get(layer.index)
            rows.append(_row(self._graph, layer, zero, 0.0, schedule="zero_skip", cost=cost))
        return self._variant("zero-skip", "zero_skip", tuple(rows), run, None)

    def point(self, index: int, point: OperatingPoint) -> Variant:
        run = self._measured.points[index] if self._measured else None
        rows = tuple(self._point_row(index, point, layer, run) for layer in self._graph.mac_layers)
        return self._variant(point.name, "point", rows, run, point)

    def _point_row(self, index: int, point: OperatingPoint, layer: Layer, run: Run | None) -> LayerRow:
        entry = point.layers.get(self._graph.weights(layer).index)
        planned = self._planned(index, layer)
        cost, dense_cost = planned.get("cost"), self._dense_cost(index, layer)
        if entry is None:
            return _row(self._graph, layer, 0.0, 0.0, cost=cost, dense_cost=dense_cost, **_reason(planned))
        zero, skipped = self._shares(layer, run, index)
        if zero is not None and skipped is not None:
            zero = min(zero, skipped)  # groups that never skip keep their zero products as well
        name = "zero_skip" if entry.skips_zeros_alone and not entry.schedule else entry.schedule.name.lower()
        return _row(
            self._graph,
            layer,
            zero,
            None if zero is None or skipped is None else skipped - zero,
            thresholds=(int(entry.thresholds.min()), int(entry.thresholds.max())),
            groups=len(entry.thresholds),
            divider=entry.divider.name.lower(),
            schedule=f"{name} {entry.taps}" if entry.taps else name,
            cost=cost,
            dense_cost=dense_cost,
            **_reason(planned),
        )

    def _shares(self, layer: Layer, run: Run | None, point: int) -> tuple[float | None, float | None]:
        """Zero and skipped MACs over all MACs of the layer: of the run, else as the report says for `point`."""
        if run is not None and self._measured:
            total = self._graph.macs(layer) * self._measured.samples
            if layer.index not in run.counts or not total:
                return None, None
            zero, skipped = run.counts[layer.index]
            return zero / total, skipped / total
        rows = self._reported[point]["layers"] if point < len(self._reported) else ()
        for row in rows:
            if row["name"] == layer.name and row["macs_total"]:
                return row["macs_zero"] / row["macs_total"], row["macs_skipped"] / row["macs_total"]
        return None, None

    def _planned(self, point: int, layer: Layer) -> Report:
        """The planner's choice; rows of the report are in the order of the prunable layers."""
        indices = [x.index for x in self._graph.prunable]
        points = self._plan.get("points", ())
        if point >= len(points) or layer.index not in indices:
            return {}
        row: Report = points[point][indices.index(layer.index)]
        return row

    def _dense_cost(self, point: int, layer: Layer) -> float | None:
        """At the point, or if that one cannot tell, as with FATReLU in older reports, at another one."""
        for p in sorted(range(len(self._plan.get("points", ()))), key=lambda p: p != point):
            row = self._planned(p, layer)
            cost = row.get("dense", row.get("predicted", {}).get("dense"))
            if cost is not None:
                return float(cost)
        return None

    def _variant(
        self,
        name: str,
        kind: str,
        rows: tuple[LayerRow, ...],
        run: Run | None,
        point: OperatingPoint | None,
    ) -> Variant:
        costs = [row.cost for row in rows]
        accuracy, drop = self._quality(run, kind, point)
        return Variant(
            name=name,
            kind=kind,
            kept=self._kept(rows, point),
            accuracy=accuracy,
            drop=drop,
            rmse=self._measured.rmse(run) if self._measured and run else None,
            cost=sum(c for c in costs if c is not None) if rows and None not in costs else None,
            layers=rows,
        )

    def _kept(self, rows: tuple[LayerRow, ...], point: OperatingPoint | None) -> float | None:
        """On the data whose accuracy is shown, as far as it is known."""
        if point and not self._measured:
            known = (self._test["points"] if self._test else self._validated).get(point.name)
            if known:
                return float(known["kept"])
        total = sum(row.macs for row in rows)
        shares = [row.skipped for row in rows]
        if total and None not in shares:
            return 1 - sum((s or 0) * row.macs for s, row in zip(shares, rows, strict=True)) / total
        return None if point is None or point.skip_rate is None else 1 - point.skip_rate

    def _quality(
        self, run: Run | None, kind: str, point: OperatingPoint | None
    ) -> tuple[Quality | None, Quality | None]:
        """Accuracy and drop: measured, else of the search's test data, its validation data, or of calibration."""
        if run is not None and self._measured:
            drop = _quality(self._measured.drop(run)) if point else None
            return _quality(self._measured.quality(run)), drop
        if self._test:
            row = self._test["points"].get(point.name) if point else self._test["dense"]
            if row is None:
                return None, None
            accuracy = Quality(row["accuracy"], row["low"], row["high"])
            return accuracy, Quality(row["drop"], row["drop_low"], row["drop_high"]) if point else None
        if point and point.name in self._validated:
            row = self._validated[point.name]
            return Quality(row["judge"]), Quality(row["drop"], row.get("drop_low"), row.get("drop_high"))
        known = point.accuracy if point else self._dense_judge
        return (None if known is None else Quality(known)), None


def _quality(estimate: Estimate) -> Quality:
    return Quality(estimate.value, estimate.low, estimate.high)


def _reason(planned: Report) -> dict[str, str]:
    return {"reason": planned.get("reason", "")}


def _row(graph: Graph, layer: Layer, zero: float | None, pruned: float | None, **rest: Any) -> LayerRow:
    shape = "x".join(map(str, graph.tensors[layer.outputs[0]].shape[1:]))
    return LayerRow(layer.name, layer.op, shape, graph.macs(layer), zero, pruned, **rest)
