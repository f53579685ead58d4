"""The loss by which an int8 model's answers are compared with others, and its gradient.

Cross-entropy of the logits where the model ends in a SOFTMAX, else half the squared error of its output.
"""

from __future__ import annotations

import numpy as np

from .errors import UnitError
from .graph import Graph, Layer, SoftmaxParams

PASSED_ON = ("DEQUANTIZE", "QUANTIZE", "RESHAPE")


class OutputLoss:
    """tensor: int8, what the loss is a function of: the logits, or the output.

    Raises UnitError for a model with several outputs: what only the others depend on would seem not to matter.
    """

    def __init__(self, graph: Graph) -> None:
        if len(graph.outputs) != 1:
            raise UnitError(
                f"the model has {len(graph.outputs)} outputs; tune and refit compare one with the dense model's: "
                "use convert without refit"
            )
        made_by = {t: layer for layer in graph.layers for t in layer.outputs}
        tensor = graph.outputs[0]
        last: Layer | None = made_by.get(tensor)
        while last is not None and last.op in PASSED_ON:
            tensor = last.inputs[0]
            last = made_by.get(tensor)
        self._step = 0.0
        if last is not None and isinstance(last.params, SoftmaxParams):
            tensor, self._step = last.inputs[0], logit_step(last.params)
        self.tensor = tensor
        found = graph.tensors[tensor]
        self._scale, self._zero_point = float(found.scale[0]), int(found.zero_point[0])

    def answers(self, values: np.ndarray) -> np.ndarray:
        """Probabilities, or real outputs, float64 (N, ...), from the int8 values of `tensor`."""
        if not self._step:
            return (values.astype(np.float64) - self._zero_point) * self._scale
        exponents = values * self._step
        powers = np.exp(exponents - exponents.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    def draw(self, answers: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Labels that the model itself would give, one-hot, or its outputs with unit noise; like `answers`."""
        if not self._step:
            return answers + random.standard_normal(answers.shape)
        chosen = (np.cumsum(answers, axis=-1) < random.random((*answers.shape[:-1], 1))).sum(axis=-1)
        return np.eye(answers.shape[-1])[np.minimum(chosen, answers.shape[-1] - 1)]

    def gradient(self, answers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Of each sample's loss by the real values of `tensor`, float32, like `answers`."""
        by_unit = self._step / self._scale if self._step else 1.0
        return ((answers - wanted) * by_unit).astype(np.float32)

    def loss(self, answers: np.ndarray, wanted: np.ndarray) -> float:
        """Mean over the samples: Kullback-Leibler divergence from `wanted`, or half the squared error."""
        if not self._step:
            return float(np.square(answers - wanted).sum() / 2 / len(answers))
        tiny = np.finfo(np.float64).tiny
        surprise = np.log(np.maximum(wanted, tiny)) - np.log(np.maximum(answers, tiny))
        return float((wanted * surprise).sum() / len(answers))


def logit_step(params: SoftmaxParams) -> float:
    """What one int8 step of a SOFTMAX's input adds to the exponent; inverse of TFLite's PreprocessSoftmaxScaling."""
    return params.multiplier * 2.0 ** (params.shift - 31 - 26)
