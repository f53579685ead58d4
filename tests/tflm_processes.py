"""Child process of test_tflm_memory.py: the example layers in TFLM, each time in a forked process of its own.

It writes a dictionary to the file in its first argument. An outcome is "error" when the interpreter could not be
created, "crashed: ..." or "failed: ..." when the process or a check did not survive, or else what the function says.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
import numpy as np
from example_layers import example_cases, expected, scheduled

from tflm_unit.converter.pruning import Schedule
from tflm_unit.tflm_library import OVERRIDES, UnitModel, load_runtime

ENOUGH = 1 << 20
SIZES = range(1200, 5200, 16)  # from too small for the interpreter to enough, in the step of TFLM's alignment


CASES = example_cases()
WEIGHTS = [models.weights_index(i) for i in range(len(CASES))]
DENSE = [expected(case, None).output for case in CASES]
PRUNED = [expected(case, case.pruning).output for case in CASES]
MODEL, PLAIN = models.build_pruned(CASES), models.build(CASES)
_SCHEDULES = (Schedule.ACTIVATION_SORTED, Schedule.PLANNED, Schedule.PLANNED)
SCHEDULED = models.build_pruned([scheduled(x, y) for x, y in zip(CASES, _SCHEDULES, strict=True)])


def create(unit: UnitModel, model: bytes, arena: int) -> Any:
    with unit.active():
        return load_runtime().Interpreter.from_bytes(model, [OVERRIDES], arena_size=arena)


def bound(unit: UnitModel) -> set[int]:
    return {counters.weights for counters in unit.counters()}


def check(interpreter: Any, used: set[int]) -> None:
    """One invocation, with the thresholds of the weight tensors `used`."""
    for index, case in enumerate(CASES):
        interpreter.set_input(case.input, index)
    interpreter.invoke()
    for index, (dense, pruned) in enumerate(zip(DENSE, PRUNED, strict=True)):
        np.testing.assert_array_equal(
            interpreter.get_output(index), pruned if WEIGHTS[index] in used else dense
        )


# ---- Arenas that are too small.


def stock(arena: int) -> str:
    try:
        interpreter = load_runtime().Interpreter.from_bytes(MODEL, arena_size=arena)
    except RuntimeError:
        return "error"
    check(interpreter, set())
    return "works"


def overridden(model: bytes, arena: int) -> str:
    """The operators that ran with thresholds."""
    unit = UnitModel(model)
    try:
        interpreter = create(unit, model, arena)
    except RuntimeError:
        assert not bound(unit)
        unit.reset_counters()
        return "error"
    used = bound(unit)
    check(interpreter, used)
    return " ".join(case.op for case, weights in zip(CASES, WEIGHTS, strict=True) if weights in used)


# ---- The order in which things end.


def an_interpreter_ends_before_its_model() -> str:
    unit = UnitModel(MODEL)
    first, second = create(unit, MODEL, ENOUGH), create(unit, MODEL, ENOUGH)
    check(first, set(WEIGHTS))
    del first
    gc.collect()
    check(second, set(WEIGHTS))
    del second
    gc.collect()
    assert not bound(unit)
    unit.reset_counters()
    return "works"


def a_model_ends_before_its_interpreters() -> str:
    unit = UnitModel(MODEL)
    interpreters = [create(unit, MODEL, ENOUGH) for _ in range(2)]
    del unit
    gc.collect()
    for interpreter in interpreters:
        check(interpreter, set())
    return "works"


def an_interpreter_fails_beside_another() -> str:
    """In arenas in which some layers are bound before it fails."""
    unit = UnitModel(MODEL)
    older, interpreter = create(unit, MODEL, ENOUGH), create(unit, MODEL, ENOUGH)
    for arena in range(2320, 3200, 80):
        try:
            create(unit, MODEL, arena)
        except RuntimeError:
            assert bound(unit) == set(WEIGHTS)
    del older
    gc.collect()
    unit.reset_counters()
    check(interpreter, set(WEIGHTS))
    del interpreter
    gc.collect()
    assert not bound(unit)
    return "works"


def in_child(function: Callable[..., str], *arguments: Any) -> str:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = function(*arguments)
        except BaseException:
            result = f"failed: {traceback.format_exc()}"
        os.write(write, result.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        result = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return result if status == 0 else f"crashed: {status}"  # a signal, or a sanitizer's exit status


def main(path: str) -> None:
    load_runtime()
    UnitModel(MODEL)  # loads the overrides, once for all children
    orders = (
        an_interpreter_ends_before_its_model,
        a_model_ends_before_its_interpreters,
        an_interpreter_fails_beside_another,
    )
    result = {
        "orders": {order.__name__: in_child(order) for order in orders},
        "arenas": {
            size: {
                "stock": in_child(stock, size),
                "plain": in_child(overridden, PLAIN, size),
                "pruned": in_child(overridden, MODEL, size),
                "scheduled": in_child(overridden, SCHEDULED, size),
            }
            for size in SIZES
        },
    }
    Path(path).write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
