"""The methods that UnIT is compared with, each as a function of one strength.

    zero_skip(model, x)                                 zero products alone
    fatrelu(model, x, share)                            FATReLU: small activations become zero
    unit(model, x, percentile)                          UnIT as in the paper: one percentile for all layers
    unit(model, x, percentile, fatrelu_share=share)     FATReLU + UnIT
    zero_skip(magnitude_prune(keras_model, x, y, sparsity), x)        train-time pruning
    unit(magnitude_prune(keras_model, x, y, sparsity), x, percentile) train-time pruning + UnIT

All but magnitude_prune take models and samples as `convert` does, with its options such as labels, scale and divider
but for those that say what is skipped and how that is made good, and raise what it raises. Nothing is compensated or
centered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .api import ConversionResult, convert, statistics_source
from .converter.dataset import Dataset, Source
from .converter.errors import DataError, UnitError, check_number
from .converter.fatrelu import fused_relu
from .converter.keras_models import check_path, import_tensorflow
from .converter.quiet import quiet_stderr
from .models import Model

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
# Options of `convert` that make a method what it is.
FIXED = ("percentile", "skip", "thresholds", "points", "fatrelu_share", "compensation", "center", "refit")
PRUNED_LAYERS = ("Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "Dense")


def zero_skip(model: Any, x: Source, **options: Any) -> ConversionResult:
    """Skips products with a zero activation or a zero weight, which changes no output."""
    return _converted(model, x, 0, None, options)


def fatrelu(model: Any, x: Source, share: float, **options: Any) -> ConversionResult:
    """FATReLU (Kurtz et al., ICML 2020) and zero-skip: `share` (0..1) of the positive outputs of ReLUs become zero.

    Every layer with a fused ReLU gets one real threshold, that quantile of its positive outputs on up to 64 of the
    samples. Raises UnitError when no layer has a fused ReLU.
    """
    return _converted(model, x, 0, share, options)


def unit(
    model: Any, x: Source, percentile: float, *, fatrelu_share: float | None = None, **options: Any
) -> ConversionResult:
    """UnIT as in the paper (arXiv:2507.07885): zero products and, in every layer, `percentile` percent of the others.

    One threshold per layer. fatrelu_share: FATReLU as well, see `fatrelu`.
    """
    return _converted(model, x, percentile, fatrelu_share, options)


def _converted(
    model: Any, x: Source, percentile: float, fatrelu_share: float | None, options: dict[str, Any]
) -> ConversionResult:
    taken = [name for name in options if name in FIXED]
    if taken:
        raise UnitError(f"{taken[0]} is no option of a baseline, which fixes it; convert takes it")
    if fatrelu_share is not None:
        if options.get("fatrelu") is not None:
            raise UnitError("fatrelu and fatrelu_share exclude each other: give one")
        check_number("share", fatrelu_share, 0, 1, "a share of the ReLUs' positive outputs")
        dense = convert(model, x, percentile=0, compensation=False, center=False, **options).model
        data = Dataset(x, dense.graph, scale=options.get("scale"), offset=options.get("offset"))
        options["fatrelu"] = _quantiles(dense, data, fatrelu_share)
        model = dense.data
    return convert(model, x, percentile=percentile, compensation=False, center=False, **options)


def _quantiles(model: Model, data: Dataset, share: float) -> dict[str, float]:
    """Real outputs, by layer name, below which `share` of the positive outputs of each fused ReLU lie."""
    graph = model.graph
    layers = [layer for layer in graph.prunable if fused_relu(layer)]
    if not layers:
        raise UnitError("no layer has a fused ReLU, so that FATReLU has no outputs to make zero")
    source = statistics_source(model, data)
    result = {}
    for layer in layers:
        output = graph.tensors[layer.outputs[0]]
        values = source.activity([layer], None)[layer.index].output
        levels = values.astype(np.int64) - int(output.zero_point[0])
        positive = levels[levels > 0]
        # Half a level less: the quantile itself stays, whichever way its division by the scale is rounded.
        level = np.quantile(positive, share, method="higher") - 0.5 if positive.size else 0
        result[layer.name] = float(level) * float(output.scale[0])
    return result


def magnitude_prune(
    model: Any,
    x: np.ndarray,
    y: np.ndarray,
    sparsity: float,
    *,
    epochs: int = 8,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    augment: Augment | None = None,
    seed: int = 0,
) -> Any:
    """Train-time pruning: a fine-tuned copy of a Keras model without the `sparsity` (0..1) smallest of its weights.

    The weights of all convolutions and dense layers compete with each other, biases stay. Sparsity grows over the
    first half of the epochs as in Zhu & Gupta, "To prune, or not to prune" (2017); what is pruned stays zero, in the
    int8 model, too, where zero-skip skips it.

    model: a compiled Keras 3 model on TensorFlow with one input, or its path; it is left as it is. x: float32
    (N, ...); y: labels (N, ...) for the model's own loss. augment: changes a batch of x at random. The same arguments
    give the same model. Raises UnitError for a model that was not compiled or has
    nothing to prune, for values out of range and without TensorFlow; DataError for other than one label per sample;
    ModelError for a path without a model.
    """
    if not 0 <= sparsity < 1 or epochs < 1 or batch_size < 1:
        values = f"sparsity {sparsity!r}, epochs {epochs!r}, batch_size {batch_size!r}"
        raise UnitError(f"{values}; they take 0 .. 1 (exclusive), numbers >= 1")
    if not 1 <= len(x) == len(y):
        raise DataError(
            f"x has {len(x)} samples and y {len(y)} labels; there is one label for each, and at least one"
        )
    with quiet_stderr():
        tensorflow = import_tensorflow()
        import keras
    tensorflow.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    pruned, loss = _copy(keras, model)
    kernels = _kernels(keras, pruned)
    if not kernels:
        raise UnitError(f"the model has none of the layers that are pruned: {', '.join(PRUNED_LAYERS)}")
    masks = [_mask(keras, kernel) for kernel in kernels]
    for kernel, mask in zip(kernels, masks, strict=True):
        kernel.constraint = mask

    def prune(epoch: int, logs: Any = None) -> None:
        done = min((epoch + 1) / -(-epochs // 2), 1)
        kept = _kept([kernel.numpy() for kernel in kernels], sparsity * (1 - (1 - done) ** 3))
        for kernel, mask, ones in zip(kernels, masks, kept, strict=True):
            mask.values.assign(ones)
            kernel.assign(mask(kernel))

    steps = max(len(x) // batch_size, 1)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps)
    pruned.compile(keras.optimizers.Adam(schedule), loss)
    pruned.fit(
        batches(x, y, batch_size, augment, seed),
        steps_per_epoch=steps,
        epochs=epochs,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=prune)],
        verbose=0,
    )
    for kernel in kernels:
        kernel.constraint = None
    return pruned


def batches(
    x: np.ndarray, y: np.ndarray, batch_size: int, augment: Augment | None, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of samples without end, in an order and with changes that depend on the seed alone."""
    random = np.random.default_rng(seed)
    size = min(batch_size, len(x))
    while True:
        order = random.permutation(len(x))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield augment(x[chosen], random) if augment else x[chosen], y[chosen]


