"""How the model was made, as its report says."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from .variants import SHARES

Rows = tuple[tuple[str, str], ...]
MAX_LISTED = 6
_DEFAULTS = {"convert": {"groups": "layer"}, "tune": {"groups": "channel"}}  # of each command


def settings(report: Mapping[str, Any]) -> tuple[tuple[str, Rows], ...]:
    """(title, ((name, value), ...)) of each group that the report has."""
    converted, tuning = report.get("settings") or {}, report.get("tuning") or {}
    version = {"tflm-unit": report["tflm_unit"]} if "tflm_unit" in report else {}
    if tuning:
        named = {k: tuning[k] for k in ("judge", "cost", "target") if k in tuning}
        limits = {p["name"]: p["limit"] for p in tuning.get("points") or ()}
        groups = (
            ("Limits of the points", limits),
            ("Search", version | named | (tuning.get("settings") or {})),
        )
    else:
        options = {k: v for k, v in converted.items() if k != "points"}
        groups = (("Operating points", converted.get("points") or {}), ("Conversion", version | options))
    return tuple((title, _rows(values)) for title, values in groups if values)


def command(report: Mapping[str, Any]) -> str | None:
    """The `tflm-unit convert` or `tune` that makes such a model; None where none does.

    The report does not know scale and offset of the data.
    """
    tuning = report.get("tuning")
    made_by = _tune(tuning) if tuning else _convert(report.get("settings") or {})
    if made_by is None:
        return None
    name, options, settings = made_by
    words = ["tflm-unit", name, "MODEL", "-o", "OUT.tflite", "--data", "DATA.npz", *options]
    target = settings.get("target")
    for option in ("target", "groups", "divider", "schedule", "extra_flash", "fatrelu"):
        value = settings.get(option)
        if isinstance(value, Mapping):
            return None
        implied = option == "divider" and (value == "bit_shift" if target else value == "exact")
        if (
            value is not None
            and not isinstance(value, bool)
            and not implied
            and value != _DEFAULTS[name].get(option)
        ):
            words += [f"--{option.replace('_', '-')}", _number(value)]
    for option, usual in (
        ("power_of_two", bool(target)),
        ("compensation", True),
        ("center", True),
        ("fatrelu", True),
        ("refit", False),
    ):
        value = settings.get(option)
        if isinstance(value, bool) and value != usual:
            words.append(f"--{'' if value else 'no-'}{option.replace('_', '-')}")
    return shlex.join(words)


def _convert(settings: Mapping[str, Any]) -> tuple[str, list[str], Mapping[str, Any]] | None:
    rules = list((settings.get("points") or {}).values())
    skips = all(set(rule) == {"skip"} for rule in rules)
    percentile = len(rules) == 1 and set(rules[0]) == {"percentile"}
    if not rules or not (skips or percentile):
        return None
    return "convert", [w for r in rules for k, v in r.items() for w in (f"--{k}", _number(v))], settings


def _tune(tuning: Mapping[str, Any]) -> tuple[str, list[str], Mapping[str, Any]] | None:
    settings, points = tuning.get("settings") or {}, tuning.get("points") or ()
    if not points or tuning.get("judge") not in SHARES:
        return None
    by_cost = bool(settings.get("by_cost"))
    limits = [f"{p['name']}={_number(p['limit'] * (1 if by_cost else 100))}" for p in points]
    options = ["--points", ",".join(limits)]
    for option, name in (
        ("budget", "budget"),
        ("trials", "trials"),
        ("seed", "seed"),
        ("samples", "calibration_samples"),
        ("validation", "validation_samples"),
    ):
        if settings.get(name) is not None:
            options += [f"--{option}", _number(settings[name])]
    return "tune", options, settings


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _rows(values: Mapping[str, Any]) -> Rows:
    return tuple((str(name).replace("_", " "), _text(value)) for name, value in values.items())


def _text(value: Any) -> str:
    """A JSON value as people write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_text(v)}" for k, v in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        listed = ", ".join(_text(v) for v in value[:MAX_LISTED])
        return f"{listed}, \u2026 ({len(value)})" if len(value) > MAX_LISTED else listed
    return str(value)
