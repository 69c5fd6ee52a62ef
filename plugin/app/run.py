"""A run from its beginning to its end: the parts are opened, joined, started, and ended in order.

Opening comes first and fails loudly: a wrong setting, a missing interface or a taken folder ends
the program with its reason. Once all threads run, nothing outside ends it any more.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import plugin
from plugin.app import compose
from plugin.app.asking import Asking
from plugin.app.capturing import Capturing
from plugin.app.daemon import Daemon, Hands
from plugin.app.feeding import BrokerFeeding, SocketFeeding
from plugin.app.inbox import Inbox
from plugin.app.judging import Judging
from plugin.app.keeping import Keeper
from plugin.app.projecting import Projecting
from plugin.app.restart import left, remember
from plugin.app.service import EngineService
from plugin.app.telling import Telling
from plugin.app.watching import Watching
from plugin.app.worker import Worker
from plugin.audit.journal import Journal
from plugin.broker.rabbitmq import Publisher, Republisher
from plugin.broker.spool import Spool
from plugin.capture.names import names_of
from plugin.capture.privileges import drop, find_account, give
from plugin.control.server import ControlServer
from plugin.control.service import answers
from plugin.engine import Engine
from plugin.errors import HaliaError, SettingsError
from plugin.notify import notify
from plugin.vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugin.app.feeding import Feeding
    from plugin.settings import Settings

JUDGE_SECONDS = 60.0
"""How long captures are still judged at the end; what is left is judged at the next start."""
_STOP_SECONDS = 10.0
_BROKER_SECONDS = 5.0
log = logging.getLogger("halia")


class Run:
    """All parts of one run.

    Args:
        settings: What the operator decided.
        reread: Reads the settings again, for SIGHUP.
        say: Takes each verdict, finding and alarm as a document, for standard output.
    """

    def __init__(
        self,
        settings: Settings,
        reread: Callable[[], Settings],
        say: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self._settings, self._reread = settings, reread
        self._open = ExitStack()
        self._publisher: Publisher | None = None
        self._republisher: Republisher | None = None
        try:
            self._join(say)
        except BaseException:
            self._open.close()
            raise

    def work(self) -> None:
        """Run until a signal ends it, then end all parts, the last words said."""
        try:
            self._daemon.install_signals()
            self._daemon.say("started", version=plugin.__version__, pid=os.getpid())
            for worker in self._workers:
                worker.start()
            if self._publisher is not None:
                self._publisher.start()
            self._server.start()
            notify("READY=1")
            self._daemon.run()
            self._end()
        finally:
            self._open.close()

    def _join(self, say: Callable[[Mapping[str, Any]], None]) -> None:
        """Open every part, and join them."""
        settings, keep = self._settings, self._open.enter_context
        self._places = compose.places(settings)
        self._judges = compose.judges(settings)
        order = compose.capture_order(settings)
        parameters = compose.broker_parameters(settings)
        inbox = Inbox()
        engine = Engine(compose.engine_options(settings), vendor_of)
        self._telling = Telling(engine, say)
        journal = keep(Journal(self._places.journal))
        if parameters is not None:
            spool = keep(Spool(self._places.spool, max_bytes=settings.broker.spool))
            self._publisher = Publisher(parameters, spool, told=log.info)
        self._projecting = Projecting(self._places.store, self._places.journal, inbox)
        publish = self._publisher.publish if self._publisher is not None else None
        keeper = Keeper(journal, publish, self._projecting.put)
        self._watching = Watching(self._judges.parameters, inbox)
        names = names_of if settings.capture.names else None
        self._judging = Judging(self._judges.models, self._judges.parameters, inbox, names=names)
        self._asking = Asking(settings.faucet.page, settings.faucet.config, inbox)
        self._capturing = Capturing(
            order,
            lambda: compose.trace_files(settings, engine.registry.get),
            inbox,
            self._watching,
        )
        hands = Hands(
            judge=self._judging.put,
            resync=self._asking.resync,
            hold=lambda on: self._capturing.hold(on=on),
            show=self._telling.show,
            forget=self._telling.forget,
            spoken=self._telling.spoken,
            reload=self._reload,
        )
        self._daemon = Daemon(inbox, engine, keeper, hands, lambda: self._judges.networkml())
        self._inbox, self._engine = inbox, engine
        self._open_outside(parameters)

    def _open_outside(self, parameters: Any) -> None:
        """Open what others hold too: the interface, the control socket; then be nobody special."""
        settings, inbox = self._settings, self._inbox
        account = find_account(settings.run.user) if settings.run.user is not None else None
        service = EngineService(inbox, self._engine, self._parts(), self._projecting.history)
        self._server = ControlServer(
            settings.control.socket,
            answers(service),
            group=settings.control.group,
            owner=None if account is None else account.uid,
        )
        self._open.callback(self._server.stop)
        self._telling.server = self._server
        opened = self._capturing.open()
        memory = remember(self._places.store, self._places.journal, opened.kept)
        if memory.problem is not None:
            log.warning("the store cannot tell what was known: %s", memory.problem)
        unjudged = left(self._places.captures, opened.kept, memory.judged)
        for event in (memory.restored, *opened.recovered, *unjudged):
            inbox.put(event)
        if account is not None:
            give(account, settings.run.state, self._places.captures)
            drop(account)
        self._workers = [
            Worker("store", inbox, self._projecting.run),
            Worker("asking", inbox, self._asking.run),
            Worker("judging", inbox, self._judging.run),
            Worker("watching", inbox, self._watching.run),
            Worker("capturing", inbox, self._capturing.run),
            *self._feeding(parameters),
        ]

    def _feeding(self, parameters: Any) -> list[Worker]:
        """What brings Faucet's events, and what hands them on."""
        settings, inbox = self._settings, self._inbox
        if settings.faucet.events == "none":
            return []
        if settings.faucet.events == "rabbitmq":
            if parameters is None:
                raise SettingsError("faucet.events: rabbitmq needs broker.url")
            source: Feeding = BrokerFeeding(parameters, inbox, log.info)
            return [Worker("feed", inbox, source.run)]
        raw: Callable[[bytes], None] = lambda _: None  # noqa: E731 - the one for nobody
        if parameters is not None and settings.broker.republish:
            self._republisher = Republisher(parameters, told=log.info)
            raw = self._republisher.publish
        return [Worker("feed", inbox, SocketFeeding(settings.faucet.socket, inbox, raw).run)]

    def _reload(self) -> None:
        """Use what changed in the settings; what needs a new start is said."""
        try:
            fresh = self._reread()
            found = compose.judges(fresh)
        except HaliaError as error:
            log.error("the settings are kept as they were: %s", error)
            return
        self._judges = found
        self._judging.use(found.models, found.parameters)
        self._engine.options = compose.engine_options(fresh)
        waiting = sorted(compose.needs_restart(self._settings, fresh))
        self._settings = fresh
        log.info(
            "settings were read again%s",
            f"; after a restart: {', '.join(waiting)}" if waiting else "",
        )

    def _end(self) -> None:
        """Finish all captures, judge them, say it, go."""
        log.info("ending: %s", self._daemon.stopped_by)
        notify("STOPPING=1")
        for name in ("feed", "capturing", "watching", "asking"):
            self._stop(name)
        end = time.monotonic() + JUDGE_SECONDS
        while (len(self._judging) or len(self._inbox)) and time.monotonic() < end:
            self._daemon.turn(0.1)
        self._stop("judging")
        self._daemon.turn(0)
        if len(self._judging):
            log.warning("%d captures are left for the next start", len(self._judging))
        self._daemon.say("stopped", why=self._daemon.stopped_by)
        self._daemon.flush()
        if len(self._daemon.keeper):
            log.error("%d entries could not be kept", len(self._daemon.keeper))
        for publisher in (self._publisher, self._republisher):
            if publisher is not None:
                publisher.stop(_BROKER_SECONDS)
        self._stop("store")

    def _stop(self, name: str) -> None:
        for worker in self._workers:
            if worker.name == name and not worker.stop(_STOP_SECONDS):
                log.warning("%s has not ended in time", name)

    def _parts(self) -> dict[str, Callable[[], dict[str, Any]]]:
        """What each part says of itself."""
        return {
            "capture": self._capture_part,
            "judge": lambda: {"waiting": len(self._judging)},
            "broker": self._broker_part,
            "store": lambda: {
                "connected": self._projecting.problem is None,
                "problem": self._projecting.problem,
            },
            "behaviours": lambda: {"left_out_bytes": self._watching.left_out},
        }

    def _capture_part(self) -> dict[str, Any]:
        counters = self._capturing.counters
        files = dict(zip(("open", "finished", "bytes"), self._capturing.sizes, strict=True))
        return {
            "iface": self._settings.capture.iface,
            "reader": self._capturing.reader,
            "connected": self._capturing.reader is not None,
            "problem": None,
            "files": files,
            **({} if counters is None else counters._asdict()),
        }

    def _broker_part(self) -> dict[str, Any]:
        if self._publisher is None:
            return {"url": None}
        return {
            "url": self._settings.broker.url,
            "connected": self._publisher.connected.is_set(),
            "waiting": self._publisher.waiting(),
            "full": self._publisher.full,
        }
