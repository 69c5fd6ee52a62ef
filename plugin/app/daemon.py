"""``halia run``: the main thread takes events, lets the engine decide, carries out what it says."""

from __future__ import annotations

import logging
import signal
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.app.clock import now
from plugin.app.inbox import Asked, Failed, Signalled
from plugin.app.keeping import Sayable
from plugin.app.messages import DECISION, decision_sayable, finding_sayable, verdict_sayable
from plugin.app.standing import Standing
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from plugin.actions import Isolation
    from plugin.app.inbox import Inbox
    from plugin.app.keeping import Keeper
    from plugin.engine import Engine
    from plugin.engine.commands import Command
    from plugin.policy.cases import Told, Transition

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
    enforce: Callable[[tuple[Isolation, ...], frozenset[str], frozenset[int]], None]
    """Have these stand at the switches, and these devices watched on; all that led to it is
    kept."""
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
        self._standing = Standing(hands.enforce)
        self._doing: dict[type, Callable[[Any], None]] = {
            do.Announce: self._announce,
            do.AnnounceFinding: self._announce_finding,
            do.AnnounceDecision: self._announce_decision,
            do.Enforce: self._standing.wanted,
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
            self._answer(item)
        else:
            self._hands.took(item)
            if isinstance(item, ev.Restored):
                self._standing.restored(item.cases)
            elif isinstance(item, ev.Reported):
                self._standing.found(item.report.strangers)
            for command in self.engine.step(item, self._clock()):
                self._do(command)

    def _answer(self, item: Asked) -> None:
        if not item.answer.set_running_or_notify_cancel():
            return  # who asked has been told that nobody answers
        if len(self.keeper) or self._standing.waits:
            self.flush()  # who asks may rely on all that was put in before being carried out
        try:
            item.answer.set_result(item.question())
        except Exception as error:  # noqa: BLE001 - it is the asker's
            item.answer.set_exception(error)

    def flush(self) -> None:
        """Keep what was said; when that fails, hold captures until it works again."""
        reason = self.keeper.flush()
        decided = reason is None or not self.keeper.owes(DECISION)
        self._standing.settle(kept=decided)
        announced, self._announced = self._announced, []
        for one in announced:
            if reason is None or (decided and isinstance(one, do.AnnounceDecision)):
                self._hands.spoken(one)
            else:
                self._announced.append(one)
        if (reason is not None) is not self.engine.holding:
            words = (
                "what is said is kept again"
                if reason is None
                else f"no capture is finished: {reason}"
            )
            for command in self.engine.step(ev.Room(reason is None, words), self._clock()):
                self._do(command)

    def ordered(self, told: Told) -> tuple[Transition, ...]:
        """Have an order carried out; in the main thread.

        Returns:
            The steps of cases that followed at once; they are in the journal.

        Raises:
            DeniedOrder: it cannot be carried out; nothing has changed.
            OutputError: it was taken, but cannot be kept now: nothing new is isolated until it is.
        """
        commands = self.engine.order(told, self._clock())
        for command in commands:
            self._do(command)
        self.flush()
        if self.keeper.owes(DECISION):
            raise OutputError(
                f"it was taken, and cannot be kept: {self.keeper.problem}",
                advice="free space there; until then nothing new is isolated, releases are",
            )
        return tuple(one.transition for one in commands if isinstance(one, do.AnnounceDecision))

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

    def _announce_decision(self, command: do.AnnounceDecision) -> None:
        self.keeper.say(decision_sayable(command.transition, self._clock()))
        self._announced.append(command)

    def _record(self, command: do.Record) -> None:
        self.keeper.say(Sayable(self._clock(), command.kind, command.body, actor=command.actor))

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.inbox.put_now(Signalled(number))

    def _signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._hands.reload()
        else:
            self.stopped_by = signal.Signals(number).name
