"""Settings and fixtures of the whole suite.

TFLM_UNIT_EXAMPLES: random examples per property (default 150; `make test-all` sets 2000).
TFLM_UNIT_DATA: folder with mnist.npz and mlperf_tiny/ (default: ../shared/data beside the repository).
"""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

import pytest
from core_library import build
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent

# nohup and background jobs of a shell ignore these; tests that send them, and the programs they start, must not.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)

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


def _core(factory: pytest.TempPathFactory, name: str, option: str) -> ctypes.CDLL:
    helper = REPOSITORY / "tests" / "divide_all.c"
    return build(factory.mktemp("core"), name, option, sources=[helper])


@pytest.fixture(scope="session")
def counting(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C core with counters."""
    return _core(tmp_path_factory, "counting", "-DUNIT_ENABLE_COUNTERS")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C core without counters, and as a machine without a CLZ instruction compiles it."""
    return _core(tmp_path_factory, "plain", "-DUNIT_HAS_CLZ=0")
