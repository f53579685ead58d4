"""The charts as files for papers: PNG, SVG and PDF."""

from __future__ import annotations

import io
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..converter.codegen.c_source import identifiers
from ..converter.container import write_file
from ..converter.errors import UnitError
from . import charts
from .data import Page

DPI = 200
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def write_figures(page: Page, folder: str | PathLike[str]) -> tuple[Path, ...]:
    """Writes every chart that the page has data for, in each format; the paths.

    frontier, layers_<point>, histogram_<layer>, confusion_<point>: the same bytes for the same page. Raises UnitError
    naming the path when something cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnitError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    written = []
    with charts.settings():
        for name, figure in _figures(page):
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # done, and the same in every format
            for suffix, metadata in _METADATA.items():
                file = io.BytesIO()
                figure.savefig(file, format=suffix, dpi=DPI, metadata=metadata)
                write_file(target / f"{name}.{suffix}", file.getvalue())
                written.append(target / f"{name}.{suffix}")
    return tuple(written)


def _figures(page: Page) -> Iterator[tuple[str, Figure]]:
    if page.frontier:
        yield "frontier", charts.frontier(page, charts.PAPER)
    points = identifiers(p.name for p in page.points)
    for index, name in enumerate(points):
        yield f"layers_{name}", charts.layers(page, index)
        if page.confusion:
            yield f"confusion_{name}", charts.confusion(page, index)
    names = identifiers(h.layer for h in page.histograms)
    for name, histogram in zip(names, page.histograms, strict=True):
        yield f"histogram_{name}", charts.histogram(page, histogram)
