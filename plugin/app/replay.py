"""Recorded events and frames through the same parts as a run, by their own clock.

One thread does everything in turn, so that the same input always gives the same output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import Report
from plugin.app import compose
from plugin.app.daemon import Daemon, Hands
from plugin.app.inbox import Inbox
from plugin.app.judging import Judging
from plugin.app.keeping import Keeper
from plugin.app.telling import Telling
from plugin.app.watching import Watching
from plugin.audit.journal import Journal, segments
from plugin.capture.live import Batch, LiveCapture
from plugin.capture.recorded import Recorded
from plugin.engine import Engine
from plugin.engine import events as ev
from plugin.engine.commands import Announce
from plugin.errors import CaptureError, OutputError
from plugin.events import FaucetEvent
from plugin.faucet.event import Feed
from plugin.offline.judges import load_judges
from plugin.vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from plugin.actions import Isolation
    from plugin.engine.commands import Command
    from plugin.events import FeedItem
    from plugin.settings import Settings

STEP = 0.2
"""Seconds of recorded time between two looks."""
TICK = 1.0
TIME_MAX = 253_402_300_799.0
"""The end of the year 9999: a time after it has no text, and is not believed."""
SECOND = 1_000_000_000


class Recording(NamedTuple):
    """What was recorded."""

    events: Path | None
    """Faucet's events, one JSON object a line, as its socket gives them."""
    frames: Path | None
    """A capture of the mirror port."""


