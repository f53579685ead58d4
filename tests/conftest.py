"""Settings and fixtures of the whole suite.

TFLM_UNIT_EXAMPLES: random examples per property (default 150; `make test-all` sets 2000).
TFLM_UNIT_DATA: folder with mnist.npz and mlperf_tiny/ (default: ../shared/data beside the repository).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent

settings.register_profile(
    "tflm_unit",
    max_examples=int(os.environ.get("TFLM_UNIT_EXAMPLES", "150")),
    deadline=None,
    derandomize="TFLM_UNIT_EXAMPLES" not in os.environ,  # the short run gives everybody the same verdict
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("tflm_unit")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the data sets and models that are too large for the repository; skips without it."""
    folder = Path(os.environ.get("TFLM_UNIT_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}: set TFLM_UNIT_DATA to one with mnist.npz and mlperf_tiny/")
    return folder
