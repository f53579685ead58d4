"""What the firmware of hello_unit consists of, in bytes.

Built without counters, as a product is. `code` is the core, the generated layers with their parameters, and the
compiler's own functions (divisions, memset), some of which only the sketch calls; weights and other constant arrays
of the model, the sketch and the machine's start-up code are not in it.

Example: python benchmarks/code_size.py cortex_m3_sim
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

from tflm_unit.boards import toolchain
from tflm_unit.converter.targets import load_target

SKETCH = Path(__file__).resolve().parent.parent / "examples" / "hello_unit" / "src"
SHIM = toolchain.BOARDS / "machines" / "arduino"
# An input section that was linked: its name, address, size and file, in the map that GNU ld writes.
SECTION = re.compile(r"^ \.(text|rodata|data|bss)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s(\S+)", re.MULTILINE)
CONSTANTS = "digits_data.c.o"


def sizes(target: str, optimize: str, folder: Path) -> dict[tuple[str, str], int]:
    """Bytes by (object file or library, section: text, rodata, data or bss) of the linked program."""
    board = dict(load_target(target).board)
    link_map = folder / "firmware.map"
    section = dict(board["tflm_unit"])
    board["tflm_unit"] = {**section, "ldflags": [*section["ldflags"], f"-Wl,-Map={link_map}"]}
    sources = [
        *(path for path in sorted(SKETCH.rglob("*")) if path.suffix in (".c", ".cpp")),
        *(path for path in sorted(SHIM.iterdir()) if path.suffix != ".h"),
    ]
    elf = folder / "firmware.elf"
    toolchain.build(board, sources, elf, includes=[SHIM], optimize=optimize, work=folder)
    result: dict[tuple[str, str], int] = {}
    # Behind this line; before it stand the sections that were left out.
    linked = link_map.read_text(encoding="utf-8").partition("Linker script and memory map")[2]
    for kind, size, file in SECTION.findall(linked):
        key = re.sub(r"^\d+_|\(.*", "", Path(file).name), kind
        result[key] = result.get(key, 0) + int(size, 16)
    return result


def runtime_code(parts: dict[tuple[str, str], int]) -> int:
    """Bytes of `code` as described above."""
    return sum(
        size
        for (name, kind), size in parts.items()
        if kind in ("text", "rodata") and name.startswith(("unit_", "digits", "lib")) and name != CONSTANTS
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    linked_by_gnu = ("cortex_m0_sim", "cortex_m3_sim", "cortex_m4_sim", "cortex_m7_sim", "cortex_m33_sim")
    parser.add_argument("target", nargs="?", default="cortex_m0_sim", choices=linked_by_gnu)
    target = parser.parse_args().target
    for optimize in ("-O2", "-Os"):
        with tempfile.TemporaryDirectory() as folder:
            parts = sizes(target, optimize, Path(folder))
        print(f"{target}, {optimize}: {runtime_code(parts):,} bytes of code")
        for (name, kind), size in sorted(parts.items(), key=lambda item: -item[1]):
            if size and kind in ("text", "rodata"):
                print(f"  {size:>6}  {kind:<6}  {name}")


if __name__ == "__main__":
    main()
