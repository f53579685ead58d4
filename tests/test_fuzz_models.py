"""Damaged files: every prefix of a model and 10,000 random changes of bytes give a Graph or an error of ours.

Reader, converter and batch engine run in this process, so a crash, a hang or an exception of another type
fails the suite. TFLM runs in child processes, which name the change they died of.
"""

from __future__ import annotations

import resource
import time
import warnings
from collections import Counter

import numpy as np
import pytest
from damaged_models import changed, converted, survivors
from tiny_models import lenet, zoo

from tflm_unit.converter import container
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.errors import UnitError
from tflm_unit.converter.reader import read_graph

CHANGES, BLOCK = 10_000, 1_000
MAX_SECONDS = 10.0  # per file; milliseconds are normal
MAX_GROWTH = 256 << 20  # bytes of peak memory over all files


def use(model: bytes) -> str:
    """Reads, converts, strips and runs a model; how far it got."""
    reached, message = "nothing", "a message"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = read_graph(model)
            reached = "read"
            config = container.read_config(model, graph)
            container.read_report(model)
            converted(model)
            container.strip(model)
            reached = "converted"
            if not graph.unsupported:
                inputs = [
                    np.zeros((2, *graph.tensors[i].shape[1:]), graph.tensors[i].dtype) for i in graph.inputs
                ]
                Engine(graph, config.points[0] if config else None).run(*inputs)
                reached = "run"
        except UnitError as error:
            message = str(error)
    assert message
    return reached


def use_all(models: list[bytes]) -> Counter[str]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reached: Counter[str] = Counter()
    for model in models:
        start = time.perf_counter()
        reached[use(model)] += 1
        assert time.perf_counter() - start < MAX_SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 < MAX_GROWTH
    return reached


def test_every_prefix_is_refused() -> None:
    model = lenet()
    assert use(model) == "run"
    assert use_all([model[:length] for length in range(len(model))]) == {"nothing": len(model)}


def test_every_prefix_of_a_converted_model() -> None:
    model = converted(lenet())
    flatbuffer = model.rindex(b"PK\x03\x04")  # the associated file begins here
    assert use_all([model[:length] for length in range(flatbuffer)]) == {"nothing": flatbuffer}
    # Without its end, the archive is not recognised; the model itself is complete.
    assert use_all([model[:length] for length in range(flatbuffer, len(model))]) == {
        "run": len(model) - flatbuffer
    }


@pytest.mark.parametrize(
    "start",
    [pytest.param(s, marks=pytest.mark.slow if s else ()) for s in range(0, CHANGES, BLOCK)],
)
def test_changed_bytes(start: int) -> None:
    model = converted(lenet())
    reached = use_all([changed(model, seed) for seed in range(start, start + BLOCK)])
    assert min(reached[x] for x in ("nothing", "read", "run")) > BLOCK // 100, (
        "the changes do not vary enough"
    )


@pytest.mark.slow
def test_changed_bytes_of_every_operator() -> None:
    reached = use_all([changed(zoo(), seed) for seed in range(BLOCK)])
    assert min(reached[x] for x in ("nothing", "run")) > BLOCK // 100


@pytest.mark.parametrize(
    ("original", "start", "stop"),
    [
        ("lenet", 500, 800),
        ("zoo", 0, 150),
        *(pytest.param("lenet", s, s + BLOCK, marks=pytest.mark.slow) for s in range(0, CHANGES, BLOCK)),
        *(pytest.param("zoo", s, s + BLOCK, marks=pytest.mark.slow) for s in range(0, 4 * BLOCK, BLOCK)),
    ],
)
def test_changed_bytes_in_tflm(original: str, start: int, stop: int) -> None:
    pytest.importorskip("tflite_micro")
    done, died = survivors(original, start, stop)
    assert not died, f"seeds {list(died)} ended the process, the first with {next(iter(died.values()))}"
    for use in ("evaluate", "tflm", "interpreter"):
        assert done[use] > (stop - start) // 30, f"{use}: the changes leave hardly a model that runs"
