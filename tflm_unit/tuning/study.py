"""Optuna plumbing: storage that several processes share, trials that are the same whenever they are asked for."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from json import JSONDecodeError
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from ..converter.errors import UnitError
from .bench import Measured
from .space import Parameters
from .trials import FIGURES, Trial, finished_trials, trials_before

DEFAULT_STUDY = "tflm_unit"
BUSY_SECONDS = 60  # that SQLite waits for another worker
_BROKEN = (
    OSError,
    JSONDecodeError,
    optuna.exceptions.StorageInternalError,
)  # disk full, server gone, file cut off
_AT_ONCE = ("already exists", "locked", "UNIQUE")
_BELONGS_TO, _WORKER = "tflm_unit:belongs_to", "tflm_unit:worker"


class Study:
    """Trials of one model, data and settings.

    storage: URL of a database that Optuna knows, or path of a journal file; None: memory. name: of the study in it;
    an existing one is continued. belongs_to: what the trials are about; a study about something else is refused.
    Raises UnitError, naming the storage or what differs.
    """

    def __init__(
        self,
        storage: str | None,
        name: str,
        belongs_to: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        sampler: BaseSampler,
    ) -> None:
        self._distributions, self._place = dict(distributions), f"study {name!r} in {storage}"
        with _quiet():
            try:
                self._study = _opened(name, storage, sampler)
                known = self._study.user_attrs.get(_BELONGS_TO)
                if known is None and not self._study.trials and len(self._study.directions) == 2:
                    self._study.set_user_attr(_BELONGS_TO, dict(belongs_to))
                    known = dict(belongs_to)
            except Exception as error:
                raise UnitError(f"study {name!r} cannot be opened in {storage}: {error}") from error
        _check_same(known, belongs_to, name, storage)
        with _quiet():
            _end_abandoned(self._study)

    @property
    def finished(self) -> list[Trial]:
        """All finished trials, of every worker, in order."""
        return finished_trials(self._study)

    def run(
        self,
        objective: Callable[[Parameters], Measured],
        more: Callable[[int], bool],
    ) -> None:
        """Trials until `more`, called with the number of those that are finished or running, says no.

        What raises in `objective`, Ctrl-C included, ends the run; the finished trials stay. Raises UnitError when the
        storage fails.
        """
        with _quiet():
            while more(trials_before(self._study, sys.maxsize)):
                with self._stored():
                    trial = self._study.ask(self._distributions)
                    trial.set_user_attr(_WORKER, _worker())
                try:
                    measured = objective(trial.params)
                except BaseException:
                    self._study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
                    raise
                # Another worker may have taken this one for dead: containers do not see each other's processes.
                with self._stored(), suppress(optuna.exceptions.UpdateFinishedTrialError):
                    figures = {"kept": measured.kept, "judge": measured.judge, "drop": measured.drop}
                    trial.set_user_attr(FIGURES, figures)
                    self._study.tell(trial, [measured.cost, measured.loss], skip_if_finished=True)

    @contextmanager
    def _stored(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise UnitError(f"{self._place} can no longer be read or written: {error}") from error


def _opened(name: str, storage: str | None, sampler: BaseSampler) -> optuna.Study:
    """The study, new or known. Workers that begin at once may create the tables of a database together: those that
    come second find them after a while."""
    for seconds in (0.5, 1, 2, 4, 0):
        try:
            return optuna.create_study(
                study_name=name,
                storage=_storage(storage),
                directions=["minimize", "minimize"],
                sampler=sampler,
                load_if_exists=True,
            )
        except Exception as error:
            if not seconds or not any(text in str(error) for text in _AT_ONCE):
                raise
            time.sleep(seconds)
    raise AssertionError("the last attempt returns or raises")


def _storage(storage: str | None) -> BaseStorage:
    if storage is None:
        return InMemoryStorage()
    if "://" not in storage:
        return JournalStorage(JournalFileBackend(storage))
    waiting = {"connect_args": {"timeout": BUSY_SECONDS}} if storage.startswith("sqlite") else None
    return RDBStorage(storage, engine_kwargs=waiting)


def _end_abandoned(study: optuna.Study) -> None:
    """Trials whose worker was killed will never be told: they count as failed."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not _is_alive(trial.user_attrs.get(_WORKER)):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)  # so may other workers


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_alive(worker: str | None) -> bool:
    """Whether a process runs; that of another machine is taken to do so."""
    host, _, process = (worker or "").rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True


def _check_same(known: Any, wanted: Mapping[str, Any], name: str, storage: str | None) -> None:
    if not isinstance(known, Mapping):
        raise UnitError(
            f"study {name!r} in {storage} was not made by tflm-unit; give another study name or storage"
        )
    differs = [key for key in sorted({*known, *wanted}) if known.get(key) != wanted.get(key)]
    if differs:
        shown = ", ".join(_difference(key, known.get(key), wanted.get(key)) for key in differs)
        raise UnitError(
            f"study {name!r} in {storage} belongs to other work: {shown} differs; give another study name or storage"
        )


def _difference(key: str, known: Any, wanted: Any) -> str:
    hashes = isinstance(known, str) and isinstance(wanted, str) and len(known) == len(wanted) == 64
    return key if hashes else f"{key} ({known!r} there, {wanted!r} here)"


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna's own log stays silent; what it was set to comes back."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
