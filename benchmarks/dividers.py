"""What a division of a threshold by a control term costs (figure 8 of arXiv 2507.07885), on simulated boards.

Counted: one call of unit_divide() less a call of a function that does nothing, averaged over 512 control terms;
for `table`, which the kernels read directly, one load less an empty loop. `exact` is the real division: the
compiler's routine on MSP430 and Cortex-M0, UDIV on Cortex-M3 and M4. Control terms: |N(0, 40)| rounded, without
zeros (a zero is not divided by), as ReLU-like activations have them; one threshold, 1200, that of a layer of which
80 % is skipped; the tree is the optimal one for these terms. Seeded. MSP430: cycles in mspdebug (clang of ziglang,
-O2); Cortex-M: instructions in QEMU (arm-none-eabi-gcc -O2). `M4, float exponent` reads exponents with the FPU
instead of CLZ (UNIT_FLOAT_EXPONENT).
Example: python benchmarks/dividers.py --json
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from layer_firmware import FIRMWARE, SEED, c_array, load_board, quotients
from rich.console import Console
from rich.table import Table

from tflm_unit.boards import simulators, toolchain
from tflm_unit.converter.dividers import optimal_tree
from tflm_unit.converter.pruning import Divider

CONTROLS = 512
THRESHOLD = 1200
OUTPUT = Path("build/benchmarks")
# Name, board, macros.
MACHINES = (
    ("MSP430", "msp430_sim", ()),
    ("Cortex-M0", "cortex_m0_sim", ()),
    ("Cortex-M3", "cortex_m3_sim", ()),
    ("Cortex-M4", "cortex_m4_sim", ()),
    ("Cortex-M4, float exponent", "cortex_m4_sim", ("UNIT_FLOAT_EXPONENT",)),
)


@dataclass(frozen=True)
class Costs:
    """Per division, by divider. unit: cycles or instructions. saved: share of `exact`."""

    machine: str
    unit: str
    cost: dict[str, float]
    saved: dict[str, float]


def control_terms() -> np.ndarray:
    drawn = np.minimum(np.abs(np.rint(np.random.default_rng(SEED).normal(0, 40, 4 * CONTROLS))), 255)
    return drawn[drawn > 0][:CONTROLS].astype(np.int64)


def header(controls: np.ndarray) -> str:
    """divider_data.h of firmware/dividers.c."""
    tree = optimal_tree(np.bincount(controls, minlength=256))
    table = quotients(Divider.TABLE, THRESHOLD, np.arange(256))
    return (
        "#include <stdint.h>\n"
        + c_array("uint8_t", "divider_control", controls)
        + c_array("uint8_t", "divider_tree", tree)
        + c_array("uint8_t", "divider_table", table)
        + f"#define CONTROLS {CONTROLS}\n#define THRESHOLD {THRESHOLD}\n"
    )


def measure(machine: str, target: str, defines: tuple[str, ...]) -> Costs:
    """Raises RuntimeError when a divider's quotients are not those of docs/dividers.md."""
    board, controls = load_board(target), control_terms()
    order = [Divider.EXACT, Divider.BIT_SHIFT, Divider.BINARY_TREE, Divider.BIT_MASK, Divider.TABLE]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "divider_data.h").write_text(header(controls))
        elf = work / "dividers.elf"
        toolchain.build(
            board, [FIRMWARE / "dividers.c"], elf, defines=defines, includes=[work], work=work / "objects"
        )
        run = simulators.run(board, elf, marks=2 * (len(order) + 2))
    want = [int(quotients(d, THRESHOLD, controls).sum()) for d in order]
    if [int(line, 16) for line in run.console.split()[2:]] != want:
        raise RuntimeError(f"wrong quotients on {machine}: {run.console}")
    alone, call, *loops = (count / CONTROLS for count in run.marks[::2])
    cost = {
        d.name.lower(): loop - (alone if d is Divider.TABLE else call)
        for d, loop in zip(order, loops, strict=True)
    }
    saved = {name: 1 - value / cost["exact"] for name, value in cost.items()}
    return Costs(machine, board["tflm_unit"]["unit"], cost, saved)


def plot(results: list[Costs], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(results), figsize=(3 * len(results), 3.2))
    for axis, result in zip(axes, results, strict=True):
        axis.bar([name.replace("_", "\n") for name in result.cost], list(result.cost.values()))
        axis.set_title(result.machine, fontsize=9)
        axis.set_ylabel(f"{result.unit} per division", fontsize=8)
        axis.tick_params(labelsize=7)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    results = [measure(*machine) for machine in MACHINES]
    plot(results, OUTPUT / "dividers.png")
    if arguments.json:
        print(json.dumps([asdict(r) for r in results], indent=1))
        return
    table = Table("machine", "unit", *results[0].cost, title="per division (less than exact)")
    for r in results:
        cells = [
            f"{value:.0f}" + ("" if name == "exact" else f" ({r.saved[name]:.0%})")
            for name, value in r.cost.items()
        ]
        table.add_row(r.machine, r.unit, *cells)
    Console(width=120).print(table)
    print(f"Plot: {OUTPUT / 'dividers.png'}")


if __name__ == "__main__":
    main()
