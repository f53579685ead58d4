"""Builds a PlatformIO project for one of boards/*.json: what boards/toolchain.py says, in SCons' words."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
BOARDS = Path(env.PioPlatform().get_dir()).resolve().parent
PIO = os.getppid()
sys.path.insert(0, str(BOARDS.parent))
from boards import process, toolchain  # noqa: E402

board_path = BOARDS / f"{env['BOARD']}.json"
board = json.loads(board_path.read_text(encoding="utf-8"))
try:
    tools = toolchain.toolchain(board)
except toolchain.ToolchainError as error:
    sys.stderr.write(f"Error: {error}\n")
    env.Exit(1)


def simulate(target, source, env):
    """Runs the program on the board's simulator, not longer than `pio` itself runs."""
    command = [*process.tied_to_this_process(), sys.executable, str(BOARDS / "simulators.py")]
    timeout = env.GetProjectOption("custom_simulate_timeout", None)
    if timeout is not None:
        command.append(f"--timeout={timeout}")
    simulator = subprocess.Popen([*command, str(board_path), str(source[0])])
    while True:
        try:
            return simulator.wait(0.2)
        except subprocess.TimeoutExpired:
            if os.getppid() != PIO:
                simulator.terminate()


def refuse(name, reason):
    """Defines the target `name`, which fails and says why."""

    def fail(target, source, env):
        sys.stderr.write(f"Error: {reason}\n")
        return 1

    AlwaysBuild(env.Alias(name, [], env.VerboseAction(fail, f"No target {name}")))


env.Replace(
    CC=shlex.join(tools.cc),
    CXX=shlex.join(tools.cxx),
    AS=shlex.join(tools.cc),
    LINK=shlex.join(tools.cc),
    AR=shlex.join(tools.ar),
    RANLIB=shlex.join(tools.ranlib),
    PROGSUFFIX=".elf",
)
env.Append(
    ASFLAGS=list(tools.cflags),
    ASPPFLAGS=list(tools.cflags),
    CCFLAGS=[*tools.cflags, "-O2"],
    CFLAGS=list(tools.c_only),
    CXXFLAGS=list(tools.cxx_only),
    CPPDEFINES=[("F_CPU", "$BOARD_F_CPU")],
    CPPPATH=[str(folder) for folder in tools.includes],
    LINKFLAGS=list(tools.ldflags),
    LIBS=list(tools.libs),
)
# The core comes with the library tflm_unit, as it does on boards of other platforms.
for index, source in enumerate(tools.sources):
    env.Append(PIOBUILDFILES=[env.Object(f"$BUILD_DIR/machine/{index}_{source.name}.o", str(source))])

program = env.BuildProgram()
Default([program])
AlwaysBuild(env.Alias("buildprog", program, program))
if tools.size is not None:
    # PlatformIO's own check of the size, after each build, takes its default commands.
    env.Replace(SIZETOOL=tools.size)
    size = env.VerboseAction("$SIZETOOL -B -d $SOURCES", "Size of $SOURCE")
    env.AddPlatformTarget("size", program, size, "Program Size")

section = board["tflm_unit"]
if "simulator" in section:
    env.AddPlatformTarget("simulate", program, env.VerboseAction(simulate, "Simulating $SOURCE"), "Simulate")
    refuse("upload", f"{env['BOARD']} is a simulated machine: run the program with -t simulate")
else:
    stand_in = section["simulated_by"]
    refuse("simulate", f"nothing simulates {env['BOARD']}; use an environment with board = {stand_in}")
if "upload_command" in section:
    upload = shlex.join(section["upload_command"]).replace("{elf}", "$SOURCE")
    env.AddPlatformTarget("upload", program, env.VerboseAction(upload, "Uploading $SOURCE"), "Upload")
