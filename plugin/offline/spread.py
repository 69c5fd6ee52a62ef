"""One function over many tasks, in processes here or on a cluster: results in the order of tasks.

A *pool* only starts calls and says what an error of one means; :func:`in_order` does the rest for
every pool: few calls at once, so that memory does not grow with the number of tasks; results
handed out in order; calls whose process died are made again. One that dies again and again on its
own is given up as :class:`Lost`, and the others go on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Calls begun, or finished and not yet handed out, for each slot of a pool."""
DEATHS_MAX = 3
"""Of the process of a call that runs alone (Dask counts four workers as one such death)."""
AGAIN_MAX = 20
"""How often a call is made again that was taken from us through no fault of its own."""
LOOK_SECONDS = 1.0
"""Between looks whether the pool is still there while nothing ends."""


class Lost(NamedTuple):
    """What stands in the place of a result that could not be had."""

    reason: str


class Fate(Enum):
    """What became of a call that gave no result."""

    RAISED = "raised"
    """The function raised: that is its answer."""
    KILLED = "killed"
    """Its process died, maybe because of it."""
    DROPPED = "dropped"
    """It was taken from us: the scheduler was away for a moment, another call broke the pool."""


class Call(Protocol):
    """A call that runs somewhere (concurrent.futures' Future, Dask's)."""

    def add_done_callback(self, fn: Callable[[Any], Any], /) -> object:
        """Call this with the call when it has ended."""

    def result(self) -> Any:
        """Give what the function gave, or raise."""

    def cancel(self) -> object:
        """Do not begin it if it has not begun."""


class Pool(Protocol):
    """Where calls run."""

    def slots(self) -> int:
        """How many run at once."""

    def submit(self, task: Any) -> Call:
        """Begin the call of one task.

        Raises:
            PeerError: the pool is away for good.
        """

    def fate(self, error: Exception) -> Fate:
        """What an error of a call means."""

    def look(self) -> None:
        """Look whether calls can end at all.

        Raises:
            PeerError: the pool is away for good.
        """


