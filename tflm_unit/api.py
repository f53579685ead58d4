"""`convert` and `load`: from a model and data to a pruned .tflite and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from ._native import VERSION
from .converter import container
from .converter.calibration import Calibrator
from .converter.centers import centered, choose_centers, used_centers
from .converter.dataset import Dataset, Source
from .converter.errors import UnitError
from .converter.graph import Layer
from .converter.prune import PruneOptions, Statistics
from .converter.pruning import Divider, OperatingPoint, PruningConfig
from .converter.refit import check_refit, refit_all
from .converter.targets import Target, as_target
from .converter.thresholds import Rule
from .evaluation import Evaluation, evaluate
from .models import Model, load_model, naming, read_bytes
from .notes import too_large
from .options import check_extra_flash, divider_for, rules_for, settings_of
from .planning import Planned, Progress, check_schedule, make_points
from .report import summary, to_json

if TYPE_CHECKING:
    from .converter.codegen import Export


@dataclass(frozen=True)
class ConversionResult:
    """A model with its operating points. `str(result)` is the summary."""

    model: Model = field(repr=False)

    @property
    def points(self) -> tuple[OperatingPoint, ...]:
        """The operating points; point 0 is the default. Empty for a model without thresholds."""
        return self.model.config.points if self.model.config else ()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that can carry thresholds."""
        return self.model.graph.prunable

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the .tflite file, whole or not at all; UnitError names the path when it fails."""
        container.write_file(path, self.model.data)

    def export(
        self, folder: str | PathLike[str], *, target: str | Target | None = None, **options: Any
    ) -> Export:
        """Writes C for boards without TFLM; see `converter.codegen.export`. target: by name or as one; None: any."""
        from .converter.codegen import export

        chosen = None if target is None else as_target(target)
        model = self.model
        return export(model.graph, model.config, folder, target=chosen, report=model.report, **options)

    def summary(self) -> str:
        """A table of every operating point's layers: thresholds, dividers, MACs skipped."""
        return summary(self.model)

    def __str__(self) -> str:
        return self.summary()

    def evaluate(self, x: Source, y: Any = None, **options: Any) -> Evaluation:
        """Accuracy and skipped MACs; see `tflm_unit.evaluate`."""
        return evaluate(self.model, x, y, **options)

    def report(
        self, path: str | PathLike[str], x: Source | None = None, y: Any = None, **options: Any
    ) -> None:
        """Writes one HTML page with tables and charts (docs/report.md), measured on x and y where they are given.

        Options, of which scale and offset are those of `evaluate`: see `tflm_unit.page.collect`.
        """
        from .page import write

        write(self.model, path, x, y, **options)


def load(model: str | PathLike[str] | bytes) -> ConversionResult:
    """Reads a .tflite file or its bytes, converted or not. Raises ModelError or MetadataError."""
    return ConversionResult(load_model(model))


