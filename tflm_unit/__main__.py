"""`python -m tflm_unit`: the command line."""

from .cli import main

main()
