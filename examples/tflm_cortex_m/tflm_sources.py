"""PlatformIO: what of the library `tflm` is compiled, and the headers of others that it brings."""

from pathlib import Path

Import("env")  # noqa: F821

# Kernels and a clock for ESP chips; signal processing; main.cpp has its own DebugLog.
LEFT_OUT = ("*/kernels/esp_nn/*", "*/micro/esp/*", "*/tflm/signal/*", "*/kissfft/*", "*/micro/debug_log.cc")

for pattern in LEFT_OUT:
    env.AddBuildMiddleware(lambda env, node: None, pattern)  # noqa: F821

library = Path(env.subst("$PROJECT_LIBDEPS_DIR/$PIOENV/tflm"))  # noqa: F821
headers = [".", "third_party/flatbuffers/include", "third_party/gemmlowp", "third_party/ruy"]
env.Append(CPPPATH=[str(library / folder) for folder in headers])  # noqa: F821
