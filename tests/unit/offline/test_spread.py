from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin.errors import PeerError
from plugin.offline import spread
from plugin.offline.spread import AGAIN_MAX, AHEAD, DEATHS_MAX, Fate, Here, Lost, in_order
from tests import tasks


class _KilledError(Exception):
    pass


class _DroppedError(Exception):
    pass


class _Pool:
    """Ends the newest call first, as a real one may; ``fails`` says what fails."""

    def __init__(self, fails: dict[int, deque[Exception]] | None = None, slots: int = 2) -> None:
        self.fails = fails or {}
        self.open: list[tuple[int, Future[int]]] = []
        self.begun: list[int] = []
        self.most = 0
        self._slots = slots
        self.away = False

    def slots(self) -> int:
        return self._slots

    def submit(self, task: int) -> Future[int]:
        call: Future[int] = Future()
        self.begun.append(task)
        self.open.append((task, call))
        self.most = max(self.most, len(self.open))
        return call

    def fate(self, error: Exception) -> Fate:
        kinds = {_KilledError: Fate.KILLED, _DroppedError: Fate.DROPPED}
        return kinds.get(type(error), Fate.RAISED)

    def look(self) -> None:
        if self.away:
            raise PeerError("gone")
        task, call = self.open.pop()
        failures = self.fails.get(task)
        if failures:
            call.set_exception(failures.popleft())
        else:
            call.set_result(task * task)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "LOOK_SECONDS", 0.0)


def _always(error: Exception, times: int = 100) -> deque[Exception]:
    return deque([error] * times)


def test_results_come_in_order_whatever_ends_first() -> None:
    pool = _Pool()
    assert list(in_order(pool, range(20))) == [k * k for k in range(20)]
    assert pool.begun[:8] == list(range(8))


def test_tasks_are_taken_a_few_at_a_time_and_nothing_piles_up_behind_a_slow_one() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    pool = _Pool(slots=3)
    results: Any = in_order(pool, endless())
    for _ in range(50):
        next(results)
        assert taken <= pool.begun[0] + 50 + AHEAD * 3
    assert pool.most <= AHEAD * 3
    results.close()
    assert all(call.cancelled() for _, call in pool.open)


def test_what_was_dropped_is_made_again() -> None:
    pool = _Pool({4: _always(_DroppedError(), 3)})
    assert list(in_order(pool, range(9))) == [k * k for k in range(9)]
    assert pool.begun.count(4) == 4


def test_of_calls_whose_processes_die_together_only_the_guilty_one_is_given_up() -> None:
    """All eight fail as the pool breaks; then each runs alone, and seven of them do not fail."""
    fails = {k: _always(_KilledError(), 1) for k in range(8)} | {5: _always(_KilledError())}
    pool = _Pool(fails)
    found = list(in_order(pool, range(12)))
    assert isinstance(found.pop(5), Lost)
    assert found == [k * k for k in range(12) if k != 5]
    assert pool.begun.count(5) <= 2 + DEATHS_MAX
    assert pool.begun.count(3) == 2


def test_what_never_comes_back_is_given_up_too() -> None:
    pool = _Pool({0: _always(_DroppedError())})
    lost, one = in_order(pool, range(2))
    assert "never came" in lost.reason
    assert one == 1
    assert pool.begun.count(0) == AGAIN_MAX


def test_what_the_function_raises_comes_in_its_turn() -> None:
    pool = _Pool({2: _always(ValueError("two"))})
    results = in_order(pool, range(5))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_a_pool_that_is_away_ends_it() -> None:
    pool = _Pool()
    pool.away = True
    with pytest.raises(PeerError):
        list(in_order(pool, range(3)))
    assert all(call.cancelled() for _, call in pool.open)


def test_here_with_one_job_is_this_process() -> None:
    shared: list[int] = []
    with Here() as here:
        results = here.map(lambda kept, task: kept.append(task), iter(range(3)), shared)
        next(results)
        assert shared == [0]  # a task is taken when its result is asked for
        list(results)
    assert shared == [0, 1, 2]


def test_processes_give_the_same_and_outlive_one_that_is_killed(tmp_path: Path) -> None:
    numbers = np.linspace(0, 1, 1001) ** 3
    with Here(2) as here:
        found = list(here.map(tasks.dying, range(9), (str(tmp_path), numbers, 4)))
    assert (tmp_path / "deadly-4.died").exists()
    assert found == [tasks.square(numbers, task) for task in range(9)]