class Spread(Protocol):
    """Maps a function over tasks: :class:`Here`, or ``plugin.offline.dask_spread.OnDask``."""

    def map(
        self, function: Callable[[S, T], R], tasks: Iterable[T], shared: S
    ) -> Iterator[R | Lost]:
        """Give ``function(shared, task)`` of each task, in order.

        The same call gives the same bits wherever it runs, if the function computes from its
        arguments (and files they name) only; BLAS and OpenMP have one thread each.

        Args:
            function: of a module of this package: processes elsewhere import it.
            tasks: taken a few at a time.
            shared: sent once to each process, not with each task.

        Raises:
            PeerError: where it runs is away for good.
            Exception: what the function raised, at its place in the order.
        """

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End: what still runs is abandoned."""


@dataclass(slots=True)
class _Job(Generic[T]):
    """A task on its way."""

    place: int
    task: T
    call: Call | None = None
    alone: bool = False
    """It runs by itself, because a process died while it ran with others."""
    deaths: int = 0
    again: int = 0


class _Outcome(NamedTuple):
    """What one call came to, kept until its turn."""

    value: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class _Desk(Generic[T]):
    """What is going on in one pool."""

    pool: Pool
    running: dict[int, _Job[T]] = field(default_factory=dict)
    """By identity of the call."""
    again: deque[_Job[T]] = field(default_factory=deque)
    suspects: deque[_Job[T]] = field(default_factory=deque)
    """Their process died: each is made again alone, so that the guilty one is told apart."""
    ended: SimpleQueue[Call] = field(default_factory=SimpleQueue)

    def begin(self, job: _Job[T], *, alone: bool = False) -> None:
        """Begin the call of a job."""
        job.alone = alone
        job.call = self.pool.submit(job.task)
        self.running[id(job.call)] = job
        job.call.add_done_callback(self.ended.put)

    def fill(self, fresh: Iterator[_Job[T]], room: int) -> None:
        """Begin what may begin; ``room`` is for fresh jobs."""
        if self.suspects:
            if not self.running:
                self.begin(self.suspects.popleft(), alone=True)
            return
        while self.again:
            self.begin(self.again.popleft())
        for job in islice(fresh, max(0, room)):
            self.begin(job)

    def wait(self) -> _Job[T]:
        """Give the next job whose call has ended."""
        while True:
            try:
                call = self.ended.get(timeout=LOOK_SECONDS)
            except Empty:
                self.pool.look()
            else:
                return self.running.pop(id(call))

    def outcome(self, job: _Job[T]) -> _Outcome | None:
        """Say what an ended call came to; None: it is made again."""
        assert job.call is not None
        try:
            return _Outcome(job.call.result())
        except Exception as error:  # noqa: BLE001 - what a function raises is its answer
            fate = self.pool.fate(error)
            if fate is Fate.RAISED:
                return _Outcome(error=error)
            lost = self._made_again(job, fate)
            return None if lost is None else _Outcome(lost)

    def _made_again(self, job: _Job[T], fate: Fate) -> Lost | None:
        if fate is Fate.KILLED:
            job.deaths += job.alone
            self.suspects.append(job)
        else:
            job.again += 1
            self.again.append(job)
        if job.deaths >= DEATHS_MAX:
            self.suspects.pop()
            return Lost("its process was killed each time: too little memory?")
        if job.again >= AGAIN_MAX:
            self.again.pop()
            return Lost(f"it was begun {job.again} times, and its result never came")
        return None

    def abandon(self) -> None:
        """Let nothing begin any more."""
        for job in self.running.values():
            if job.call is not None:
                job.call.cancel()


def in_order(pool: Pool, tasks: Iterable[T]) -> Iterator[Any]:
    """Run tasks in a pool; give their results, or :class:`Lost`, in the order of the tasks.

    Raises:
        PeerError: the pool is away for good.
        Exception: what the function raised.
    """
    desk: _Desk[T] = _Desk(pool)
    fresh = (_Job(place, task) for place, task in enumerate(tasks))
    given = 0
    ready: dict[int, _Outcome] = {}
    try:
        while True:
            # What is finished and waits for a slow one before it counts too: nothing piles up.
            before = len(desk.running) + len(desk.again) + len(desk.suspects)
            desk.fill(fresh, AHEAD * pool.slots() - before - len(ready))
            if not desk.running:
                return
            job = desk.wait()
            outcome = desk.outcome(job)
            if outcome is not None:
                ready[job.place] = outcome
            while given in ready:
                value, error = ready.pop(given)
                given += 1
                if error is not None:
                    raise error
                yield value
    finally:
        desk.abandon()


@dataclass(slots=True)
class Here:
    """This machine: joblib's processes (loky), or with one job this process itself."""

    jobs: int = 1

    def __enter__(self) -> Self:
        """Begin: processes are made when they are needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End: nothing is left running."""

    def map(
        self, function: Callable[[S, T], R], tasks: Iterable[T], shared: S
    ) -> Iterator[R | Lost]:
        """Give results in order (:meth:`Spread.map`)."""
        if self.jobs == 1:
            yield from (one_threaded(function, shared, task) for task in tasks)
            return
        pool = _Processes(self.jobs, function, shared)
        try:
            yield from in_order(pool, tasks)
        finally:
            pool.end()


def one_threaded(function: Callable[[S, T], R], shared: S, task: T) -> R:
    """Call with one thread of BLAS and OpenMP each: their number changes the last bits of sums."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return function(shared, task)


class _Processes:
    """Processes of this machine, made anew when one of them was killed."""

    def __init__(self, jobs: int, function: Callable[..., Any], shared: object) -> None:
        self._jobs = jobs
        self._function = function
        self._shared = shared
        self._executor = self._made()

    def _made(self) -> Any:
        from joblib.externals.loky import ProcessPoolExecutor

        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        return ProcessPoolExecutor(
            self._jobs, initializer=_keep, initargs=(self._function, self._shared), env=one
        )

    def slots(self) -> int:
        return self._jobs

    def submit(self, task: object) -> Call:
        from joblib.externals.loky.process_executor import BrokenProcessPool

        try:
            call: Call = self._executor.submit(_call_kept, task)
        except BrokenProcessPool:
            self.end()
            self._executor = self._made()
            call = self._executor.submit(_call_kept, task)
        return call

    def fate(self, error: Exception) -> Fate:
        from joblib.externals.loky.process_executor import BrokenProcessPool

        return Fate.KILLED if isinstance(error, BrokenProcessPool) else Fate.RAISED

    def look(self) -> None:
        """Nothing to see: loky itself notices when a process dies."""

    def end(self) -> None:
        self._executor.shutdown(wait=True, kill_workers=True)


_kept: list[tuple[Callable[..., Any], Any]] = []
"""Of a process of :class:`_Processes`: the function and what all its tasks share."""


def _keep(function: Callable[..., Any], shared: object) -> None:
    _kept[:] = [(function, shared)]


def _call_kept(task: object) -> Any:
    [(function, shared)] = _kept
    return one_threaded(function, shared, task)
