"""How the model was made, as its report says."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

Rows = tuple[tuple[str, str], ...]
MAX_LISTED = 6
_DEFAULTS = {"groups": "layer", "divider": "exact", "extra_flash": 1.0}


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
    """The `tflm-unit convert` that makes such a model; None where there is none, as for searched thresholds."""
    converted = report.get("settings") or {}
    rules = list((converted.get("points") or {}).values())
    if report.get("tuning") or not rules:
        return None
    if not all(set(rule) == {"skip"} for rule in rules) and not (
        len(rules) == 1 and set(rules[0]) == {"percentile"}
    ):
        return None
    words = ["tflm-unit", "convert", "MODEL", "-o", "OUT.tflite", "--data", "DATA.npz"]
    for rule in rules:
        for name, value in rule.items():
            words += [f"--{name}", f"{value:g}"]
    target = converted.get("target")
    for name in ("groups", "divider", "target", "schedule", "extra_flash", "fatrelu"):
        value = converted.get(name)
        if isinstance(value, Mapping):
            return None
        implied = name == "divider" and target and value == "bit_shift"
        if value is not None and value != _DEFAULTS.get(name) and not implied:
            words += [f"--{name.replace('_', '-')}", _text(value)]
    if converted.get("power_of_two") and not target:
        words.append("--power-of-two")
    if converted.get("compensation") is False:
        words.append("--no-compensation")
    return shlex.join(words)


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
