"""Runs mypy on the package as it is installed: `converter/` is `tflm_unit.converter` (`boards/` likewise) only after
the build back end's mapping, which mypy cannot follow, so the same layout is made of symbolic links."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "tflm_unit")
        package.mkdir()
        for source in (*(ROOT / "tflm_unit").iterdir(), ROOT / "converter", ROOT / "boards"):
            if source.name != "__pycache__":
                (package / source.name).symlink_to(source)
        config = ROOT / "pyproject.toml"
        command = [sys.executable, "-m", "mypy", "--config-file", str(config), "-p", "tflm_unit"]
        return subprocess.run([*command, "--cache-dir", str(ROOT / ".mypy_cache")], cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
