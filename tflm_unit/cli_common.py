"""What the commands of `tflm-unit` share: arguments, the progress bar, printing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .converter.errors import UnitError

ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="A .tflite file.")]
DataPath = Annotated[
    Path, typer.Option("--data", help="DATA.npz with x_train, x_test, y_test as Keras caches them.")
]
Scale = Annotated[float | None, typer.Option(help="Real value = stored value * scale + offset.")]
Offset = Annotated[float | None, typer.Option(help="See --scale.")]
Center = Annotated[
    bool,
    typer.Option(help="Count activations from a value in their midst where that makes products smaller."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


class ScheduleName(str, Enum):
    unit = "unit"
    zero_skip = "zero_skip"
    dense = "dense"


class DividerName(str, Enum):
    exact = "exact"
    bit_shift = "bit_shift"
    binary_tree = "binary_tree"
    bit_mask = "bit_mask"
    table = "table"


class PrunedSchedule(str, Enum):
    compare = "compare"
    planned = "planned"
    activation_sorted = "activation_sorted"


def check_place(path: Path) -> None:
    """Before the work whose result `path` is to hold. Raises UnitError."""
    if path.is_dir() or not path.parent.is_dir():
        reason = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise UnitError(f"cannot write {path}: {reason}")


def check_page(option: str, page: Path, files: Mapping[str, Path | None]) -> None:
    """As check_place, of a page that must not replace one of `files`, by what they are."""
    check_place(page)
    for what, path in files.items():
        if path is not None and path.resolve() == page.resolve():
            raise UnitError(f"{option} {page} would overwrite {what}: give the page a name of its own")


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error: the callback takes (what, done, total)."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


def print_all(*items: Any) -> None:
    console = Console(highlight=False, markup=False)  # paths may hold brackets
    # A file or pipe has no width of its own; tables must not be cut to 80 columns there.
    console.width = max(console.width, 160) if not console.is_terminal else console.width
    for item in items:
        console.print(item)
