"""Builds a PlatformIO project for one of boards/*.json: what boards/toolchain.py says, in SCons' words."""

import json
import shlex
import sys
from pathlib import Path

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
BOARDS = Path(env.PioPlatform().get_dir()).resolve().parent
sys.path.insert(0, str(BOARDS.parent))
from boards import toolchain  # noqa: E402

board_path = BOARDS / f"{env['BOARD']}.json"
board = json.loads(board_path.read_text(encoding="utf-8"))
try:
    tools = toolchain.toolchain(board)
except toolchain.ToolchainError as error:
    sys.stderr.write(f"Error: {error}\n")
    env.Exit(1)

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

simulate = shlex.join([sys.executable, str(BOARDS / "simulators.py"), str(board_path)]) + " $SOURCE"
if "simulator" in board["tflm_unit"]:
    env.AddPlatformTarget("simulate", program, env.VerboseAction(simulate, "Simulating $SOURCE"), "Simulate")
if "upload_command" in board["tflm_unit"]:
    upload = shlex.join(board["tflm_unit"]["upload_command"]).replace("{elf}", "$SOURCE")
    env.AddPlatformTarget("upload", program, env.VerboseAction(upload, "Uploading $SOURCE"), "Upload")
