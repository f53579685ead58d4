"""A converted model for the tests of the report page, and what a search leaves in a model's report."""

from __future__ import annotations

from typing import Any

import numpy as np
from classifier import CLASSES, classifier, images

import tflm_unit
from tflm_unit.api import ConversionResult
from tflm_unit.converter import container
from tflm_unit.models import Model, load_model

SAMPLES = 60
LABELS = np.arange(SAMPLES) % CLASSES


def converted() -> ConversionResult:
    """Two operating points, planned for a Cortex-M0."""
    rules: Any = {"full": tflm_unit.SkipRate(0.55), "saver": tflm_unit.SkipRate(0.75)}
    return tflm_unit.convert(classifier(), images(64), points=rules, target="cortex_m0_sim")


def with_report(model: Model, **changes: Any) -> Model:
    """The model with parts of its report replaced; None: taken out."""
    report = {k: v for k, v in {**(model.report or {}), **changes}.items() if v is not None}
    assert model.config is not None
    return load_model(container.attach(container.strip(model.data), model.config, report))


def tuning(**changes: Any) -> dict[str, Any]:
    """What a search leaves in a model's report."""
    kept = np.linspace(0.1, 0.6, 12)
    rows = [
        {
            "trial": i,
            "kept": k,
            "cost": k + 0.1,
            "judge": 0.9 - 0.02 / k,
            "drop": 0.02 / k - 0.03,
            "loss": 1 / k,
        }
        for i, k in enumerate(kept.tolist())
    ]
    chosen = [
        {"name": n, "limit": 0.01, "kept": k, "cost": 0.4, "judge": 0.89, "drop": d, "drop_low": d - 0.01}
        | {"drop_high": d + 0.01}
        for n, k, d in (("full", 0.45, 0.002), ("saver", 0.25, 0.009))
    ]
    return {
        "judge": "accuracy",
        "cost": "instructions",
        "target": "cortex_m0_sim",
        "dense": {"judge": 0.91, "cost": 1000.0},
        "settings": {"max_drop": 0.01, "trials": 12, "seed": 3, "validation_samples": 2000},
        "points": chosen,
        "frontier": [{**row, "point": {4: "saver", 8: "full"}.get(i)} for i, row in enumerate(rows)],
        "test": None,
        "notes": ["a note of the search"],
        **changes,
    }
