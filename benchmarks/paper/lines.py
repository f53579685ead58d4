"""What figure 5 says: most MACs skipped at an allowed drop by method; ours and the paper at equal skip rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from curves import Curve, at_rates
from rich.table import Table

ALLOWED = {"mnist": (0.004, 0.01), "speech_commands": (0.0048, 0.01)}  # drops; else 1 point alone
SHORT = {
    "unit": "paper",
    "fatrelu": "FATReLU",
    "fatrelu_unit": "FATReLU + UnIT",
    "train_time": "train-time",
    "train_time_unit": "train-time + UnIT",
    "ours": "tune",
    "train_time_ours": "train-time + tune",
}


def summary(result: Mapping[str, Any], found: Mapping[str, Curve], rates: Sequence[float]) -> dict[str, Any]:
    """As JSON types.

    kept: by allowed drop and method: the least share of MACs at that drop, read off the line of test figures.
    chosen: the same as a user gets it: the point that the validation data allow, with its figures on the test data.
    more: how many times the MACs of ours every other method computes. rates: ours and the paper's drop at equal skip
    rates.
    """
    name = result["dataset"]
    allowed = ALLOWED.get(name, (0.01,))
    kept = {str(drop): {m: c.kept_at(drop) for m, c in found.items()} for drop in allowed}
    chosen = {str(drop): {m: asdict(c.allowed(drop).test) for m, c in found.items()} for drop in allowed}
    more = {
        drop: {m: value / row["ours"] for m, value in row.items() if m != "ours"}
        for drop, row in kept.items()
        if "ours" in row
    }
    both = "ours" in found and "unit" in found
    equal = [
        {**asdict(r), "ratio": r.ratio}
        for r in (at_rates(found["ours"], found["unit"], rates) if both else ())
    ]
    figures = {n: result[n] for n in ("dataset", "accuracy", "test_samples", "validation_samples")}
    zero = result["points"]["zero_skip"][0]["test"]["kept"]
    return {**figures, "zero_skip": zero, "kept": kept, "chosen": chosen, "more": more, "rates": equal}


def tables(rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    return [table for row in rows for table in (_methods(row), _rates(row))]


def _methods(row: Mapping[str, Any]) -> Table:
    table = Table(
        "drop",
        "method",
        title=f"{row['dataset']}: dense {row['accuracy']:.2%} of {row['test_samples']:,} test samples; zero-skip "
        f"computes {row['zero_skip']:.1%} of the MACs",
        title_justify="left",
    )
    for column in (
        "MACs skipped at it",
        "times the MACs of tune",
        "chosen on validation data: skipped",
        "drop",
    ):
        table.add_column(column, justify="right")
    for drop, kept in row["kept"].items():
        for method, value in kept.items():
            chosen, more = row["chosen"][drop][method], row["more"].get(drop, {}).get(method)
            table.add_row(
                f"{100 * float(drop):g}",
                SHORT[method],
                f"{1 - value:.1%}",
                f"{more:.2f}" if more else "",
                f"{1 - chosen['kept']:.1%}",
                f"{100 * chosen['drop']:.2f} ({100 * chosen['low']:.2f} .. {100 * chosen['high']:.2f})",
            )
        table.add_section()
    return table


def _rates(row: Mapping[str, Any]) -> Table:
    title = f"{row['dataset']}: points lost at equal skip rates"
    table = Table("MACs skipped", title=title, title_justify="left")
    for column in ("paper", "tune", "tune / paper"):
        table.add_column(column, justify="right")
    for r in row["rates"]:
        ratio = f"{r['ratio']:.2f}" if r["resolved"] else "paper's not told from 0"
        table.add_row(f"{r['skipped']:.0%}", f"{100 * r['other']:.2f}", f"{100 * r['drop']:.2f}", ratio)
    return table


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """MACs skipped at an allowed drop, a row per data set and drop."""
    methods = [m for m in SHORT if any(m in kept for row in rows for kept in row["kept"].values())]
    lines = [
        "| data set (dense) | points lost | "
        + " | ".join(SHORT[m] for m in methods)
        + " | MACs, paper / tune |",
        "|---|---|" + "---|" * (len(methods) + 1),
    ]
    for row in rows:
        for drop, kept in row["kept"].items():
            cells = [f"{1 - kept[m]:.1%}" if m in kept else "" for m in methods]
            more = row["more"].get(drop, {}).get("unit")
            lines.append(
                f"| {row['dataset']} ({row['accuracy']:.1%}) | {100 * float(drop):g} | "
                + " | ".join(cells)
                + f" | {f'{more:.2f}' if more else ''} |"
            )
    return "\n".join(lines)
