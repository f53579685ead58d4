"""Cycles of layers on MSP430, with the hardware multiplier and without, in mspdebug's simulator.

Whole layers, requantization included, 80 % of the MACs skipped under the divider; data: see layer_firmware.py.
"prototype": hand-written assembly for FC 256 -> 60 that this code was to come within 10 % of. Compiler: clang of
ziglang, -O2.
Example: python benchmarks/msp430_kernels.py --divider bit_shift --json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

from layer_firmware import FC_60, LENET, SCHEDULES, Layer, load_board, measure
from rich.console import Console
from rich.table import Table

from tflm_unit.converter.pruning import Divider

SHARE = 0.8
MACHINES = {"multiplier": "msp430_sim", "software": "msp430_nomul_sim"}
PROTOTYPES = {
    "multiplier": {"dense": 209_000, "compare": 132_000},
    "software": {"dense": 939_000, "compare": 279_000},
}


@dataclass(frozen=True)
class Row:
    """Cycles by schedule; per_mac: the same per dense MAC; prototype: cycles, for FC 256 -> 60 only."""

    machine: str
    layer: str
    macs: int
    skipped: float
    zero: float
    cycles: dict[str, int]
    per_mac: dict[str, float]
    prototype: dict[str, int]


def row(machine: str, layer: Layer, divider: Divider) -> Row:
    cost = measure(load_board(MACHINES[machine]), layer, divider, SHARE)
    return Row(
        machine,
        layer.name,
        layer.macs,
        cost.data.skipped,
        cost.data.zero,
        cost.counts,
        {name: count / layer.macs for name, count in cost.counts.items()},
        PROTOTYPES[machine] if layer is FC_60 else {},
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    dividers = [d.name.lower() for d in Divider]
    parser.add_argument("--divider", choices=dividers, default="table", help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    divider = Divider[arguments.divider.upper()]
    rows = [row(machine, layer, divider) for machine in MACHINES for layer in (FC_60, *LENET)]
    if arguments.json:
        print(json.dumps([asdict(r) for r in rows], indent=1))
        return
    table = Table(
        "machine", "layer", "skipped (zero)", *SCHEDULES, title=f"cycles (per MAC), divider {divider.name}"
    )
    for r in rows:
        cells = []
        for name in SCHEDULES:
            text = f"{r.cycles[name]:,} ({r.per_mac[name]:.1f})"
            if name in r.prototype:
                text += f"\nprototype {r.prototype[name]:,}"
            cells.append(text)
        table.add_row(r.machine, r.layer, f"{r.skipped:.1%} ({r.zero:.1%})", *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
