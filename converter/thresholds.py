"""Chooses thresholds: by percentile, by target skip rate, or as given.

A rule is stated per group of output channels on real-valued products, and is solved under the divider that
the device will run, so that the skip rate is the device's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .calibration import LayerStatistics
from .errors import UnitError, check_number
from .pruning import MAX_THRESHOLD, Divider

# The largest threshold over the smallest step is about 2^15 * 2^8 (range of channel scales): 40 halvings
# resolve every integer.
BISECTIONS = 40


@dataclass(frozen=True)
class Percentile:
    """Skip zero products and the smallest `value` percent of the others, in every group (paper: 20)."""

    value: float

    def __post_init__(self) -> None:
        value = check_number("percentile", self.value, 0, 100, "percent of the non-zero products")
        object.__setattr__(self, "value", value)


@dataclass(frozen=True)
class SkipRate:
    """Skip this share (0..1) of the MACs of all layers that can carry thresholds, on the calibration data.

    Every group skips its zero products and the same percentile of the others.
    """

    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", check_number("skip rate", self.value, 0, 1, "a share of the MACs"))


@dataclass(frozen=True)
class Explicit:
    """Real-valued thresholds by layer name: one number, or one per group. Other layers run dense.

    A negative threshold never skips, not even zero products. UnitError for anything but finite numbers.
    """

    values: Mapping[str, float | Sequence[float]]

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping) or not self.values:
            raise UnitError(f"thresholds are {self.values!r}; they take a mapping with at least one layer")
        for name, value in self.values.items():
            try:
                array = np.asarray(value)
            except ValueError:
                array = np.array("ragged")
            numbers = array.dtype.kind in "iuf" and array.ndim <= 1 and array.size > 0
            if not numbers or not np.isfinite(array).all():
                raise UnitError(
                    f"threshold of layer {name!r} is {value!r}; it takes a number or a list of numbers"
                )


Rule = Percentile | SkipRate | Explicit


def percentile_for(rate: float, statistics: Mapping[int, LayerStatistics]) -> Percentile:
    """The percentile of the non-zero products that makes `rate` of all MACs skipped."""
    total = sum(int(s.macs_total.sum()) for s in statistics.values())
    zero = sum(int(s.macs_zero.sum()) for s in statistics.values())
    if total == zero:
        return Percentile(0)
    return Percentile(min(max(100 * (rate * total - zero) / (total - zero), 0), 100))


def group_size(groups: str | int, channels: int) -> int:
    """Output channels per group for `layer`, `channel` or a number; UnitError otherwise."""
    if groups == "layer":
        return channels
    if groups == "channel":
        return 1
    if isinstance(groups, int) and groups >= 1:
        return min(groups, channels)
    raise UnitError(f"groups is {groups!r}; it takes 'layer', 'channel' or a number of channels >= 1")


def to_integer(real: np.ndarray, product_scale: np.ndarray, power_of_two: bool = False) -> np.ndarray:
    """T = floor(t / (s_x * s_w)) per output channel, int16; a negative t gives -1, never skip.

    power_of_two: T > 0 becomes 2^n - 1 for the power of two nearest to it on a logarithmic scale. Divided by the
    bit length of a weight it then begins to keep activations at a power of two.
    """
    levels = np.clip(np.floor(real / product_scale), -1, MAX_THRESHOLD)
    if power_of_two:
        nearest = 2.0 ** np.rint(np.log2(np.maximum(levels, 1))) - 1
        levels = np.where(levels > 0, np.minimum(nearest, MAX_THRESHOLD), levels)
    return levels.astype(np.int16)


def quotas(rule: Percentile, statistics: LayerStatistics, size: int) -> np.ndarray:
    """MACs that each group should skip under `rule`, float64 (groups,)."""
    zero = _per_group(statistics.macs_zero, size)
    return zero + rule.value / 100 * (_per_group(statistics.macs_total, size) - zero)


def solve(
    wanted: np.ndarray,
    statistics: LayerStatistics,
    size: int,
    product_scale: np.ndarray,
    divider: Divider,
    power_of_two: bool = False,
) -> np.ndarray:
    """Real thresholds float64 (groups,) whose skipped MACs come nearest to `wanted` (groups,).

    power_of_two: see to_integer. All groups are bisected at once; skipped MACs never decrease with the threshold,
    whatever the divider.
    """

    def skipped(real: np.ndarray) -> np.ndarray:
        integer = to_integer(np.repeat(real, size)[: len(product_scale)], product_scale, power_of_two)
        return _per_group(statistics.skipped(integer, divider), size)

    low = np.zeros(len(wanted))
    high = np.full(len(wanted), (MAX_THRESHOLD + 1) * float(product_scale.max()))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        enough = skipped(middle) >= wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    too_few = wanted - skipped(low)
    too_many = skipped(high) - wanted
    return np.where(too_few <= too_many, low, high)


def _per_group(values: np.ndarray, size: int) -> np.ndarray:
    return np.add.reduceat(values, np.arange(0, len(values), size)).astype(np.float64)
