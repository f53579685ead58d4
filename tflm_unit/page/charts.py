"""The figures: inside the page as SVG, and as files for papers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from .data import Page
from .frontier import Frontier
from .histograms import Distribution, LayerHistogram
from .style import RC, colour, series
from .variants import Quality

WIDE, NARROW = 11.4, 3.9  # inches of 72 px: chart widths on a desktop and on a phone
PAPER = 9.4
HISTOGRAM = (4.1, 3.5)


def settings() -> AbstractContextManager[None]:
    """In which figures are drawn and saved: nothing of the user's own Matplotlib settings counts."""
    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **RC})


def frontier(page: Page, width: float = WIDE) -> Figure:
    """Drop against the MACs kept and, where it is known, against the cost."""
    found = page.frontier
    assert found is not None
    costs = [("cost", f"predicted {found.cost}, % of dense")] if found.has_cost else []
    axes = [("kept", "MACs computed, % of all"), *costs]
    stacked = width <= NARROW
    rows, columns = (len(axes), 1) if stacked else (1, len(axes))
    figure = Figure(figsize=(width, (2.7 if stacked else 3.6) * rows + 0.5))
    panels = figure.subplots(rows, columns, squeeze=False, sharey=not stacked).ravel()
    order = {p.name: i for i, p in enumerate(page.points)}
    for panel, (key, label) in zip(panels, axes, strict=True):
        _frontier_panel(panel, found, key, order)
        panel.set_xlabel(label)
    top = _drop_limit(found)
    for panel in panels if stacked else panels[:1]:
        panel.set_ylabel(f"{found.judge} lost, points" if found.is_share else f"{found.judge} lost")
        panel.set_ylim(*top)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2 if stacked else 8, handletextpad=0.4)
    return figure


def _frontier_panel(axes: Axes, found: Frontier, key: str, order: dict[str, int]) -> None:
    """The order is that of the legend."""
    scale = _scale(found)
    axes.axhline(0, color=colour("muted"), linewidth=0.8)
    points = [m for m in found.marked if m.kind == "point"]
    for m in found.marked:
        if m.kind != "point" and getattr(m, key) is not None:
            shape, label = ("s", "dense") if m.kind == "dense" else ("D", "zero-skip")
            x = getattr(m, key) * 100
            axes.plot(x, 0, shape, color=colour("text"), markersize=6, zorder=3, label=label)
    entries = [(getattr(e, key) * 100, e) for e in found.searched if getattr(e, key) is not None]
    entries.sort(key=lambda pair: pair[0])
    for value, e in entries:
        if e.point in order and not found.chosen:
            _mark(axes, value, Quality(e.drop * scale), order[e.point], e.point)
    hollow = bool(found.searched)
    for m, is_hollow in [*((m, False) for m in found.chosen), *((m, hollow) for m in points)]:
        if getattr(m, key) is not None and m.name in order:
            bare = hollow and points and not is_hollow  # its interval is that of the hollow mark
            shown = Quality(m.drop.value) if bare else m.drop
            _mark(axes, getattr(m, key) * 100, shown.times(scale), order[m.name], m.name, hollow=is_hollow)
    if found.max_drop is not None:
        limit = found.max_drop * scale
        axes.axhline(limit, color=colour("muted"), linewidth=0.9, dashes=(4, 3), label="allowed loss")
    if entries:
        x, y = [v for v, _ in entries], [e.drop * scale for _, e in entries]
        axes.plot(x, y, "o-", color=colour("search"), label="search", zorder=2, markersize=3, linewidth=0.9)
    drawn = [v for v, e in entries if e.drop * scale <= _drop_limit(found)[1]]
    drawn += [getattr(m, key) * 100 for m in (*found.chosen, *found.marked) if getattr(m, key) is not None]
    _share_axis(axes, min(drawn, default=0.0), max(drawn, default=100.0))


def _scale(found: Frontier) -> float:
    """Shares are drawn in points."""
    return 100.0 if found.is_share else 1.0


