"""tune's studies: interrupted and continued, shared by processes, refused when they are about something else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from classifier import classifier, images
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

import tflm_unit
from tflm_unit import UnitError
from tflm_unit.tuning import study

HERE = Path(__file__).parent
MODEL, X, X_VAL = classifier(), images(32), images(100, seed=1)
LABELS = np.arange(100) % 5
TRIALS = 20
# Runs `tune` in a process of its own; its metric kills the process at one of its calls, or never does.
WORKER = """
import os, signal, sys
import numpy as np
import test_tune_study as t

calls = 0
def accuracy(labels, outputs):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return float(np.mean(outputs.argmax(axis=1) == labels))

sys.stdout.buffer.write(t.tune(storage=sys.argv[1], metric=accuracy, trials=int(sys.argv[3])).model.data)
"""


def tune(**options: Any) -> tflm_unit.TuneResult:
    return tflm_unit.tune(MODEL, X, X_VAL, **{"labels": LABELS, "max_drop": 0.1, "trials": TRIALS, **options})


def accuracy(labels: np.ndarray | None, outputs: np.ndarray) -> float:
    assert labels is not None
    return float(np.mean(outputs.argmax(axis=1) == labels))


def worker(storage: str, *, killed_at: int = 0, trials: int = TRIALS) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKER, storage, str(killed_at), str(trials)]
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=HERE)


def storage_of(folder: Path, kind: str) -> str:
    return f"sqlite:///{folder}/trials.db" if kind == "sqlite" else str(folder / "trials.log")


def trials_in(storage: str) -> list[optuna.trial.FrozenTrial]:
    opened = RDBStorage(storage) if "://" in storage else JournalStorage(JournalFileBackend(storage))
    return optuna.load_study(study_name="tflm_unit", storage=opened).trials


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_killed_search_goes_on_as_if_it_had_not_been(tmp_path: Path, kind: str) -> None:
    """What is killed is the eighteenth trial, the second after the sweep; call 1 is that of the dense model."""
    storage = storage_of(tmp_path, kind)
    first = worker(storage, killed_at=19)
    first.communicate(timeout=120)
    assert first.returncode == -signal.SIGKILL
    states = [t.state for t in trials_in(storage)]
    assert states == [TrialState.COMPLETE] * 17 + [TrialState.RUNNING]
    second = worker(storage)
    data, _ = second.communicate(timeout=120)
    assert second.returncode == 0
    states = [t.state for t in trials_in(storage)]
    assert states == [TrialState.COMPLETE] * 17 + [TrialState.FAIL] + [TrialState.COMPLETE] * 3
    assert data == tune(metric=accuracy).model.data


def test_ctrl_c_keeps_the_finished_trials(tmp_path: Path) -> None:
    storage = storage_of(tmp_path, "journal")

    def interrupt(what: str, done: int, total: int) -> None:
        if (what, done) == ("search", 18):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(storage=storage, progress=interrupt)
    assert [t.state for t in trials_in(storage)] == [TrialState.COMPLETE] * 18
    assert tune(storage=storage).model.data == tune().model.data


def test_two_workers_share_a_study(tmp_path: Path) -> None:
    storage, trials = storage_of(tmp_path, "sqlite"), 40
    workers = [worker(storage, trials=trials) for _ in range(2)]
    models = [w.communicate(timeout=240)[0] for w in workers]
    assert [w.returncode for w in workers] == [0, 0]
    finished = trials_in(storage)
    assert {t.state for t in finished} == {TrialState.COMPLETE}
    # Both may begin the last one at the same moment.
    assert trials <= len(finished) <= trials + 1
    by_worker: dict[str, int] = {}
    for t in finished:
        name = t.user_attrs["tflm_unit:worker"]
        by_worker[name] = by_worker.get(name, 0) + 1
    assert len(by_worker) == 2, "each did some"
    assert len({tuple(sorted(t.params.items())) for t in finished}) == len(finished), "none was done twice"
    for data in models:
        tuning = tflm_unit.load(data).model.report["tuning"]  # type: ignore[index]
        assert tuning["settings"]["finished"] >= trials - 1
        assert all(p["drop"] <= p["limit"] for p in tuning["points"])


def test_a_finished_study_gives_other_points_without_trials(tmp_path: Path) -> None:
    storage = storage_of(tmp_path, "journal")
    tune(storage=storage)
    found = tune(storage=storage, points={"a": 0.05, "b": 0.2}, max_drop=None)
    assert [p.name for p in found.points] == ["a", "b"]
    assert len(trials_in(storage)) == TRIALS
    more = tune(storage=storage, trials=TRIALS + 2)
    assert more.to_json()["settings"]["finished"] == len(trials_in(storage)) == TRIALS + 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 3}, r"seed \(0 there, 3 here\) differs"),
        ({"labels": None}, r"judge \('accuracy' there, 'agreement' here\), labels"),
        ({"labels": LABELS[::-1]}, "labels differs"),
        ({"divider": "bit_shift", "groups": "layer"}, r"divider \('exact' there, 'bit_shift' here\), groups"),
    ],
)
def test_a_study_about_something_else_is_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    storage = storage_of(tmp_path, "journal")
    tune(storage=storage, trials=1)
    with pytest.raises(UnitError, match=message):
        tune(storage=storage, trials=1, **options)


def test_other_data_and_foreign_studies_are_refused(tmp_path: Path) -> None:
    storage = storage_of(tmp_path, "sqlite")
    tune(storage=storage, trials=1)
    other = images(100, seed=5)
    with pytest.raises(UnitError, match="belongs to other work: validation differs; give another study name"):
        tflm_unit.tune(MODEL, X, other, LABELS, storage=storage, trials=1)
    tflm_unit.tune(MODEL, X, other, LABELS, storage=storage, trials=1, study="another")
    study = optuna.create_study(storage=storage, study_name="theirs", directions=["minimize", "minimize"])
    study.add_trial(optuna.trial.create_trial(values=[1.0, 1.0]))
    with pytest.raises(UnitError, match=r"'theirs' in .* was not made by tflm-unit"):
        tune(storage=storage, study="theirs")
    optuna.create_study(storage=storage, study_name="single")  # of one objective
    with pytest.raises(UnitError, match=r"'single' in .* was not made by tflm-unit"):
        tune(storage=storage, study="single")


def test_a_journal_that_was_cut_off_is_named(tmp_path: Path) -> None:
    storage = storage_of(tmp_path, "journal")
    tune(storage=storage, trials=2)
    path = Path(storage)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnitError, match=r"study 'tflm_unit' .*trials\.log"):
        tune(storage=storage, trials=3)


def test_two_workers_may_end_one_abandoned_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = optuna.create_study(directions=["minimize", "minimize"])
    shared.ask()

    def other_is_first(worker: str | None) -> bool:
        shared.tell(0, state=TrialState.FAIL)
        return False

    monkeypatch.setattr(study, "_is_alive", other_is_first)
    study._end_abandoned(shared)
    assert [t.state for t in shared.trials] == [TrialState.FAIL]


def test_no_trial_in_time() -> None:
    with pytest.raises(UnitError, match="no trial has finished"):
        tune(timeout=1e-9)


def test_optuna_is_silent_and_its_logging_is_left_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        tune(trials=17)
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    finally:
        optuna.logging.set_verbosity(optuna.logging.INFO)
    assert capfd.readouterr().err == ""
