"""What people read about a converted model: the JSON report inside the file, and its tables."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

from rich.console import Console
from rich.table import Table

from .converter.graph import Graph
from .converter.prune import LayerReport
from .converter.pruning import FATRELU_OFF, LayerPruning, OperatingPoint, Schedule
from .evaluation import Evaluation
from .models import Model

SUMMARY_WIDTH = 110


def to_json(point: OperatingPoint, layers: tuple[LayerReport, ...], notes: tuple[str, ...]) -> dict[str, Any]:
    """One operating point of the report; MACs are those of the calibration data."""
    return {
        "name": point.name,
        "accuracy": point.accuracy,
        "skip_rate": point.skip_rate,
        "layers": [dataclasses.asdict(layer) for layer in layers],
        "notes": list(notes),
    }


def describe(model: Model) -> dict[str, Any]:
    """Everything `inspect` knows about a model, ready for JSON."""
    graph = model.graph
    points = model.config.points if model.config else ()
    return {
        "inputs": [_tensor(graph, i) for i in graph.inputs],
        "outputs": [_tensor(graph, i) for i in graph.outputs],
        "layers": [
            {
                "name": x.name,
                "op": x.op,
                "output_shape": list(graph.tensors[x.outputs[0]].shape),
                "macs": graph.macs(x) if x in graph.mac_layers else 0,
                "batch_engine": x.unsupported or "yes",
            }
            for x in graph.layers
        ],
        "points": [_point(graph, p) for p in points],
        "report": model.report,
    }


def _tensor(graph: Graph, index: int) -> dict[str, Any]:
    t = graph.tensors[index]
    quantization = [float(t.scale[0]), int(t.zero_point[0])] if len(t.scale) else None
    return {"name": t.name, "shape": list(t.shape), "dtype": t.dtype.name, "quantization": quantization}


def _point(graph: Graph, point: OperatingPoint) -> dict[str, Any]:
    entries = [
        (x, point.layers[graph.weights(x).index])
        for x in graph.prunable
        if graph.weights(x).index in point.layers
    ]
    return {
        "name": point.name,
        "accuracy": point.accuracy,
        "skip_rate": point.skip_rate,
        "layers": [
            {
                "name": x.name,
                "divider": e.divider.name.lower(),
                "group_size": e.group_size,
                "thresholds": [int(t) for t in e.thresholds],
                "schedule": _schedule(e),
                "taps": e.taps,
                "compensated": e.compensation is not None,
                "center": graph.centers.get(graph.weights(x).index, 0),
                "fatrelu_min": None if e.fatrelu_min == FATRELU_OFF else e.fatrelu_min,
            }
            for x, e in entries
        ],
    }


def summary(model: Model) -> str:
    """Text tables of a model: its layers, and per operating point thresholds and skipped MACs."""
    return render(*tables(model))


def render(*tables: Table | str, width: int = SUMMARY_WIDTH) -> str:
    """Plain text of rich tables."""
    console = Console(file=io.StringIO(), width=width, markup=False)
    for table in tables:
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip("\n")


def tables(model: Model) -> list[Table | str]:
    """One table per operating point, or one of the layers when the model has no thresholds."""
    graph = model.graph
    if model.config is None:
        table = Table("layer", "operator", "output", "MACs", title="no thresholds: runs dense")
        for x in graph.layers:
            macs = f"{graph.macs(x):,}" if x in graph.mac_layers else ""
            table.add_row(x.name, x.op, "x".join(map(str, graph.tensors[x.outputs[0]].shape)), macs)
        return [table]
    indices = range(len(model.config.points))
    points: list[Table | str] = [_point_table(model, index) for index in indices]
    plan = (model.report or {}).get("plan")
    if plan:
        points += [_plan_table(plan, i, model.config.points[i].name) for i in indices]
    from .page.tables import summary_tables

    return [*points, *summary_tables(model), *(f"note: {text}" for text in notes(model.report or {}))]


def notes(report: dict[str, Any]) -> list[str]:
    """Of a model's report: those of its points, then those of the whole."""
    of_points = [text for point in report.get("points", ()) for text in point.get("notes", ())]
    return [*of_points, *report.get("notes", ())]