def convert(
    model: Any,
    representative_data: Source,
    *,
    percentile: float | None = None,
    skip: float | None = None,
    thresholds: Mapping[str, Any] | None = None,
    points: Mapping[str, Rule] | None = None,
    groups: str | int = "layer",
    divider: str | Divider | None = None,
    power_of_two: bool | None = None,
    target: str | Target | None = None,
    schedule: str | None = None,
    extra_flash: float | None = None,
    fatrelu: float | Mapping[str, float] | None = None,
    compensation: bool = True,
    center: bool = True,
    refit: bool = False,
    labels: Any = None,
    scale: float | None = None,
    offset: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ConversionResult:
    """Attaches UnIT thresholds to a model.

    model: a Keras model, or a path (.keras, .h5, SavedModel folder, .tflite), or the bytes of a .tflite.
        Keras models are first quantized to int8 with the representative data.
    representative_data: samples (N, ...) in the units the model was trained on, or one array per input, or a
        function that returns an iterator over samples; `value * scale + offset` is applied. Every sample is
        used: a few hundred are enough.
    percentile, skip, thresholds: one rule for one operating point named 'default'. percentile: that share of
        the non-zero products of every group, in percent (default 20, as in the paper). skip: share (0..1) of
        all MACs. thresholds: real-valued, by layer name, one number or one per group.
    points: several operating points instead, by name: `{"full": SkipRate(0.5), "saver": SkipRate(0.8)}`.
    groups: 'layer', 'channel' or a number of output channels that share a threshold.
    divider: exact, bit_shift, binary_tree, bit_mask or table (docs/dividers.md); thresholds are chosen under it.
        Default: exact; for a target bit_shift with power_of_two, or the board's own with power_of_two=False.
    power_of_two: integer thresholds are powers of two minus one, chosen so that the skip rate is met all the same.
    target: the board that the model is for (docs/boards.md): each layer gets the schedule that its cost model
        predicts to be fastest, and layers that would not become faster keep running dense.
    schedule: compare, planned or activation_sorted wherever a layer can run it, instead of a choice.
    extra_flash: what plans of weights may take, in bytes per byte of the model's dense weights. Default: for a
        target 1, and only for plans that save enough time for it (docs/convert.md); for schedule='planned' no limit.
    fatrelu: outputs of fused ReLUs below this real value become 0; a number or by layer name.
    compensation: add the mean of what is skipped to the bias.
    center: count a layer's activations from a value in their midst where that makes its products smaller than around
        the zero point; for layers without padding (docs/convert.md).
    refit: move the compensations by gradient descent to where the model answers most like the dense one: less loss
        than with means, at the cost of some seconds to minutes; takes 500 samples or more.
    labels: class indices of the samples; each point's accuracy on them is then stored with it.
    progress: called with (what, steps done, steps).

    Raises ModelError for models that are not full-int8, DataError for data that does not fit, and UnitError
    for options out of range.
    """
    rules = rules_for(percentile, skip, thresholds, points)
    check_schedule(schedule)
    check_extra_flash(extra_flash, schedule, target)
    if refit and not compensation:
        raise UnitError("refit moves compensations, and compensation=False makes none: leave one of them out")
    board = None if target is None else as_target(target)
    chosen, power_of_two = divider_for(divider, power_of_two, board)
    data = int8_bytes(model, representative_data, scale, offset)
    with naming(model):
        base = load_model(container.strip(data))
    if not base.graph.prunable:
        raise UnitError("no CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED layer has int8 weights of its own")
    if refit:
        check_refit(base.graph)
    samples = Dataset(representative_data, base.graph, scale=scale, offset=offset)
    if labels is not None and not callable(representative_data):  # now, not after minutes
        samples.labels(labels, len(samples), base.graph.tensors[base.graph.outputs[0]].size)
    if center:
        base = with_centers(base, samples, threads)
    options = {
        name: PruneOptions(rule, groups, chosen, fatrelu, compensation, power_of_two)
        for name, rule in rules.items()
    }
    machine: dict[str, Any] = {"target": board, "schedule": schedule, "extra_flash": extra_flash}
    while True:  # at most twice as a rule: what a layer does without its center, layers behind it see
        source = statistics_source(base, samples, threads)
        planned = make_points(base.graph, source, options, **machine, progress=progress)
        centers = used_centers(base.graph, planned.points)
        if len(centers) == len(base.graph.centers):
            break
        base = replace(base, graph=centered(base.graph, centers))
    if refit:
        moved, layers = refit_all(
            base.graph, planned.points, planned.layers, samples, threads=threads, progress=progress
        )
        planned = replace(planned, points=moved, layers=layers)
    measured = [_measured(base, p, representative_data, labels, scale, offset) for p in planned.points]
    settings = {
        **settings_of(rules, groups, chosen, fatrelu, compensation),
        "center": center,
        "refit": refit,
        "power_of_two": power_of_two,
        "target": board.name if board else None,
        "schedule": schedule,
        "extra_flash": extra_flash,
    }
    config = PruningConfig(tuple(measured), base.graph.centers)
    report = report_of(config, planned, settings)
    result = load(container.attach(base.data, config, report))
    missing = too_large(result.model, board) if board else ()
    if missing:
        report["notes"] += missing
        result = load(container.attach(base.data, config, report))
    return result


def int8_bytes(model: Any, data: Source, scale: float | None, offset: float | None) -> bytes:
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model)
    if isinstance(model, (str, PathLike)) and str(model).endswith(".tflite"):
        return read_bytes(model)
    from .converter.keras_export import export_int8

    return export_int8(model, data, scale=scale, offset=offset)


def statistics_source(model: Model, data: Dataset, threads: int | None = None) -> Statistics:
    """The batch engine where it can run the whole model, else TFLM."""
    if not model.graph.unsupported:
        return Calibrator(model.graph, data, threads)
    from .tflm_calibration import TflmCalibrator

    return TflmCalibrator(model, data)


def with_centers(model: Model, data: Dataset, threads: int | None = None) -> Model:
    """The model without thresholds, with centers for the layers that gain by them on the data."""
    statistics = statistics_source(model, data, threads).collect(model.graph.prunable, None)
    return replace(model, graph=centered(model.graph, choose_centers(model.graph, statistics)))


def _measured(
    model: Model, point: OperatingPoint, x: Source, y: Any, scale: float | None, offset: float | None
) -> OperatingPoint:
    if y is None:
        return point
    accuracy = evaluate(model.with_point(point), x, y, scale=scale, offset=offset).accuracy
    return OperatingPoint(point.name, point.layers, accuracy, point.skip_rate)


def report_of(config: PruningConfig, planned: Planned, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "tflm_unit": VERSION,
        "settings": settings,
        "points": [
            to_json(p, r, n)
            for p, r, n in zip(config.points, planned.layers, planned.point_notes, strict=True)
        ],
        "notes": list(planned.notes),
        "plan": planned.plan.to_json() if planned.plan else None,
    }
