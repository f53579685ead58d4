"""From a `Page` to HTML. All text of the model is escaped: layer names come from files of others."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from . import charts
from .data import Confusion, Page
from .memory import KINDS
from .style import SERIES, shape, variables
from .svg import inline
from .variants import LayerRow, Quality

_FOLDER = Path(__file__).resolve().parent


def render(page: Page) -> str:
    """The same bytes for the same page."""
    template = _environment().get_template("page.html.j2")
    with charts.settings():
        text = template.render(
            page=page,
            kinds=KINDS,
            shown=Judged(page.is_share),
            searched=Judged(page.frontier.is_share if page.frontier else True),
            dense=page.variants[0],
            zero_skip=page.variants[1],
            frontiers=_frontiers(page),
            hidden=charts.hidden_entries(page.frontier) if page.frontier else 0,
            histograms=[(h, _histogram(page, i)) for i, h in enumerate(page.histograms)],
            light=Markup(variables(0)),
            dark=Markup(variables(1)),
        )
    return re.sub(r"\n\s*\n", "\n", text).lstrip()  # blocks leave empty lines


def _frontiers(page: Page) -> list[Markup]:
    """For a desktop, and for a phone."""
    if page.frontier is None:
        return []
    names = ", ".join(p.name for p in page.points)
    label = (
        f"{page.frontier.judge} lost against MACs computed, with the operating points {names}; table below"
    )
    widths = (charts.WIDE, charts.NARROW)
    return [inline(charts.frontier(page, w), label, f"f{i}-") for i, w in enumerate(widths)]


def _histogram(page: Page, index: int) -> Markup:
    h = page.histograms[index]
    skipped = sum(h.product.skipped)
    label = (
        f"Histograms of activations and products of {h.layer}: {h.zero:.1%} of the products are zero, "
        f"{skipped:.1%} of all MACs are products that are not zero and skipped at the default point"
    )
    return inline(charts.histogram(page, h, titled=False), label, f"h{index}-")


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=lambda v: f"{v:,.0f}",
        short=charts.short,
        percent=_percent,
        sentence=lambda text: text[:1].upper() + text[1:],
        width=lambda v: f"{max(0.0, min(1.0, v)) * 100:.2f}%",
        op=lambda op: op.replace("_", " ").lower(),
        shape=shape,
        series=lambda index: f"var(--point{index % SERIES})",
    )
    environment.globals.update(costly=_costly, gains=_gains, changes_of=_changes)
    return environment


def _percent(share: float | None, digits: int = 1) -> str:
    return "\u2013" if share is None else f"{share * 100:.{digits}f}\u202f%"


@dataclass(frozen=True)
class Judged:
    """How figures of a judge are written: shares in percent and their changes in points, metrics as they are."""

    is_share: bool

    def value(self, value: float) -> str:
        return f"{value * 100:.2f}" if self.is_share else f"{value:.4g}"

    def change(self, value: float) -> str:
        text = f"{value * 100:+.2f}" if self.is_share else f"{value:+.4g}"
        return "0" if not float(text) else text.replace("-", "\u2212")

    def interval(self, quality: Quality | None) -> str:
        if quality is None or quality.low is None or quality.high is None:
            return ""
        return f"{self.value(quality.low)} \u2026 {self.value(quality.high)}"

    def lost(self, drop: Quality | None) -> str:
        """The interval of a drop as one of a change."""
        if drop is None or drop.low is None or drop.high is None:
            return ""
        return f"{self.change(-drop.high)} \u2026 {self.change(-drop.low)}"


def _costly(rows: tuple[LayerRow, ...]) -> bool:
    """Whether all layers have predicted costs."""
    return bool(rows) and all(r.cost is not None and r.dense_cost is not None for r in rows)


def _changes(confusion: Confusion, index: int) -> dict[str, Any]:
    """Samples more or fewer than dense in every cell, and the largest of them."""
    pairs = zip(confusion.counts[0], confusion.counts[index], strict=True)
    rows = [[after - before for before, after in zip(*rows, strict=True)] for rows in pairs]
    return {"rows": rows, "most": max(1, *(abs(v) for row in rows for v in row))}


def _gains(numerator: float | None, denominator: float | None) -> Any:
    """How many times; None where one is not known."""
    return None if not numerator or not denominator else numerator / denominator
