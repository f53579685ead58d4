"""Short layer names from TFLite's tensor names.

TFLite names a fused operator after every TensorFlow node that went into it, for example
`model/activation/Relu;model/batch_normalization/FusedBatchNormV3;model/conv2d/Conv2D1`. The layer's own
name stands before the node that did the work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from .graph import PRUNABLE

# The TensorFlow nodes (of Keras 2 and 3) that an operator comes from; TFLite may append a number.
_NODES = {
    "CONV_2D": "Conv2D|Conv1D|convolution|separable_conv2d",
    "DEPTHWISE_CONV_2D": "depthwise|DepthwiseConv2dNative|separable_conv2d",
    "FULLY_CONNECTED": "MatMul|BatchMatMul|Tensordot",
    "ADD": "add|Add|AddV2",
}
_NUMBER = r"(_\d+)?\d*"
_NODE = re.compile(
    f"({'|'.join(_NODES.values())}|Relu6?|BiasAdd|Softmax|Reshape|AvgPool(2?[dD])?|MaxPool([12]?[dD])?|Mean|Pad|"
    "PadV2|concat|Squeeze|ExpandDims|FusedBatchNormV3|ReadVariableOp|resource|mul|Mul|Max|Min|Sum|"
    "Sigmoid|Tanh|Transpose|strided_slice)" + _NUMBER
)
_PLACEHOLDER = re.compile(r"(|Identity.*|(Stateful)?PartitionedCall.*|tfl\..*|arith\..*)")


@dataclass(frozen=True)
class Named:
    """op: operator name; output, weights: TFLite's names of these tensors, '' when absent."""

    op: str
    output: str
    weights: str


def layer_names(operators: Sequence[Named]) -> list[str]:
    """A unique name for each operator; the prunable ones choose first."""
    names: dict[int, str] = {}
    order = sorted(range(len(operators)), key=lambda i: (operators[i].op not in PRUNABLE, i))
    taken: set[str] = set()
    for i in order:
        names[i] = next(name for name in _candidates(operators[i]) if name not in taken)
        taken.add(names[i])
    return [names[i] for i in range(len(operators))]


def _candidates(named: Named) -> Iterator[str]:
    own, op = _own_name(named), named.op.lower()
    yield own
    if own != op:
        yield f"{own}/{op}"
    yield from (f"{own}/{op}_{number}" for number in count(2))


def _own_name(named: Named) -> str:
    outputs, weights = _paths(named.output), _paths(named.weights)
    own_node = re.compile(f"({_NODES.get(named.op, '')}){_NUMBER}")
    # Constants shared between layers add foreign segments to the output's name, so the weights are asked
    # first; but a constant whose name does not tell of the layer comes last.
    paths = [path for path in (*weights, *outputs) if any(own_node.fullmatch(part) for part in path[1:])]
    paths += [*outputs, *weights]
    for path in paths:
        if not _PLACEHOLDER.fullmatch(path[-1]):
            # The first of three or more parts is the model; layers may be called like nodes.
            shortest = 1 if len(path) == 2 else 2
            while len(path) > shortest and _NODE.fullmatch(path[-1]):
                del path[-1]
            return path[-1]
    return named.op.lower()


def _paths(name: str) -> list[list[str]]:
    return [re.sub(r":\d+$", "", segment).strip("/").split("/") for segment in name.split(";")]
