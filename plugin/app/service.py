"""What can be asked of the daemon: each question is answered by the main thread, between events."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import plugin
from plugin.actions import parse_action
from plugin.app.clock import now
from plugin.control.whom import Known, mac_in, whom
from plugin.engine.view import to_document
from plugin.errors import DeniedError, OptionError, PeerError, printable
from plugin.policy import cases as told
from plugin.store.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from plugin.app.inbox import Inbox
    from plugin.engine import Engine

ANSWER_SECONDS = 10.0
_HISTORY = 50
_OVER = "over"
_EXPLAIN = "'halia policy explain DEVICE' tells what the policy says of a device"
log = logging.getLogger("halia")

Document = dict[str, Any]


class Decisions(Protocol):
    """Cases as documents; in the main thread only."""

    def order(self, what: told.Told) -> Iterable[Document]:
        """Tell the ledger what somebody wants, and carry out what follows.

        Returns:
            Each step that a case took: ``case``, ``before``, ``why``.

        Raises:
            DeniedOrder: it will not be done.
        """

    def cases(self) -> Iterable[Document]:
        """All cases that are not over, by number."""

    def explain(self, mac: str) -> Document | None:
        """What the policy says about a device; None: there is no such device."""

    def status(self) -> Document:
        """How the decisions are, for ``halia status``."""


class Past(Protocol):
    """What the store knows; called in the asker's thread."""

    def history(self, mac: str, most: int) -> list[Document]:
        """What was found of a device and decided about it, the last first.

        Raises:
            StoreError: it cannot be read.
        """

    def cases(self) -> list[Document]:
        """Cases, each as it was last, by number; those that are over too, if they count still.

        Raises:
            StoreError: it cannot be read.
        """


