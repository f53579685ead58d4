"""Instructions per dense MAC of CMSIS-NN, to compare with; they are constants here, measured once.

CMSIS-NN at commit 99f736a63036613032f9b70de36b493bcd7802d4 (July 2026), arm-none-eabi-gcc 12.2.1 with -O2 for
each core, counted in QEMU; requantization included, padding is no MAC; convolutions quantized per channel, FC per
tensor; double rounding as in TFLM.
"""

from __future__ import annotations

# By layer: cortex_m0, cortex_m3, cortex_m4, cortex_m7.
_CORES = ("cortex_m0_sim", "cortex_m3_sim", "cortex_m4_sim", "cortex_m7_sim")
_PER_MAC = {
    "conv 28x28x1->6 5x5": (18.985, 12.21, 11.313, 11.761),
    "conv 12x12x6->16 5x5": (7.963, 3.647, 2.655, 2.684),
    "conv 32x32x3->6 5x5": (11.857, 6.403, 5.25, 5.4),
    "FC 256->10": (6.691, 3.811, 2.123, 2.124),
    "FC 400->120": (6.251, 3.428, 2.002, 2.002),
    "conv 3x3 32x32x16->16 same": (7.881, 3.487, 2.428, 2.45),
    "conv 1x1 25x5x64->64": (7.571, 3.109, 2.088, 2.053),
    "dw 3x3 25x5x64 same": (42.344, 10.947, 9.236, 9.236),
    "dw 3x3 32x32x8 s2": (41.535, 10.919, 9.227, 9.227),
    "dw 5x5 20x20x4 m2": (42.904, 22.144, 21.581, 21.752),
}


def per_mac(target: str, layer: str) -> float | None:
    """None where it was not measured. layer: as in 'conv 28x28x1->6 5x5' or 'FC 256->10'."""
    if target not in _CORES or layer not in _PER_MAC:
        return None
    return _PER_MAC[layer][_CORES.index(target)]
