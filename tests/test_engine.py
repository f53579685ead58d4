"""The batch engine on whole graphs: threads, kept tensors, partial runs, memory, bad arguments."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_graphs import assert_same, network, prune_all, samples
from hypothesis import given, settings
from hypothesis import strategies as st

from tflm_unit.converter.engine import KERNELS, Engine
from tflm_unit.converter.graph import PRUNABLE, Graph
from tflm_unit.converter.pruning import OperatingPoint

GRAPH = network()
POINT = prune_all(GRAPH)


def everything(graph: Graph = GRAPH) -> dict[str, Any]:
    """Arguments of Engine.run that ask for all there is."""
    return {
        "keep": [t for layer in graph.layers for t in layer.outputs],
        "histograms": [layer.index for layer in graph.prunable],
        "skipped_sums": True,
    }


@settings(max_examples=25)
@given(count=st.integers(0, 70), threads=st.integers(2, 9), seed=st.integers(0, 1000))
def test_results_do_not_depend_on_threads_or_kernels(count: int, threads: int, seed: int) -> None:
    inputs = samples(count, seed)
    one = Engine(GRAPH, POINT, threads=1).run(*inputs, **everything())
    for kernels in KERNELS:
        assert_same(Engine(GRAPH, POINT, threads=threads, kernels=kernels).run(*inputs, **everything()), one)


def test_samples_do_not_influence_each_other() -> None:
    inputs = samples(20)
    engine = Engine(GRAPH, POINT)
    whole = engine.run(*inputs)
    parts = [engine.run(*(x[i : i + 1] for x in inputs)) for i in range(20)]
    for i, output in enumerate(whole.outputs):
        np.testing.assert_array_equal(output, np.concatenate([p.outputs[i] for p in parts]))
    for index, counters in whole.counters.items():
        assert counters.macs_skipped == sum(p.counters[index].macs_skipped for p in parts)
        assert counters.macs_skipped > counters.macs_zero > 0
        assert counters.skipped_sum is None


def test_keeping_tensors_changes_nothing_else() -> None:
    """Kept tensors leave the workspace, so every subset has its own placement of the others."""
    inputs = samples(9)
    engine = Engine(GRAPH, POINT, threads=2)
    full = engine.run(*inputs, **everything())
    for index, kept in full.kept.items():
        assert kept.shape == (9, *GRAPH.tensors[index].shape[1:])
        assert kept.dtype == GRAPH.tensors[index].dtype
        alone = engine.run(*inputs, keep=[index])
        np.testing.assert_array_equal(alone.kept[index], kept)
        np.testing.assert_equal(alone.outputs, full.outputs)


def test_inputs_can_be_kept() -> None:
    inputs = samples(3)
    kept = Engine(GRAPH).run(*inputs, keep=np.array(GRAPH.inputs)).kept
    for index, x in zip(GRAPH.inputs, inputs, strict=True):
        np.testing.assert_array_equal(kept[index], x)
        assert kept[index] is not x


@pytest.mark.parametrize("last", range(len(GRAPH.layers)))
def test_stop_after(last: int) -> None:
    inputs = samples(4)
    engine = Engine(GRAPH, POINT)
    kept = GRAPH.layers[last].outputs[0]
    full, part = engine.run(*inputs, keep=[kept]), engine.run(*inputs, keep=[kept], stop_after=last)
    np.testing.assert_array_equal(part.kept[kept], full.kept[kept])
    assert set(part.counters) == {x.index for x in GRAPH.layers[: last + 1] if x.op in PRUNABLE}
    assert len(part.outputs) == (2 if last == len(GRAPH.layers) - 1 else 0)


def test_schedules() -> None:
    inputs = samples(8)
    dense, zero_skip, pruned = (
        Engine(GRAPH, POINT, schedule=s).run(*inputs) for s in ("dense", "zero_skip", "compare")
    )
    np.testing.assert_equal(dense.outputs, zero_skip.outputs)
    np.testing.assert_equal(Engine(GRAPH).run(*inputs).outputs, dense.outputs)
    for index, counters in dense.counters.items():
        assert counters.macs_skipped == 0
        assert zero_skip.counters[index].macs_skipped == counters.macs_zero
        assert counters.macs_total == 8 * GRAPH.macs(GRAPH.layers[index])
    assert any((a != b).any() for a, b in zip(dense.outputs, pruned.outputs, strict=True))


def test_layers_without_an_entry_run_dense() -> None:
    first, *others = GRAPH.prunable
    index = GRAPH.weights(first).index
    counters = Engine(GRAPH, OperatingPoint("one", {index: POINT.layers[index]})).run(*samples(4)).counters
    assert counters[first.index].macs_skipped > 0
    assert all(counters[layer.index].macs_skipped == 0 for layer in others)


def test_inputs_of_any_memory_layout() -> None:
    images, extra = samples(5)
    engine = Engine(GRAPH)
    strided = np.asfortranarray(images), np.repeat(extra, 2, axis=1)[:, ::2]
    np.testing.assert_equal(engine.run(*strided).outputs, engine.run(images, extra).outputs)
    bytes_ = np.zeros(images.nbytes + 1, np.uint8)[1:]
    unaligned = np.ndarray(images.shape, np.float32, bytes_.data)
    unaligned[...] = images
    unaligned.flags.writeable = False
    np.testing.assert_equal(engine.run(unaligned, extra).outputs, engine.run(images, extra).outputs)


def test_progress_reaches_the_end() -> None:
    calls: list[tuple[int, int]] = []
    Engine(GRAPH).run(*samples(50), progress=lambda *args: calls.append(args))
    assert calls[-1] == (50, 50)
    assert calls == sorted(calls)


def test_an_exception_in_progress_stops_the_run() -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        Engine(GRAPH).run(*samples(10), progress=fail)


def test_ctrl_c_stops_the_run() -> None:
    """The slowest form, with enough samples for many seconds, is interrupted at the first poll."""
    seen: list[int] = []

    def interrupt(done: int, total: int) -> None:
        seen.append(done)
        signal.raise_signal(signal.SIGINT)

    images, extra = (np.broadcast_to(x, (200_000, *x.shape[1:])) for x in samples(1))
    with pytest.raises(KeyboardInterrupt):
        Engine(GRAPH, POINT, kernels="core", threads=1).run(images, extra, progress=interrupt)
    assert len(seen) == 1
    assert seen[0] < 200_000


MEMORY_SCRIPT = """
import resource, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from engine_graphs import assert_same, network, prune_all, samples
from tflm_unit.converter.engine import Engine

graph = network()
engine = Engine(graph, prune_all(graph), threads=2)
inputs = [np.zeros((10_000, *graph.tensors[i].shape[1:]), graph.tensors[i].dtype) for i in graph.inputs]
for x in inputs:
    x[...] = 1
peaks = []
for count in (1_000, 10_000):
    engine.run(*(x[:count] for x in inputs), histograms=[2], skipped_sums=True)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[1] - peaks[0])
"""


def test_memory_is_flat(tmp_path: Path) -> None:
    """Nine thousand more samples need the memory of their outputs (50 bytes each) and nothing else."""
    command = [sys.executable, "-c", MEMORY_SCRIPT, str(Path(__file__).parent)]
    growth = int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=tmp_path).stdout)
    assert growth < 2_048, f"peak memory grew by {growth} KiB"
