"""Short layer names from TFLite's tensor names.

TFLite names a fused operator after every TensorFlow node that went into it, for example
`model/activation/Relu;model/batch_normalization/FusedBatchNormV3;model/conv2d/Conv2D1`. The layer's own
name stands before the node that did the work.
"""

from __future__ import annotations

import itertools
import re

# The TensorFlow node (Keras 2 and 3) that an operator comes from.
_NODES = {
    "CONV_2D": "Conv2D|Conv1D|convolution",
    "DEPTHWISE_CONV_2D": "depthwise|DepthwiseConv2dNative",
    "FULLY_CONNECTED": "MatMul|BatchMatMul|Tensordot",
    "ADD": "add|Add|AddV2",
}
_GENERIC = re.compile(
    r"(Relu6?|BiasAdd|Softmax|Reshape|AvgPool|MaxPool|AvgPool2D|MaxPool2[dD]|Mean|Pad|PadV2|concat|Squeeze|"
    r"ExpandDims|Quantize|Dequantize|add|Add|AddV2|Conv2D|MatMul|depthwise|convolution)\d*"
)
_PLACEHOLDER = re.compile(r"(Identity|StatefulPartitionedCall|PartitionedCall|tfl\.|arith\.)")


def _paths(name: str) -> list[list[str]]:
    segments = [re.sub(r":\d+$", "", segment) for segment in name.split(";")]
    return [[part for part in segment.split("/") if part] for segment in segments]


def _own_name(op: str, output: str, weights: str) -> str:
    node = re.compile(rf"({_NODES[op]})(_\d+)?\d*") if op in _NODES else _GENERIC
    # Constants shared between layers add foreign segments to the output's name, so weights go first.
    for path in [*_paths(weights), *_paths(output)]:
        if len(path) > 1 and node.fullmatch(path[-1]):
            return path[-2]
    for path in [*_paths(output), *_paths(weights)]:
        if path and not _PLACEHOLDER.match(path[-1]):
            return path[-1] if len(path) == 1 or not _GENERIC.fullmatch(path[-1]) else path[-2]
    return op.lower()


class LayerNames:
    """Hands out names that are unique within one model."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, op: str, output: str, weights: str) -> str:
        """op: operator name; output, weights: TFLite's names of these tensors, '' when absent."""
        own = _own_name(op, output, weights)
        candidates = itertools.chain(
            [own, f"{own}/{op.lower()}"], (f"{own}/{op.lower()}_{number}" for number in itertools.count(2))
        )
        name = next(candidate for candidate in candidates if candidate not in self._taken)
        self._taken.add(name)
        return name
