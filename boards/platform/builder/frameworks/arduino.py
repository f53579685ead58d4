"""The Arduino shim as a PlatformIO framework."""

from pathlib import Path

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()
folder = Path(env.PioPlatform().get_dir()).resolve().parent / "machines" / "arduino"
env.Append(CPPPATH=[str(folder)], CPPDEFINES=["ARDUINO"])
env.BuildSources("$BUILD_DIR/arduino", str(folder))