class Replay:
    """A recording, played.

    Args:
        recording: What to play.
        settings: As for a run; ``run.state`` and ``capture`` say where files go.
        say: Takes each verdict, finding and alarm as a document.
        wait: Called with the recorded time before it is played: to play no faster than it was.
    """

    def __init__(
        self,
        recording: Recording,
        settings: Settings,
        say: Callable[[Mapping[str, Any]], None],
        wait: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._recording, self._settings = recording, settings
        self._wait = wait
        self._now = 0.0
        options = replace(compose.engine_options(settings), feed=False, page=False)
        self.engine = Engine(options, vendor_of)
        self._telling = Telling(self.engine, say, clock=lambda: self._now)
        self._inbox = Inbox()
        self._cookies: frozenset[int] = frozenset()
        """All that ever were wanted."""
        self._beginning: tuple[ev.Event, ...] = ()
        """What the engine is told before all else, at the first recorded time."""

    def play(self) -> None:
        """Play it to its end.

        Raises:
            CaptureError: a recording cannot be read.
            OutputError: a folder cannot be used.
        """
        places, judges = compose.places(self._settings), load_judges(self._settings)
        pasts = compose.pasts(self._settings, self._noticed)
        judging = Judging(judges, self._inbox, pasts=pasts)
        watching = Watching(judges.parameters, self._inbox)
        if segments(places.journal):
            raise OutputError(
                "holds a journal already: a recording has times of its own",
                where=str(places.journal),
                advice="give each replay a folder of its own",
            )
        policy = ev.PolicyRead(compose.policy(self._settings))
        self._beginning = (policy, ev.Restored((), ()), ev.Ports(_EveryPort()))
        with Journal(places.journal) as journal:
            self._daemon = Daemon(
                self._inbox,
                self.engine,
                Keeper(journal, None, lambda _: None),
                Hands(
                    took=lambda _: None,
                    ticked=lambda: None,
                    judge=lambda order: self._inbox.put(judging.judge(order)),
                    resync=lambda: None,
                    hold=lambda _: None,
                    show=lambda _: None,
                    forget=lambda _: None,
                    spoken=partial(self._spoken, judging),
                    enforce=self._pretend,
                    reload=lambda: None,
                ),
                judges.networkml,
                clock=lambda: self._now,
            )
            self._through(watching)

    def _through(self, watching: Watching) -> None:
        events = _events(self._recording.events)
        waiting = next(events, None)
        frames = self._recording.frames
        feed = None if frames is None else Recorded(frames)
        capture = None if feed is None else self._capture(feed)
        ticked = 0.0
        while (at := _soonest(waiting, feed)) is not None:
            due = self.engine.deciding.due()
            at = at if due is None else min(at, due)  # what ends in a silence ends in its time
            self._now = max(self._now + STEP, at) if at > self._now + TICK else self._now + STEP
            self._wait(self._now)
            for event in self._beginning:
                self._daemon.take(event)
            self._beginning = ()
            while waiting is not None and waiting[0] <= self._now:
                self._daemon.take(waiting[1])
                waiting = next(events, None)
            if capture is not None and feed is not None:
                feed.until(int(self._now * SECOND))
                self._tell(capture.poll(self._now, 0), watching)
            if self._now - ticked >= TICK:
                ticked = self._now
                self._daemon.take(ev.Tick())
            self._settle()
        if capture is not None:
            self._tell(capture.stop(self._now, lambda _: None), watching)
        self._settle()

    def _capture(self, feed: Recorded) -> LiveCapture:
        files = compose.trace_files(self._settings, self.engine.registry.get)
        files.start(self._now)
        return LiveCapture(compose.capture_order(self._settings), files, feed)

    def _tell(self, batch: Batch, watching: Watching) -> None:
        for mac, name in batch.opened:
            self._daemon.take(ev.CaptureOpened(mac, name))
        if batch.stream:
            watching.look(batch.stream)
        self._settle()
        for one in batch.finished:
            self._daemon.take(
                ev.CaptureFinished(str(one.path), one.path.name, one.mac, one.missed, one.why)
            )

    def _pretend(
        self,
        isolations: tuple[Isolation, ...],
        watched: frozenset[str],
        leaving: frozenset[int] = frozenset(),
    ) -> None:
        """Report what is wanted as done: there is no switch here, and nothing is written."""
        del watched
        wanted = frozenset(one.cookie for one in isolations)
        self._cookies |= wanted | leaving
        report = Report(
            wanted=wanted,
            written=wanted,
            loaded=wanted,
            proven=wanted,
            absent=self._cookies - wanted,
            probing=True,
        )
        self._inbox.put(ev.Reported(report))

    def _noticed(self, text: str) -> None:
        """Something of devices' pasts that an operator should know."""
        self._inbox.put(ev.Noticed("past", text))

    def _spoken(self, judging: Judging, command: Command) -> None:
        self._telling.spoken(command)
        if isinstance(command, Announce):
            judging.learn(command)

    def _settle(self) -> None:
        """Let everything that follows happen before time goes on."""
        while self._daemon.turn(0):
            pass
        self._daemon.flush()


class _EveryPort(Mapping[tuple[str, int], ev.PortKind]):
    """Ports of which no file tells: each is taken for one where an isolation would hold."""

    def __getitem__(self, key: tuple[str, int]) -> ev.PortKind:
        """What a port is."""
        return ev.PortKind(hooked=True)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """None is known by name."""
        return iter(())

    def __len__(self) -> int:
        """None is known by name."""
        return 0


def _soonest(waiting: tuple[float, FeedItem] | None, feed: Recorded | None) -> float | None:
    """When the next thing happens; None: nothing does any more."""
    times = [] if waiting is None else [waiting[0]]
    if feed is not None and feed.next_ns is not None:
        times.append(feed.next_ns / SECOND)
    return min(times, default=None)


def _events(path: Path | None) -> Iterator[tuple[float, FeedItem]]:
    """Items of the feed with the time of each; one without a time has that of the one before."""
    if path is None:
        return
    feed = Feed()
    time: float | None = None
    early: list[FeedItem] = []
    """What came before the first time; it has that one."""
    try:
        with path.open("rb") as stream:
            for item in chain.from_iterable(_pieces(feed, stream)):
                if isinstance(item, FaucetEvent) and item.time < TIME_MAX:
                    time = item.time if time is None else max(time, item.time)
                if time is None:
                    early.append(item)
                    continue
                yield from ((time, one) for one in (*early, item))
                early.clear()
    except OSError as error:
        raise CaptureError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if feed.garbage and not feed.events:
        raise CaptureError("holds no event of Faucet's", where=str(path))
    yield from ((time or 0.0, one) for one in early)


def _pieces(feed: Feed, stream: Iterable[bytes]) -> Iterator[list[FeedItem]]:
    yield from map(feed.receive, stream)
    yield feed.end()