def _share_axis(axes: Axes, low: float, high: float) -> None:
    """Percentages; logarithmic where they span much, as equal steps are then equal factors."""
    if 0 < low < 30:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.15, high * 1.1)
        axes.xaxis.set_major_locator(LogLocator(10, (1, 2, 3, 5, 7)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0, max(high, 1.0) * 1.05)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def _mark(axes: Axes, x: float, drop: Quality, index: int, name: str, *, hollow: bool = False) -> None:
    """A point with its interval; hollow, and not in the legend, beside the search's own figure of it."""
    shade, marker = series(index)
    if drop.low is not None and drop.high is not None:
        axes.plot([x, x], [drop.low, drop.high], color=shade, linewidth=1.4, zorder=4)
    look: dict[str, Any] = {"markerfacecolor": "none", "markeredgewidth": 1.4} if hollow else {}
    label = "_" if hollow else _clipped(name)  # Matplotlib lists no names that begin so
    axes.plot(
        x, drop.value, marker, color=shade, markersize=7 if hollow else 9, zorder=5, label=label, **look
    )


def _drop_limit(found: Frontier) -> tuple[float, float]:
    """Lowest and highest drop drawn: what lies far above every point of interest would squeeze them."""
    points = [m.drop for m in (*found.chosen, *found.marked) if m.kind == "point"]
    bounds = [d for drop in points for d in (drop.low, drop.value, drop.high) if d is not None]
    named = [e.drop for e in found.searched if e.point is not None and not found.chosen]
    interesting = [*named, *bounds, found.max_drop or 0.0]
    lowest = min([0.0, *interesting, *(e.drop for e in found.searched)])
    highest = max(interesting) * (1.4 if found.searched else 1.15)
    highest = highest if highest > 0 else max([1e-4, *(e.drop for e in found.searched)])
    scale = _scale(found)
    return (lowest - 0.06 * (highest - lowest)) * scale, highest * scale


def hidden_entries(found: Frontier) -> int:
    """Entries of the search above the range that is drawn."""
    top = _drop_limit(found)[1]
    return sum(e.drop * _scale(found) > top for e in found.searched)


def histogram(page: Page, layer: LayerHistogram, titled: bool = True) -> Figure:
    """Activations and products of one layer, what is skipped in colour, thresholds as lines."""
    figure = Figure(figsize=HISTOGRAM)
    upper, lower = figure.subplots(2, 1)
    order = {p.name: i for i, p in enumerate(page.points)}
    activation, factor = "activation", "activation"
    if layer.center:
        sign = "\u2212" if layer.center > 0 else "+"
        activation += f" {sign} {abs(layer.center):.3g}"
        factor = f"({activation})"
    for axes, distribution, label in (
        (upper, layer.activation, f"|{activation}|"),
        (lower, layer.product, f"|{factor} \u00d7 weight|"),
    ):
        _distribution(axes, distribution)
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v * 100:g}%"))
        axes.grid(visible=False, axis="x")
    lower.set_xscale("log")
    lower.xaxis.set_minor_locator(NullLocator())
    lower.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    lower.set_xlim(_start(layer.product), layer.product.edges[-1])
    upper.set_xlim(0, layer.activation.edges[-1])
    shades = [series(order[mark.point])[0] for mark in layer.marks]
    names = [_clipped(mark.point) for mark in layer.marks]
    for shade, (low, high) in zip(shades, [mark.product for mark in layer.marks], strict=True):
        if high > low * 1.05:
            lower.axvspan(low, high, color=shade, alpha=0.22, linewidth=0)
    _lines(upper, [mark.activation for mark in layer.marks], shades, names)
    _lines(lower, [(mark.product[0] * mark.product[1]) ** 0.5 for mark in layer.marks], shades, names)
    if titled:
        figure.legend(*lower.get_legend_handles_labels(), loc="outside lower left", ncols=3, handlelength=1.2)
        figure.suptitle(
            f"{_clipped(layer.layer, 40)}: {layer.zero:.0%} of the products are zero",
            fontsize=9.5,
            x=0.02,
            ha="left",
        )
    return figure


def _lines(axes: Axes, places: list[float], shades: list[str], names: list[str]) -> None:
    """Vertical lines; those that coincide take turns in dashes, so that all are seen."""
    for number, (x, shade, name) in enumerate(zip(places, shades, names, strict=True)):
        peers = [i for i, other in enumerate(places) if abs(other - x) <= 0.02 * x]
        dash = 5.0
        turns: Any = (-dash * peers.index(number), (dash, dash * (len(peers) - 1))) if len(peers) > 1 else "-"
        axes.axvline(x, color=shade, linewidth=1.5, linestyle=turns, label=name)


def _distribution(axes: Axes, d: Distribution) -> None:
    skipped, kept = np.array(d.skipped), np.array(d.kept)
    axes.stairs(skipped, d.edges, fill=True, color=colour("pruned"), linewidth=0, label="skipped")
    axes.stairs(
        skipped + kept,
        d.edges,
        baseline=skipped,
        fill=True,
        color=colour("kept"),
        linewidth=0,
        label="computed",
    )