class EngineService:
    """The service of ``halia run``.

    Args:
        inbox: By which the main thread is reached.
        engine: Looked at in the main thread only.
        parts: What each part says of itself; called in the main thread.
        past: What was.
        decisions: What is decided about devices.
        own: What is known of how a device was, by its MAC; called in the asker's thread.
    """

    def __init__(
        self,
        inbox: Inbox,
        engine: Engine,
        parts: Callable[[], dict[str, Any]],
        past: Past,
        decisions: Decisions,
        own: Callable[[str], Document | None] = lambda _: None,
    ) -> None:
        self._inbox, self._engine, self._decided = inbox, engine, decisions
        self._parts, self._past, self._own = parts, past, own
        self._since = now()

    def status(self) -> dict[str, Any]:
        """How each part is."""
        document: dict[str, Any] = self._ask(self._status)
        return document

    def devices(self) -> list[dict[str, Any]]:
        """The document of each device."""
        views = self._ask(lambda: list(self._engine.views()))
        return [to_document(one) for one in views]

    def device(self, key: str) -> dict[str, Any] | None:
        """The document of one, with its history and how much is known of how it was.

        Raises:
            DeniedError: it could be more than one.
        """
        one = self._ask(lambda: self._find(key))
        if one is None:
            return None
        try:
            history = self._past.history(one.mac, _HISTORY)
        except StoreError:
            history = []  # the journal has it: 'halia audit show'
        return {**to_document(one), "past": self._own(one.mac), "history": history}

    def decisions(self, *, over: bool) -> list[Document]:
        """The document of each case, with its device's name."""
        past: list[Document] = []
        if over:
            with suppress(StoreError):  # the journal has them: 'halia audit show'
                past = self._past.cases()
        found: list[Document] = self._ask(lambda: list(self._cases(past)))
        return found

    def explain(self, key: str) -> Document | None:
        """What the policy says about a device, and what is decided about it."""

        def question() -> Document | None:
            mac = self._whom(key)
            said = None if mac is None else self._decided.explain(mac)
            if said is None:
                return None
            cases = (one for one in self._decided.cases() if one["mac"] == mac)
            return {**said, "case": next(cases, None)}

        found: Document | None = self._ask(question)
        return found

    def isolate(
        self, key: str, action: str, seconds: float | None, *, actor: str, reason: str
    ) -> list[Document]:
        """Isolate a device."""
        try:
            wanted = parse_action(action)
        except ValueError as error:
            raise OptionError(str(error)) from error

        def what() -> told.Told:
            mac = self._sure(key)
            return told.Ordered(mac, wanted, seconds, actor, reason)

        return self._order(what, f"{actor} wants {key} isolated as {action}", _EXPLAIN)

    def release(self, key: str | None, *, actor: str, reason: str) -> list[Document]:
        """End the isolation of a device, or of all."""

        def what() -> told.Told:
            mac = None if key is None else self._sure(key)
            return told.Released(mac, actor, reason)

        return self._order(what, f"{actor} wants {key or 'everybody'} released")

    def answer(self, number: int, *, approve: bool, actor: str, reason: str) -> list[Document]:
        """Approve or deny what a rule asks for."""
        words = f"{actor} {'approves' if approve else 'denies'} case {number}"
        return self._order(lambda: told.Answered(number, approve, actor, reason), words)

    def extend(self, number: int, seconds: float, *, actor: str, reason: str) -> list[Document]:
        """Have an isolation end so many seconds from now."""
        words = f"{actor} wants case {number} to last {seconds:g} s from now"
        return self._order(lambda: told.Extended(number, seconds, actor, reason), words)

    def thaw(self, *, actor: str, reason: str) -> list[Document]:
        """Allow new isolations again after a breach of the caps."""
        return self._order(lambda: told.Thawed(actor, reason), f"{actor} thaws the decisions")

    def _order(
        self, what: Callable[[], told.Told], words: str, advice: str | None = None
    ) -> list[Document]:
        """Have the main thread carry out an order; what is denied is in the log too.

        Raises:
            DeniedError: it will not be done; the cases are as before.
            PeerError: the main thread was too busy; it will not be done later either.
        """
        words = printable(words)  # who orders wrote some of it
        log.info("%s", words)
        try:
            steps: list[Document] = self._ask(lambda: list(self._decided.order(what())))
        except told.DeniedOrder as error:
            log.warning("%s: denied: %s", words, error)
            raise DeniedError(str(error), advice=advice) from error
        return steps

    def _cases(self, past: Iterable[Document]) -> Iterator[Document]:
        """Those of now, and of the past those that are not among them."""
        cases = {one["number"]: one for one in past if one["state"] == _OVER}
        cases.update((one["number"], one) for one in self._decided.cases())
        for _, one in sorted(cases.items()):
            device = self._engine.view(one["mac"])
            yield {**one, "name": None if device is None else device.name}

    def _whom(self, key: str) -> str | None:
        """The device that is meant: one that is known, or has a case."""
        mac = mac_in(key)
        if mac is not None:
            return mac
        gone = [Known(one["mac"], one["addresses"]) for one in self._decided.cases()]
        known = {
            one.mac: one for one in (*gone, *self._devices())
        }  # where it is known now goes first
        return whom(key, known.values())

    def _sure(self, key: str) -> str:
        mac = self._whom(key)
        if mac is None:
            raise told.DeniedOrder(f"no device of that address or name is known: {key}")
        return mac

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Have the main thread answer.

        Raises:
            PeerError: it did not in time.
        """
        try:
            return self._inbox.ask(question, ANSWER_SECONDS)
        except TimeoutError as error:
            raise PeerError("the daemon is too busy to answer", advice="ask again") from error

    def _find(self, key: str) -> Any:
        mac = mac_in(key) or whom(key, self._devices())
        return None if mac is None else self._engine.view(mac)

    def _devices(self) -> list[Known]:
        return [Known(one.mac, one.addresses, one.name) for one in self._engine.views()]

    def _status(self) -> dict[str, Any]:
        states: dict[str, int] = {}
        for one in self._engine.views():
            states[one.state] = states.get(one.state, 0) + 1
        feed = self._engine.feed
        return {
            "version": plugin.__version__,
            "pid": os.getpid(),
            "started": self._since,
            "uptime": round(now() - self._since, 3),
            "devices": {"total": len(self._engine), "states": states},
            "feed": {
                "connected": feed.open, "problem": feed.refused or feed.reason,
                "page_problem": feed.page_problem, "events": feed.events,
                "gaps": feed.gaps, "missed": feed.missed,
                "garbage": feed.garbage, "restarts": feed.restarts,
                "down_switches": [name for name, _ in feed.down_switches],
            },
            "hook": {"problem": "; ".join(self._engine.problems) or None},
            "holding": self._engine.holding,
            "decisions": self._decided.status(),
            **self._parts(),
        }  # fmt: skip
