"""Calibration statistics, threshold rules and sequential pruning.

The reference is the batch engine's own counting, which tests/test_engine.py checks against the oracle.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from classifier import classifier, images
from hypothesis import given
from models import build, weights_index
from strategies import LayerCase, layer_cases

from tflm_unit.converter.calibration import Calibrator, LayerStatistics
from tflm_unit.converter.dataset import Dataset
from tflm_unit.converter.dividers import optimal_tree
from tflm_unit.converter.engine import Engine
from tflm_unit.converter.errors import UnitError
from tflm_unit.converter.graph import Graph
from tflm_unit.converter.metadata import pack
from tflm_unit.converter.prune import PruneOptions, prune
from tflm_unit.converter.pruning import Divider, LayerPruning, OperatingPoint, PruningConfig
from tflm_unit.converter.reader import read_graph
from tflm_unit.converter.thresholds import Explicit, Percentile, SkipRate, to_integer

DIVIDERS = list(Divider)


def one_layer(case: LayerCase) -> tuple[Graph, np.ndarray]:
    """Graph of the case for single inferences, and the inferences."""
    shape = (1, *case.input.shape[1:])
    return read_graph(build([case], input_shapes={0: shape})), case.input


def statistics_of(graph: Graph, x: np.ndarray) -> LayerStatistics:
    (layer,) = graph.prunable
    return Calibrator(graph, Dataset(x, graph)).collect([layer], None)[layer.index]


@given(case=layer_cases())
def test_statistics_predict_what_the_engine_counts(case: LayerCase) -> None:
    graph, x = one_layer(case)
    (layer,) = graph.prunable
    statistics = statistics_of(graph, x)
    point = OperatingPoint("p", {weights_index(0): replace(case.pruning, compensation=None)})
    counted = Engine(graph, point).run(x, skipped_sums=True).counters[layer.index]
    channels = graph.output_channels(layer)
    thresholds = case.pruning.per_channel(channels)
    divider = {Divider.BINARY_TREE: Divider.BIT_SHIFT, Divider.TABLE: Divider.EXACT}.get(
        case.pruning.divider, case.pruning.divider
    )
    assert statistics.macs_total.sum() == counted.macs_total == graph.macs(layer) * len(x)
    assert statistics.macs_zero.sum() == counted.macs_zero
    assert statistics.skipped(thresholds, divider).sum() == counted.macs_skipped
    assert counted.skipped_sum is not None
    np.testing.assert_allclose(
        statistics.mean_skipped_sum(thresholds, divider) * statistics.positions,
        counted.skipped_sum,
        rtol=1e-12,
        atol=1e-6,
    )


@pytest.fixture(scope="module")
def graph() -> Graph:
    return read_graph(classifier())


@pytest.fixture(scope="module")
def source(graph: Graph) -> Calibrator:
    return Calibrator(graph, Dataset(images(64), graph, batch_size=16))  # several batches


def measured_rate(graph: Graph, point: OperatingPoint) -> float:
    counters = Engine(graph, point).run(*next(iter(Dataset(images(64), graph)))).counters.values()
    return sum(c.macs_skipped for c in counters) / sum(c.macs_total for c in counters)


@pytest.mark.parametrize("divider", DIVIDERS)
@pytest.mark.parametrize("groups", ["layer", "channel", 4])
def test_skip_rate_is_met_on_the_deployed_network(
    graph: Graph, source: Calibrator, divider: Divider, groups: str | int
) -> None:
    point, reports = prune(graph, source, PruneOptions(SkipRate(0.8), groups, divider), "p")
    assert point.skip_rate == pytest.approx(measured_rate(graph, point), abs=1e-12)
    # Power-of-two quotients leave few distinct skip counts in layers as small as these.
    assert point.skip_rate == pytest.approx(
        0.8, abs=0.01 if divider in (Divider.EXACT, Divider.TABLE) else 0.05
    )
    assert sum(r.macs_skipped for r in reports) > sum(r.macs_zero for r in reports)


@pytest.mark.parametrize("rate", [0.7, 0.8, 0.9])
def test_powers_of_two_meet_the_rate_as_well(graph: Graph, source: Calibrator, rate: float) -> None:
    """Later layers make up for what the coarse steps of earlier ones miss."""
    options = PruneOptions(SkipRate(rate), "channel", Divider.BIT_SHIFT, power_of_two=True)
    point, _ = prune(graph, source, options, "p")
    thresholds = np.concatenate([p.thresholds for p in point.layers.values()]).astype(int)
    assert np.all(thresholds & (thresholds + 1) == 0)
    assert len(np.unique(thresholds)) > 1
    assert measured_rate(graph, point) == pytest.approx(rate, abs=0.03)


def test_rounding_to_powers_of_two() -> None:
    real = np.array([-0.5, 0, 1, 2, 2.9, 3, 5, 6, 22, 23, 16000, 32385, 1e9])
    rounded = to_integer(real, np.ones(len(real)), power_of_two=True)
    assert rounded.tolist() == [-1, 0, 0, 1, 1, 3, 3, 7, 15, 31, 16383, 32385, 32385]


@pytest.mark.parametrize("percentile", [0, 20, 100])
def test_percentile_counts_non_zero_products(graph: Graph, source: Calibrator, percentile: float) -> None:
    _, reports = prune(graph, source, PruneOptions(Percentile(percentile)), "p")
    for report in reports:
        wanted = report.macs_zero + percentile / 100 * (report.macs_total - report.macs_zero)
        assert report.macs_skipped == pytest.approx(wanted, rel=0.01)


def test_percentile_zero_is_zero_skip(graph: Graph, source: Calibrator) -> None:
    point, _ = prune(graph, source, PruneOptions(Percentile(0)), "p")
    assert all((p.thresholds == 0).all() and p.compensation is None for p in point.layers.values())


def test_a_rate_below_the_zero_products_prunes_nothing_else(graph: Graph, source: Calibrator) -> None:
    point, reports = prune(graph, source, PruneOptions(SkipRate(0.0)), "p")
    assert sum(r.macs_skipped for r in reports) == sum(r.macs_zero for r in reports)
    assert all((p.thresholds == 0).all() for p in point.layers.values())


def test_compensation_keeps_the_mean_of_every_accumulator(graph: Graph, source: Calibrator) -> None:
    """The last layer has no clamp in this model, so its mean output shows what is missing."""
    x = next(iter(Dataset(images(64), graph)))
    dense = Engine(graph).run(*x).outputs[0].astype(float).mean(axis=0)
    errors = {}
    for compensation in (True, False):
        options = PruneOptions(SkipRate(0.8), compensation=compensation)
        point, _ = prune(graph, source, options, "p")
        mean = Engine(graph, point).run(*x).outputs[0].astype(float).mean(axis=0)
        errors[compensation] = float(np.abs(mean - dense).max())
    assert errors[True] < 0.5 * errors[False]


def test_explicit_thresholds(graph: Graph, source: Calibrator) -> None:
    rule = Explicit({"strided": 0.01, "logits": (0.02, 0.005, -1.0)})
    point, reports = prune(graph, source, PruneOptions(rule, 2, Divider.TABLE), "p")
    by_name = {x.name: point.layers.get(graph.weights(x).index) for x in graph.prunable}
    assert by_name["conv"] is None
    assert reports[0].macs_skipped == 0
    strided, logits = by_name["strided"], by_name["logits"]
    assert isinstance(strided, LayerPruning)
    assert isinstance(logits, LayerPruning)
    layer = graph.prunable[1]
    expected = np.floor(0.01 / graph.product_scale(layer))
    np.testing.assert_array_equal(strided.per_channel(8), expected)
    scale = graph.product_scale(graph.prunable[2])[0]
    assert logits.thresholds.tolist() == [int(0.02 / scale), int(0.005 / scale), -1]
    assert logits.group_size == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            PruneOptions(Explicit({"conv9": 1.0})),
            r"'conv9': the model has no such .*\['conv', 'logits', 'strided'\]",
        ),
        (
            PruneOptions(Explicit({"conv": (1.0, 2.0)})),
            "2 thresholds for layer 'conv', which has 1 groups of 6",
        ),
        (PruneOptions(Percentile(5), groups="row"), "groups is 'row'"),
        (PruneOptions(Percentile(5), groups=0), "groups is 0"),
        (PruneOptions(Percentile(5), fatrelu={"dense": 1.0}), "FATReLU threshold for layer 'dense'"),
        (PruneOptions(Percentile(5), fatrelu={"logits": 1.0}), "'logits': it has no fused ReLU"),
        (PruneOptions(Percentile(5), fatrelu=float("nan")), "FATReLU threshold is nan"),
        (
            PruneOptions(Percentile(5), fatrelu={"conv": "high"}),
            "FATReLU threshold of layer 'conv' is 'high'",
        ),
    ],
)
def test_bad_options(graph: Graph, source: Calibrator, options: PruneOptions, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        prune(graph, source, options, "p")


@pytest.mark.parametrize("value", [-1, 101, float("nan")])
def test_rules_out_of_range(value: float) -> None:
    with pytest.raises(UnitError, match="percentile"):
        Percentile(value)
    with pytest.raises(UnitError, match="skip rate"):
        SkipRate(value)


def test_fatrelu_zeroes_small_outputs(graph: Graph, source: Calibrator) -> None:
    point, _ = prune(graph, source, PruneOptions(Percentile(0), fatrelu=0.52), "p")
    conv = graph.prunable[0]
    output = conv.outputs[0]
    x = next(iter(Dataset(images(64), graph)))
    dense = Engine(graph).run(*x, keep=[output]).kept[output].astype(int) + 128
    fat = Engine(graph, point).run(*x, keep=[output]).kept[output].astype(int) + 128
    np.testing.assert_array_equal(fat, np.where(dense * 0.05 < 0.52, 0, dense))
    assert (dense != fat).any()
    assert point.layers[graph.weights(graph.prunable[2]).index].fatrelu_min == -128, "logits have no ReLU"


def test_fatrelu_works_in_layers_without_a_threshold(graph: Graph, source: Calibrator) -> None:
    point, reports = prune(
        graph, source, PruneOptions(Explicit({"logits": 0.01}), fatrelu={"conv": 0.52}), "p"
    )
    conv = point.layers[graph.weights(graph.prunable[0]).index]
    assert conv.thresholds.tolist() == [-1]
    assert conv.fatrelu_min == -128 + 11
    assert reports[0].macs_skipped == 0
    assert graph.weights(graph.prunable[1]).index not in point.layers


def test_every_divider_packs(graph: Graph, source: Calibrator) -> None:
    for divider in DIVIDERS:
        point, _ = prune(graph, source, PruneOptions(SkipRate(0.8), "channel", divider), "p")
        assert pack(PruningConfig((point,)), graph)


def expected_comparisons(tree: np.ndarray, counts: np.ndarray) -> int:
    nodes, total = tree.reshape(-1, 3), 0
    for control in range(1, 256):
        child, steps = 0, 0
        while not child & 0x80:
            pivot, below, other = nodes[child]
            child, steps = (below if control < 1 << pivot else other), steps + 1
        assert child & 0x7F == control.bit_length()
        total += steps * int(counts[control])
    return total


def test_optimal_tree() -> None:
    uniform_over_lengths = np.array([0, *(256 >> int(c).bit_length() for c in range(1, 256))])
    balanced = optimal_tree(uniform_over_lengths)
    assert expected_comparisons(balanced, uniform_over_lengths) == 3 * uniform_over_lengths.sum()
    skewed = np.zeros(256, int)
    skewed[1], skewed[200] = 1000, 1
    assert expected_comparisons(optimal_tree(skewed), skewed) < expected_comparisons(balanced, skewed)
    assert optimal_tree(skewed)[1] == 0x81, "the frequent magnitude is found with one comparison"
    assert expected_comparisons(optimal_tree(np.zeros(256, int)), np.ones(256, int)) == 255 * 3
