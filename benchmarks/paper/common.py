"""What the paper's commands share: arguments, results that outlive an interruption, how figures look."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tflm_unit.converter.container import write_file

sys.path.append(str(Path(__file__).resolve().parents[1]))  # benchmarks/
from data_files import EPILOG, count, rate, run

__all__ = ["Store", "count", "key_of", "parser", "rate", "run", "save_figure", "write_json"]


class Store:
    """Results by key, in one JSON file, which is written after every result; what another process wrote stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._read()

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` returned when it was first asked for, as JSON types."""
        if key not in self._known:
            made = json.loads(json.dumps(make()))
            self._known = {**self._read(), key: made}
            write_json(self._path, self._known)
        return self._known[key]

    def _read(self) -> dict[str, Any]:
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}


def key_of(*parts: bytes | Mapping[str, Any] | str) -> str:
    """A name for what these make."""
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        found.update(hashlib.sha256(data).digest())
    return found.hexdigest()[:24]


def write_json(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, (json.dumps(values, indent=1) + "\n").encode())


def parser(description: str | None, *, draws: bool = True) -> ArgumentParser:
    """With the arguments of all commands. draws: whether this one has a figure."""
    made = ArgumentParser(description=description, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print JSON instead of tables")
    if draws:
        made.add_argument(
            "--png", type=Path, metavar="FILE", help="draw the figure, too (.png, .svg or .pdf)"
        )
    return made


def save_figure(figure: Any, path: Path) -> None:
    """Raises OSError when the folder cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=96)
