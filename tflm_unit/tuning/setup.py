"""What a search is made from: the network, its judges, its space."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..converter.dataset import Source, check_labels
from ..converter.engine import Engine
from ..converter.errors import DataError, UnitError
from ..converter.fatrelu import fused_relu
from ..converter.samples import regular_array
from ..converter.sensitivity import sensitivity
from ..models import Model
from ..planning import Planned, Progress
from .bench import Bench
from .judge import Judge, Metric
from .network import Network, Run, dataset, picked, quantized
from .result import Test, Tested
from .space import Device, Space

FATRELU_SAMPLES = 64
Samples = tuple[np.ndarray, ...]  # quantized, one array per input


@dataclass(frozen=True)
class Setup:
    """Arguments of `tune` that several steps need."""

    base: Model
    threads: int | None
    scale: float | None
    offset: float | None
    metric: Metric | None
    seed: int
    progress: Progress

    @property
    def network(self) -> Network:
        return Network(self.base.graph, self.threads)

    def judge(self, samples: Samples, labels: Any) -> Judge:
        """Raises DataError for labels that do not fit."""
        network = self.network
        dense = network.run(samples, schedule="dense").answers
        if labels is not None:
            labels, count = regular_array(labels, "labels are"), len(dense.outputs)
            if labels.shape[:1] != (count,):
                raise DataError(f"there are {len(np.atleast_1d(labels))} labels for {count} samples")
            if self.metric is None:
                labels = check_labels(labels, count, dense.outputs.shape[1])
        return Judge(dense, labels, network.loss, metric=self.metric, seed=self.seed)

    def space(self, bench: Bench, samples: Samples, device: Device, fatrelu: bool) -> Space:
        graph = self.base.graph
        if not graph.prunable:
            raise UnitError(
                "no CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED layer has int8 weights of its own"
            )
        fisher = sensitivity(graph, dataset(samples, graph), threads=self.threads, progress=self.progress)
        outputs = {x.index: x.outputs[0] for x in graph.prunable if fatrelu and fused_relu(x)}
        some = picked(samples, FATRELU_SAMPLES)
        kept = Engine(graph, threads=self.threads).run(*some, keep=list(outputs.values())).kept
        statistics = bench.calibrator.collect(graph.prunable, None)
        cost = {x.index: bench.layer_costs[x.index] / graph.macs(x) for x in graph.prunable}
        relu = {i: kept[t] for i, t in outputs.items()}
        return Space(graph, device, fisher, cost, statistics, relu)

    def exam(self, test: Source | None, labels: Any) -> tuple[Samples, Judge] | None:
        """Test samples and their judge, checked before a search that may take hours. Raises UnitError."""
        if test is None:
            if labels is not None:
                raise UnitError("test_labels are given without test")
            return None
        samples = quantized(test, self.base.graph, self.scale, self.offset)
        return samples, self.judge(samples, labels)

    def test(self, planned: Planned, samples: Samples, judge: Judge) -> Test:
        network = self.network

        def tested(run: Run) -> Tested:
            value, drop = judge.estimate(run.answers), judge.drop_estimate(run.answers)
            return Tested(value.value, value.low, value.high, drop.value, drop.low, drop.high, run.kept)

        points = {p.name: tested(network.run(samples, p)) for p in planned.points}
        return Test(len(samples[0]), judge.name, tested(network.run(samples, schedule="dense")), points)


def content(*parts: bytes | np.ndarray) -> str:
    """SHA-256 of bytes, or of arrays with their types and shapes."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype}{part.shape}".encode())
            part = np.ascontiguousarray(part).tobytes()
        found.update(part)
    return found.hexdigest()
