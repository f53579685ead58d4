"""What the sketches compile besides the generated model: input samples, and files as C arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import tflm_unit


def quantize(result: tflm_unit.ConversionResult, x: np.ndarray) -> np.ndarray:
    """Real values as the model's int8 input; same shape."""
    scale, zero_point = tflm_unit.Interpreter(result.model.data).get_input_details()[0]["quantization"]
    return np.clip(np.round(x / scale) + zero_point, -128, 127).astype(np.int8)


def write_samples(path: Path, images: np.ndarray, labels: np.ndarray, note: str) -> None:
    """A header with `samples` and `sample_labels`. images: int8 (N, ...); labels: (N,); note: their source."""
    rows = images.reshape(len(images), -1)
    text = [
        f"/* Written by make_model.py. {note} */",
        "#include <tflm_unit_core.h>",
        "",
        f"#define SAMPLES {len(rows)}",
        "",
        f"static const uint8_t sample_labels[SAMPLES] = {{{', '.join(map(str, labels))}}};",
        f"static const int8_t samples[SAMPLES][{rows.shape[1]}] UNIT_CONSTANT = {{",
        *(f"    {{\n{_values(row)}\n    }}," for row in rows),
        "};",
        "",
    ]
    path.write_text("\n".join(text), encoding="utf-8")


def write_array(path: Path, name: str, data: bytes, note: str) -> None:
    """A header with the bytes of a file as `name` and their number as `<name>_len`, aligned as TFLM requires."""
    text = [
        f"/* Written by make_model.py. {note} */",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        f"alignas(16) static const uint8_t {name}[] = {{",
        _values(np.frombuffer(data, np.uint8)),
        "};",
        f"static const size_t {name}_len = sizeof({name});",
        "",
    ]
    path.write_text("\n".join(text), encoding="utf-8")


def _values(row: np.ndarray) -> str:
    values = row.tolist()
    return "\n".join(f"    {', '.join(map(str, values[i : i + 16]))}," for i in range(0, len(values), 16))