def _copy(keras: Any, model: Any) -> tuple[Any, Any]:
    """A copy of a model, or of that in a file, and its loss."""
    if isinstance(model, (str, os.PathLike)):
        check_path(Path(model))
        model = keras.models.load_model(model)
    if not model.compiled:
        raise UnitError("the model has no loss to fine-tune with: call compile() first")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy, model.loss


def _kernels(keras: Any, model: Any) -> list[Any]:
    types = tuple(getattr(keras.layers, name) for name in PRUNED_LAYERS)
    found = []
    for layer in model.layers:
        if isinstance(layer, types):
            found.append(layer.kernel)
        elif hasattr(layer, "layers"):
            found += _kernels(keras, layer)
    return found


def _mask(keras: Any, kernel: Any) -> Any:
    """A constraint, which the optimizer applies after every step: the kernel times `values`."""

    class Mask(keras.constraints.Constraint):  # type: ignore[misc]
        values = keras.Variable(np.ones(kernel.shape, np.float32), trainable=False)

        def __call__(self, value: Any) -> Any:
            return value * self.values

    return Mask()


def _kept(kernels: list[np.ndarray], sparsity: float) -> list[np.ndarray]:
    """Ones, float32, for all but the share of smallest magnitudes of all kernels together."""
    magnitudes = np.concatenate([np.abs(kernel).ravel() for kernel in kernels])
    removed = round(sparsity * magnitudes.size)
    if removed == 0:
        return [np.ones(kernel.shape, np.float32) for kernel in kernels]
    threshold = np.partition(magnitudes, removed - 1)[removed - 1]
    return [(np.abs(kernel) > threshold).astype(np.float32) for kernel in kernels]
