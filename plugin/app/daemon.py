"""``halia run``: the main thread takes events, lets the engine decide, carries out what it says."""

from __future__ import annotations

import logging
import signal
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.app.clock import now
from plugin.app.inbox import Asked, Failed, Signalled
from plugin.app.keeping import Sayable
from plugin.app.messages import finding_sayable, verdict_sayable
from plugin.engine import commands as do
from plugin.engine import events as ev

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from plugin.app.inbox import Inbox
    from plugin.app.keeping import Keeper
    from plugin.engine import Engine
    from plugin.engine.commands import Command

TICK_SECONDS = 1.0
log = logging.getLogger("halia")


class Hands(NamedTuple):
    """What the main thread does things with; each returns at once."""

    took: Callable[[Any], None]
    """The engine is about to take an event."""
    ticked: Callable[[], None]
    """Time has passed."""
    judge: Callable[[do.Judge], None]
    resync: Callable[[], None]
    hold: Callable[[bool], None]
    show: Callable[[str], None]
    """Something changed that is shown of this device."""
    forget: Callable[[str], None]
    spoken: Callable[[Command], None]
    """An announcement was kept, or there is an alarm."""
    reload: Callable[[], None]
    """SIGHUP."""


class Daemon:
    """The loop. What it is made of is put together in ``compose``."""

    def __init__(
        self,
        inbox: Inbox,
        engine: Engine,
        keeper: Keeper,
        hands: Hands,
        networkml: Callable[[], Any],
        *,
        clock: Callable[[], float] = now,
    ) -> None:
        """Make it.

        Args:
            inbox: Where everything comes from.
            engine: Decides.
            keeper: Journal and spool.
            hands: The rest.
            networkml: NetworkML's own labels of the classes of the models in use.
            clock: Seconds since 1970-01-01 UTC.
        """
        self.inbox, self.engine, self.keeper = inbox, engine, keeper
        self.stopped_by: str | None = None
        self._hands, self._networkml, self._clock = hands, networkml, clock
        self._announced: list[Command] = []
        self._doing: dict[type, Callable[[Any], None]] = {
            do.Announce: self._announce,
            do.AnnounceFinding: self._announce_finding,
            do.Record: self._record,
            do.Alarm: hands.spoken,
            do.Judge: hands.judge,
            do.Resync: lambda _: hands.resync(),
            do.Hold: lambda command: hands.hold(command.on),
            do.Show: lambda command: hands.show(command.mac),
            do.Forget: lambda command: hands.forget(command.mac),
        }

    def install_signals(self) -> None:
        """SIGTERM and SIGINT end it, SIGHUP reads the settings again."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)

    def run(self) -> None:
        """Work until a signal ends it.

        Raises:
            BaseException: what ended a thread by a mistake of ours.
        """
        ticked = 0.0
        while self.stopped_by is None:
            self.turn(max(0.0, ticked + TICK_SECONDS - time.monotonic()))
            if time.monotonic() - ticked >= TICK_SECONDS:
                ticked = time.monotonic()
                self.take(ev.Tick())
                self._hands.ticked()
                self.flush()

    def turn(self, timeout: float) -> bool:
        """Take what has come, and carry out what follows; False if nothing came."""
        items = self.inbox.take(timeout)
        for item in items:
            self.take(item)
        if items:
            self.flush()
        return bool(items)

    def take(self, item: Any) -> None:
        """Take one item of the inbox."""
        if isinstance(item, Signalled):
            self._signal(item.number)
        elif isinstance(item, Failed):
            log.critical("thread %s has ended by a mistake", item.thread)
            raise item.error
        elif isinstance(item, Asked):
            try:
                item.answer.set_result(item.question())
            except Exception as error:  # noqa: BLE001 - it is the asker's
                item.answer.set_exception(error)
        else:
            self._hands.took(item)
            for command in self.engine.step(item, self._clock()):
                self._do(command)

    def flush(self) -> None:
        """Keep what was said; when that fails, hold captures until it works again."""
        reason = self.keeper.flush()
        if reason is None:
            announced, self._announced = self._announced, []
            for one in announced:
                self._hands.spoken(one)
        if (reason is not None) is not self.engine.holding:
            words = (
                "what is said is kept again"
                if reason is None
                else f"no capture is finished: {reason}"
            )
            for command in self.engine.step(ev.Room(reason is None, words), self._clock()):
                self._do(command)

    def say(self, kind: str, **body: Any) -> None:
        """Write an entry of our own to the journal."""
        self.keeper.say(Sayable(self._clock(), kind, body))

    def _do(self, command: Command) -> None:
        self._doing[type(command)](command)

    def _announce(self, command: do.Announce) -> None:
        self.keeper.say(verdict_sayable(command, self._networkml(), self._clock()))
        self._announced.append(command)

    def _announce_finding(self, command: do.AnnounceFinding) -> None:
        self.keeper.say(finding_sayable(command, self._clock()))
        self._announced.append(command)

    def _record(self, command: do.Record) -> None:
        self.keeper.say(Sayable(self._clock(), command.kind, command.body))

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.inbox.put_now(Signalled(number))

    def _signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._hands.reload()
        else:
            self.stopped_by = signal.Signals(number).name
