#!/usr/bin/env bash
# Builds the native parts with AddressSanitizer and UndefinedBehaviorSanitizer and runs their tests on them.
# `make test-all` calls this with the virtual environment's tools on PATH.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/sanitized
package=$build/package/tflm_unit
cmake -S "$root" -B "$build" -G Ninja -DTFLM_UNIT_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DPython_EXECUTABLE="$(command -v python)" -DCMAKE_PREFIX_PATH="$(python -m nanobind --cmake_dir)" >/dev/null
cmake --build "$build"
rm -rf "$build/package" && mkdir -p "$package"
ln -s "$root"/tflm_unit/* "$package/"
ln -s "$root/converter" "$package/converter"
ln -s "$root/kernels" "$package/kernels"
ln -s "$root/boards" "$package/boards"
find "$package" -maxdepth 1 -name '*.so' -delete
ln -s "$build"/_*.so "$package/"
# The installed package must not shadow this one: -S leaves the .pth files of an editable install unread.
export PYTHONPATH=$build/package:$(python -c 'import site; print(site.getsitepackages()[0])')
# Python itself leaks at exit.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 TFLM_UNIT_SANITIZE=1
cd "$build"
LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)" \
  python -S -m pytest -q -c "$root/pyproject.toml" -p no:cacheprovider \
  "$root/tests/test_core.py" "$root/tests/test_core_pools.py" "$root/tests/test_core_operators.py" "$root/tests/test_planned.py" "$root"/tests/test_engine*.py "$root"/tests/test_tflm*.py \
  "$root/tests/test_codegen.py" "$root/tests/test_front_end.py"
