"""Tensor names that lead back to the layers of the Keras model that was traced.

Two things get in the way. Keras 3 opens each layer's name scope twice, and TensorFlow tells scopes of one
name apart by a number: what the layer `conv2d` computes is called `conv2d_1/...`, and the layer `conv2d_1`
becomes `conv2d_1_2/...`. And the traced function's results are called `Identity`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .flatbuffer import dump, load, text


def restore(model: bytes, results: Mapping[str, str], numbered: frozenset[str]) -> bytes:
    """The .tflite file with better tensor names.

    results: name of a result -> name of the node that computes it. numbered: layers whose scopes carry an
    additional number.
    """
    file = load(model)
    for tensor in file.subgraphs[0].tensors:
        name = text(tensor.name)
        tensor.name = without_numbers(results.get(name, name), numbered)
    return dump(file)


def without_numbers(name: str, layers: frozenset[str]) -> str:
    """`sequential_1/conv2d_1_2/Relu;...` -> `sequential_1/conv2d_1/Relu;...` for the layer `conv2d_1`."""

    def own(match: re.Match[str]) -> str:
        return match["layer"] if match["layer"] in layers else match[0]

    return re.sub(r"(?P<layer>[^/;]+)_\d+(?=/)", own, name)
