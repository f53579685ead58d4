"""Reads what boards/machines/harness/harness.c prints."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..converter.errors import UnitError

_LINE = re.compile(r"@([a-z]) ([0-9a-f]{4}) ([0-9a-f]{4}) ?((?:[0-9a-f]{2})*)")
_SHOWN = 400


@dataclass
class Console:
    """outputs: contents by (sample, output). counters: (total, zero, skipped) by (sample, layer).

    stack_bytes: the deepest use of the stack.
    """

    outputs: dict[tuple[int, int], bytes] = field(default_factory=dict)
    counters: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    stack_bytes: int = 0


def read_console(text: str, samples: int) -> Console:
    """The results in a firmware's output. Other text between the lines, of a simulator for example, is ignored.

    Raises UnitError when a layer failed or the output does not end as that of `samples` samples does.
    """
    blocks: dict[tuple[str, int, int], bytes] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            key = match[1], int(match[2], 16), int(match[3], 16)
            blocks[key] = blocks.get(key, b"") + bytes.fromhex(match[4])
    for (kind, sample, layer), data in blocks.items():
        if kind == "e":
            status = int.from_bytes(data, "little", signed=True)
            raise UnitError(
                f"the firmware stopped: layer {layer} returned status {status} for sample {sample}; "
                "please report this as a bug of the export"
            )
    if ("z", samples, 0) not in blocks:
        shown = text.strip()[-_SHOWN:] or "nothing"
        raise UnitError(
            f"the firmware ended before it had run all {samples} samples; its last output: {shown}"
        )
    console = Console(stack_bytes=int.from_bytes(blocks.get(("s", 0, 0), b""), "little"))
    for (kind, sample, index), data in blocks.items():
        if kind == "o":
            console.outputs[sample, index] = data
        elif kind == "c":
            total, zero, skipped = (int.from_bytes(data[i : i + 8], "little") for i in (0, 8, 16))
            console.counters[sample, index] = total, zero, skipped
    return console
