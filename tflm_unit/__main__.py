"""`python -m tflm_unit`: the command line."""

import sys

try:
    from tflm_unit import UnitError  # noqa: F401 - in the bare source folder this says what to do
except ImportError as error:
    sys.exit(f"error: {error}")

from .cli import main

main()