def _start(d: Distribution) -> float:
    """Where the axis begins: a thousandth of what there is may lie to the left."""
    mass = np.cumsum(np.array(d.skipped) + np.array(d.kept))
    first = int(np.searchsorted(mass, mass[-1] / 1000)) if mass[-1] > 0 else 0
    return d.edges[max(min(first, len(d.edges) - 2), 0)]


def layers(page: Page, index: int) -> Figure:
    """Share skipped and cost (without a plan: MACs) of every layer at one operating point."""
    point = page.points[index]
    rows = point.layers
    place = np.arange(len(rows))[::-1]
    figure = Figure(figsize=(PAPER, 0.9 + 0.34 * len(rows)))
    left, right = figure.subplots(1, 2, sharey=True)
    zero, pruned = (np.array([getattr(r, k) or 0.0 for r in rows]) for k in ("zero", "pruned"))
    start = np.zeros(len(rows))
    for name, role, widths in (
        ("zero products", "zero", zero),
        ("pruned products", "pruned", pruned),
        ("computed", "kept", 1 - zero - pruned),
    ):
        left.barh(place, widths, left=start, color=colour(role), label=name, height=0.72)
        start = start + widths
    left.xaxis.set_major_formatter(PercentFormatter(1))
    left.set(xlabel="share of the layer's MACs", xlim=(0, 1))
    has_cost = all(r.cost is not None and r.dense_cost is not None for r in rows)
    dense = [float(r.dense_cost or 0) if has_cost else r.macs for r in rows]
    now = [float(r.cost or 0) if has_cost else r.macs * (1 - (r.skipped or 0)) for r in rows]
    right.barh(place, dense, color=colour("kept"), height=0.72, label="dense")
    right.barh(place, now, color=series(index)[0], height=0.4, label=_clipped(point.name))
    right.set_xlabel(f"predicted {page.unit}" if has_cost else "MACs")
    right.xaxis.set_major_formatter(FuncFormatter(lambda v, _: short(v)))
    left.set_yticks(place, [_clipped(r.name) for r in rows])
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, handlelength=1, columnspacing=1)
    return figure


def confusion(page: Page, index: int) -> Figure:
    """Confusion matrices: dense, one operating point, and the second less the first."""
    found = page.confusion
    assert found is not None
    dense, pruned = np.array(found.counts[0]), np.array(found.counts[1 + index])
    change = pruned - dense
    limit = max(1, int(np.abs(change).max()))
    figure = Figure(figsize=(PAPER + 2, 4.2))
    for axes, values, title in zip(
        figure.subplots(1, 3),
        (dense, pruned, change),
        ("dense", page.points[index].name, f"{page.points[index].name} - dense"),
        strict=True,
    ):
        rows = np.maximum(dense.sum(axis=1, keepdims=True), 1)
        shown = values if values is change else values / rows
        limits = (-limit, limit) if values is change else (0, 1)
        axes.imshow(
            shown, cmap=_change_colours() if values is change else "Blues", vmin=limits[0], vmax=limits[1]
        )
        _cells(axes, values, shown / limits[1])
        ticks = range(len(found.classes))
        names = [_clipped(name, 12) for name in found.classes]
        axes.set_xticks(ticks, names, rotation=90 if max(map(len, names)) > 2 else 0)
        axes.set_yticks(ticks, names)
        axes.grid(visible=False)
        axes.set(title=_clipped(title), xlabel="predicted", ylabel="true" if found.labelled else "dense says")
    return figure


def _change_colours() -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("change", [colour("point0"), "#ffffff", colour("pruned")])


def _cells(axes: Axes, values: np.ndarray, depth: np.ndarray) -> None:
    """Counts in cells, where there is room."""
    if len(values) > 16:
        return
    for (row, column), value in np.ndenumerate(values):
        if value:
            shade = "#ffffff" if abs(depth[row, column]) > 0.55 else colour("text")
            axes.text(column, row, str(value), ha="center", va="center", fontsize=6.5, color=shade)


def short(value: float) -> str:
    """A number of at most four characters: 1.2M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def _clipped(name: str, length: int = 24) -> str:
    """For text in figures: XML takes no control characters, and Matplotlib lists no name that begins with _."""
    name = "".join(c if c.isprintable() else "\ufffd" for c in name)
    name = f"\u200a{name}" if name.startswith("_") else name
    return name if len(name) <= length else f"{name[: length - 1]}\u2026"
