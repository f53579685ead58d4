"""The report: one self-contained HTML page about a model and its operating points (docs/report.md).

measure, histograms, memory   what is found out
variants, frontier, settings  what the model's own report says
data                          all of it as plain values: `Page`
charts, style, svg            its figures
html, *.j2, page.css          the page
tables                        the same for terminals
figures                       files for papers
"""

from __future__ import annotations

from os import PathLike
from typing import Any

from ..converter.container import write_file
from ..converter.dataset import Source
from ..models import Model
from .data import Page, collect

__all__ = ["Page", "build", "collect", "render", "write"]


def render(page: Page) -> str:
    """The page as HTML: the same bytes for the same values."""
    from .html import render as to_html  # Matplotlib takes its time to import, and `summary` needs none of it

    return to_html(page)


def build(model: Model, x: Source | None = None, y: Any = None, **options: Any) -> str:
    """The page as HTML: the same for the same model, data and options. Options and errors: see `collect`."""
    return render(collect(model, x, y, **options))


def write(
    model: Model, path: str | PathLike[str], x: Source | None = None, y: Any = None, **options: Any
) -> None:
    """Writes the page, whole or not at all; UnitError names the path when that fails. Options: see `collect`."""
    write_file(path, build(model, x, y, **options).encode())
