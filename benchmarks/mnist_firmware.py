"""The MNIST LeNet on simulated machines, 72 % of the MACs skipped: python benchmarks/mnist_firmware.py [SAMPLES]

Cycles or instructions of one inference in the dense, zero-skip and compare schedules, each target with the divider
that its board file prefers. Outputs and MAC counts are checked against the batch engine.
"""

from __future__ import annotations

import sys

from mnist_model import lenet, mnist

from tflm_unit import convert, simulate
from tflm_unit.converter.errors import UnitError
from tflm_unit.demo import calibration

TARGETS = (
    "msp430_sim",
    "msp430_nomul_sim",
    "msp430fr5994_sim",
    "cortex_m0_sim",
    "cortex_m3_sim",
    "cortex_m4_sim",
    "cortex_m7_sim",
    "cortex_m33_sim",
)
SKIP = 0.72


def main() -> int:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    data = mnist()
    model, (x, _) = lenet(data), calibration(data)
    print(f"{samples} test images; per inference")
    print(
        f"{'target':17} {'divider':10} {'counts':12} {'dense':>10} {'zero-skip':>10} {'UnIT':>10} {'kept':>6}"
    )
    failed = 0
    for target in TARGETS:
        pruned = convert(model, x, skip=SKIP, target=target)
        divider = next(iter(pruned.points[0].layers.values())).divider.name.lower()
        try:
            result = simulate(pruned, target, x=data.x_test, samples=samples)
        except UnitError as error:
            print(f"{target:17} {error}")
            failed += 1
            continue
        failed += not result.match
        total, kept = (sum(getattr(x, n) or 0 for x in result.layers) for n in ("macs_total", "macs_kept"))
        counts = [f"{c:10,.0f}" for c in (result.totals.dense, result.totals.zero_skip, result.totals.unit)]
        print(f"{target:17} {divider:10} {result.unit:12} {' '.join(counts)} {kept / total:6.1%}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