def _plan_table(plan: dict[str, Any], index: int, point: str) -> Table:
    """What the planner chose at one operating point."""
    rows = plan["points"][index]
    total, dense = sum(r["cost"] for r in rows), [_dense_cost(r) for r in rows]
    against = "" if None in dense else f", dense {sum(cost or 0 for cost in dense):,.0f}"
    title = (
        f"point {index}: {point} on {plan['target']}, these layers, predicted: {total:,.0f} {plan['unit']}{against} "
        f"(error about {plan['error']:.0%}); plans take {plan['extra_flash_bytes']:,} bytes more than the weights, "
        f"the arena {plan['arena_bytes']:,}"
    )
    table = Table(title=title, title_justify="left")
    for name in ("layer", "schedule", "taps", plan["unit"], "of dense", "flash", "why"):
        table.add_column(name, justify="right" if name in (plan["unit"], "of dense", "flash") else "left")
    for r in rows:
        dense_cost = _dense_cost(r)
        share = f"{r['cost'] / dense_cost:.2f}" if dense_cost else ""
        flash = f"{r['extra_flash_bytes']:+,}" if r["extra_flash_bytes"] else ""
        taps = str(r["taps"] or "")
        table.add_row(r["name"], r["schedule"], taps, f"{r['cost']:,.0f}", share, flash, r["reason"])
    return table


def _dense_cost(row: dict[str, Any]) -> float | None:
    """None where a layer cannot run dense and an earlier version wrote the report."""
    return row.get("dense", row["predicted"].get("dense"))


def _point_table(model: Model, index: int) -> Table:
    assert model.config is not None
    graph, point = model.graph, model.config.points[index]
    measured = {}
    if model.report and len(model.report.get("points", ())) > index:
        measured = {x["name"]: x for x in model.report["points"][index]["layers"]}
    skipped = "" if point.skip_rate is None else f", {point.skip_rate:.1%} of MACs skipped"
    accuracy = "" if point.accuracy is None else f", accuracy {point.accuracy:.2%}"
    if accuracy and model.report and model.report.get("tuning"):
        accuracy = f" (calibration data){accuracy} (validation data)"
    else:
        accuracy += " (calibration data)"
    table = Table(title=f"point {index}: {point.name}{skipped}{accuracy}", title_justify="left")
    for name, justify in (("layer", "left"), ("operator", "left"), ("MACs", "right"), ("zero", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    centers = ("center",) if graph.centers else ()
    for name in ("skipped", "thresholds", *centers, "group", "divider", "schedule"):
        table.add_column(name, justify="left" if name in ("divider", "schedule") else "right")
    for layer in graph.mac_layers:
        weights = graph.weights(layer).index
        entry, row = point.layers.get(weights), measured.get(layer.name)
        total = row["macs_total"] if row else 0
        share = [f"{row[k] / total:.1%}" if row and total else "" for k in ("macs_zero", "macs_skipped")]
        thresholds, *rest = _entry(entry)
        distance = graph.centers.get(weights, 0) if entry else 0
        center = (f"{distance:+}" if distance else "",) if centers else ()
        table.add_row(layer.name, layer.op, f"{graph.macs(layer):,}", *share, thresholds, *center, *rest)
    return table


def _entry(entry: LayerPruning | None) -> tuple[str, str, str, str]:
    if entry is None:
        return "", "", "", "dense"
    low, high = int(entry.thresholds.min()), int(entry.thresholds.max())
    schedule = _schedule(entry)
    return (
        str(low) if low == high else f"{low}..{high}",
        str(entry.group_size),
        "" if schedule == "zero_skip" else entry.divider.name.lower(),
        f"{schedule} {entry.taps}" if entry.taps else schedule,
    )


def _schedule(entry: LayerPruning) -> str:
    """What generated C runs."""
    zero_skip = entry.schedule is Schedule.COMPARE and entry.skips_zeros_alone
    return "zero_skip" if zero_skip else entry.schedule.name.lower()


def evaluation_table(evaluation: Evaluation) -> Table:
    """Result of `evaluate`, one row per prunable layer and the totals."""
    if evaluation.accuracy is not None:
        quality = f"accuracy {evaluation.accuracy:.2%}"
    else:
        quality = f"no labels; agreement with the dense model {evaluation.agreement:.2%}, rmse {evaluation.rmse:.3g}"
    what = f"point {evaluation.point}" if evaluation.point else evaluation.schedule.replace("unit", "dense")
    title = (
        f"{evaluation.samples:,} samples, {what}, {evaluation.engine} engine: {quality}; MACs per inference"
    )
    table = Table(title=title, title_justify="left")
    for name in ("layer", "operator"):
        table.add_column(name)
    for name in ("MACs", "zero", "skipped", "kept"):
        table.add_column(name, justify="right")

    def row(name: str, op: str, total: int, zero: int | None, skipped: int) -> None:
        per_sample = max(evaluation.samples, 1)
        shares = ["" if part is None or not total else f"{part / total:.1%}" for part in (zero, skipped)]
        table.add_row(
            name, op, f"{total / per_sample:,.0f}", *shares, f"{(total - skipped) / per_sample:,.0f}"
        )

    for x in evaluation.layers:
        row(x.name, x.op, x.macs_total, x.macs_zero, x.macs_skipped)
    table.add_section()
    row("all", "", evaluation.macs_total, evaluation.macs_zero, evaluation.macs_skipped)
    return table
