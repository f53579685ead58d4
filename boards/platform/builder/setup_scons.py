"""Gives PlatformIO its build system from pip: `pio run` then needs nothing from PlatformIO's package registry.

The package tool-scons holds a release of SCons; pip's package scons is the same program.
"""

import json
import sys
from pathlib import Path

import SCons
from platformio.dependencies import get_core_dependencies
from platformio.package.manager.core import get_core_package_dir
from platformio.project.config import ProjectConfig
from semantic_version import SimpleSpec, Version

NAME = "tool-scons"
PROGRAM = "import SCons.Script\n\nSCons.Script.main()\n"


def main() -> int:
    if get_core_package_dir(NAME, auto_install=False) is not None:
        return 0
    # SCons 4.11.1 is package version 4.41101.0.
    major, minor, patch = map(int, SCons.__version__.split(".")[:3])
    version = f"{major}.{major}{minor:02}{patch:02}.0"
    wanted = get_core_dependencies()[NAME]
    if Version(version) not in SimpleSpec(wanted):
        print(f"PlatformIO will download {NAME} {wanted}: pip's scons is {SCons.__version__}")
        return 0
    folder = Path(ProjectConfig.get_instance().get("platformio", "packages_dir")) / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scons.py").write_text(PROGRAM, encoding="utf-8")
    (folder / "package.json").write_text(json.dumps({"name": NAME, "version": version}), encoding="utf-8")
    spec = {"owner": "platformio", "id": None, "name": NAME, "requirements": None, "uri": None}
    record = {"type": "tool", "name": NAME, "version": version, "spec": spec}
    (folder / ".piopm").write_text(json.dumps(record), encoding="utf-8")
    print(f"{NAME} {version} comes from pip's scons, in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
