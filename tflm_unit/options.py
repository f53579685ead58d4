"""Options of `convert` and `tune`: checked, with their defaults, and as reports show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .converter.errors import UnitError
from .converter.metadata_format import MAX_NAME_BYTES
from .converter.pruning import Divider
from .converter.targets import Target
from .converter.thresholds import Explicit, Percentile, Rule, SkipRate

PAPER_PERCENTILE = 20.0
RESERVED_NAMES = ("dense", "zero-skip")
MAX_EXTRA_FLASH = 100  # more than any plan takes


def check_extra_flash(extra_flash: float | None, schedule: str | None, target: str | Target | None) -> None:
    if extra_flash is None:
        return
    if not isinstance(extra_flash, (int, float)) or not 0 <= extra_flash <= MAX_EXTRA_FLASH:
        raise UnitError(f"extra_flash is {extra_flash!r}; it takes a number in 0 .. {MAX_EXTRA_FLASH}")
    if schedule not in (None, "planned"):
        raise UnitError(
            f"extra_flash limits plans, and none are made for schedule {schedule!r}: leave one of them out"
        )
    if schedule is None and target is None:
        raise UnitError("extra_flash limits plans, and none are made: give a target, or schedule 'planned'")


def check_point_name(name: object) -> str:
    """Raises UnitError for a name that models cannot store, or that commands and reports use for something else."""
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name.encode()) <= MAX_NAME_BYTES:
        raise UnitError(f"point {name!r}: a name takes 1 to {MAX_NAME_BYTES} printable bytes of UTF-8")
    if name.isdecimal() or name == "all":
        raise UnitError(f"point {name!r}: numbers and 'all' select points; choose another name")
    if name in RESERVED_NAMES:
        raise UnitError(f"point {name!r}: reports call a baseline that; choose another name")
    return name


def divider_for(
    divider: str | Divider | None, power_of_two: bool | None, target: Target | None
) -> tuple[Divider, bool]:
    """With a target and no divider, thresholds are powers of two, for which quotients are bit shifts."""
    names = [d.name.lower() for d in Divider]
    if divider is None and target is not None:
        rounded = power_of_two is not False
        return Divider.BIT_SHIFT if rounded else target.divider, rounded
    if divider is None:
        return Divider.EXACT, bool(power_of_two)
    if isinstance(divider, Divider):
        return divider, bool(power_of_two)
    if divider not in names:
        raise UnitError(f"divider is {divider!r}; it takes one of {', '.join(names)}")
    return Divider[divider.upper()], bool(power_of_two)


def rules_for(
    percentile: float | None,
    skip: float | None,
    thresholds: Mapping[str, Any] | None,
    points: Mapping[str, Rule] | None,
) -> dict[str, Rule]:
    given = [x is not None for x in (percentile, skip, thresholds, points)]
    if sum(given) > 1:
        raise UnitError("percentile, skip, thresholds and points exclude each other: give one")
    if points is not None:
        if not isinstance(points, Mapping):
            raise UnitError(f"points is {points!r}; it takes rules by name: {{'full': SkipRate(0.5)}}, say")
        if not points:
            raise UnitError("points is empty: at least one operating point is needed")
        wrong = [name for name, rule in points.items() if not isinstance(rule, Rule)]
        if wrong:
            raise UnitError(
                f"point {wrong[0]!r} is {points[wrong[0]]!r}; it takes SkipRate, Percentile or Explicit"
            )
        return {check_point_name(name): rule for name, rule in points.items()}
    if not isinstance(skip, (int, float, type(None))):
        raise UnitError(
            f"skip is {skip!r}; it takes a share of the MACs, 0 .. 1; for several points give points="
        )
    if skip is not None:
        return {"default": SkipRate(float(skip))}
    if thresholds is not None:
        return {"default": Explicit(thresholds)}
    return {"default": Percentile(PAPER_PERCENTILE if percentile is None else percentile)}


def settings_of(
    rules: Mapping[str, Rule],
    groups: str | int,
    divider: Divider,
    fatrelu: float | Mapping[str, float] | None,
    compensation: bool,
) -> dict[str, Any]:
    def describe(rule: Rule) -> dict[str, Any]:
        if isinstance(rule, Explicit):
            return {"thresholds": {k: np.asarray(v, np.float64).tolist() for k, v in rule.values.items()}}
        return {"percentile" if isinstance(rule, Percentile) else "skip": rule.value}

    return {
        "points": {name: describe(rule) for name, rule in rules.items()},
        "groups": groups,
        "divider": divider.name.lower(),
        "fatrelu": dict(fatrelu) if isinstance(fatrelu, Mapping) else fatrelu,
        "compensation": compensation,
    }
