"""Edits of a ModelT, for `tiny_models.edited`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tiny_models import OPERATORS, schema

from tflm_unit.converter import flatbuffer

Edit = Callable[[Any], None]


def tensor(index: int, **values: Any) -> Edit:
    """Sets fields of a tensor; those of its quantization are named q_..."""

    def edit(file: Any) -> None:
        target = file.subgraphs[0].tensors[index]
        for name, value in values.items():
            if name.startswith("q_"):
                setattr(target.quantization, name[2:], value)
            else:
                setattr(target, name, value)

    return edit


def operator(index: int, **values: Any) -> Edit:
    """Sets fields of an operator or of its options."""

    def edit(file: Any) -> None:
        target = file.subgraphs[0].operators[index]
        for name, value in values.items():
            setattr(target if hasattr(target, name) else target.builtinOptions, name, value)

    return edit


def model_field(path: str, value: Any) -> Edit:
    def edit(file: Any) -> None:
        *parents, last = path.split(".")
        target = file
        for name in parents:
            target = getattr(target, name) if not name.isdigit() else target[int(name)]
        setattr(target, last, value)

    return edit


def code(index: int, name: str, custom: str | None = None) -> Edit:
    def edit(file: Any) -> None:
        target = file.operatorCodes[index]
        target.builtinCode = target.deprecatedBuiltinCode = getattr(OPERATORS, name)
        target.customCode = custom

    return edit


def constant_output(file: Any) -> None:
    buffer = schema.BufferT()
    buffer.data = np.zeros(400, np.uint8)
    file.buffers.append(buffer)
    tensor(1, buffer=len(file.buffers) - 1)(file)


def bias_of_conv2(file: Any) -> None:
    file.buffers[file.subgraphs[0].tensors[7].buffer].data = np.full(6, 2**31 - 1, "<i4").view(np.uint8)


def no_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes LiteRT's own checks away, so that the reader has to find the fault."""
    monkeypatch.setattr(flatbuffer, "verify", lambda model: None)
