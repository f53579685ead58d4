#!/usr/bin/env bash
# Installs the package as users without Keras do (not editable, no TensorFlow) and runs the suite against it.
# usage: run_without_tensorflow.sh PYTHON; `make test-all` calls it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
environment=$root/build/without_tensorflow
rm -rf "$environment" && "$1" -m venv "$environment"
pip=("$environment/bin/python" -m pip --disable-pip-version-check -q install -c "$root/constraints.txt")
"${pip[@]}" "$root[test]"
if "$environment/bin/python" -c 'import tensorflow' 2>/dev/null; then
  echo "TensorFlow is installed: this checks nothing" >&2
  exit 1
fi
cd "$root/tests" && "$environment/bin/pytest" -q -n auto -m "not slow" .
