"""A run from its beginning to its end: the parts are opened, joined, started, and ended in order.

Opening comes first and fails loudly: a wrong setting, a missing interface or a taken folder ends
the program with its reason. Once all threads run, nothing outside ends it any more.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import plugin
from plugin.app import compose
from plugin.app.asking import Asking
from plugin.app.capturing import Capturing
from plugin.app.clock import now
from plugin.app.daemon import Daemon, Hands
from plugin.app.deciding import Decisions
from plugin.app.feeding import BrokerFeeding, SocketFeeding
from plugin.app.health import Health, Sending
from plugin.app.hooking import Hooking
from plugin.app.inbox import Inbox
from plugin.app.judging import Judging
from plugin.app.keeping import Keeper
from plugin.app.noticing import open_notices
from plugin.app.projecting import Projecting
from plugin.app.restart import left, remember
from plugin.app.ruling import Ruling
from plugin.app.service import EngineService
from plugin.app.telling import Telling
from plugin.app.watching import Watching
from plugin.app.worker import Worker
from plugin.audit.journal import Journal
from plugin.broker.rabbitmq import Publisher, Republisher
from plugin.broker.spool import Spool
from plugin.capture.privileges import check_owned, drop, find_account, make_folder
from plugin.control.server import ControlServer
from plugin.control.service import answers
from plugin.core import implementation
from plugin.engine import Engine
from plugin.engine import events as ev
from plugin.engine.commands import Announce
from plugin.errors import HaliaError, SettingsError
from plugin.events import ConfigLoaded
from plugin.metrics import Metrics
from plugin.metrics import Server as MetricsServer
from plugin.notify import Notifier
from plugin.offline.judges import load_judges
from plugin.offline.names import names_in
from plugin.offline.policy import load_policy
from plugin.vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pika

    from plugin.capture.live import Settings as CaptureOrder
    from plugin.engine.commands import Command
    from plugin.policy.cases import Told, Transition
    from plugin.settings import Settings

JUDGE_SECONDS = 60.0
"""How long captures are still judged at the end; what is left is judged at the next start."""
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_COUNT_TICKS = 10
_BROKER_SECONDS = 5.0
log = logging.getLogger("halia")


class Run:
    """All parts of one run.

    Args:
        settings: What the operator decided.
        reread: Reads the settings again, for SIGHUP.
        say: Takes each verdict, finding, decision and alarm as a document, for standard output.
    """

    def __init__(
        self,
        settings: Settings,
        reread: Callable[[], Settings],
        say: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self._settings, self._reread = settings, reread
        self._begun_with = settings
        self._open = ExitStack()
        self._metrics: Metrics | None = None
        self._sending: Sending | None = None
        self._ticks = 0
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
            if self._sending is not None:
                self._sending.publisher.start()
            if self._republisher is not None:
                self._republisher.start()
            self._server.start()
            self._notifier.ready(f"watching {self._settings.capture.iface}")
            log.info("%s", self._beginning())
            self._daemon.run()
            self._notifier.stopping()
            self._end()
        finally:
            self._open.close()

    def _join(self, say: Callable[[Mapping[str, Any]], None]) -> None:
        """Open every part, and join them."""
        settings, keep = self._settings, self._open.enter_context
        inbox = self._inbox = Inbox()
        self._places = compose.places(settings)
        self._judges = load_judges(settings)
        self._ruling = Ruling(settings.policy.file, partial(load_policy, data=settings.data), inbox)
        policy = compose.policy(settings)
        order = compose.capture_order(settings)
        parameters = compose.broker_parameters(settings)
        ways = compose.ways(settings)
        engine = self._engine = Engine(compose.engine_options(settings), vendor_of)
        self._notifier = keep(Notifier())
        if settings.metrics.listen is not None:
            self._metrics = Metrics(core=implementation(), most=settings.devices.most)
            keep(MetricsServer(self._metrics, settings.metrics.listen))
        self._notices = open_notices(settings, inbox)
        self._telling = Telling(engine, say, self._metrics, log=log, notices=self._notices)
        self._projecting = Projecting(self._places.store, self._places.journal, inbox)
        self._capturing, self._watching = self._capture(order)
        self._open_outside()
        journal = keep(Journal(self._places.journal))
        for text in journal.told():
            inbox.put_now(ev.Noticed("torn", text))
        if parameters is not None:
            spool = keep(Spool(self._places.spool, max_bytes=settings.broker.spool))
            for text in spool.told():
                inbox.put_now(ev.Noticed("torn", text))
            address = f"{parameters.host}:{parameters.port}"
            self._sending = Sending(address, Publisher(parameters, spool, told=log.info), spool)
        publish = None if self._sending is None else self._sending.publisher.publish
        keeper = Keeper(journal, publish, self._projecting.put)
        self._pasts = compose.pasts(settings, lambda text: inbox.put_now(ev.Noticed("past", text)))
        self._judging = Judging(
            self._judges,
            inbox,
            names=name_in if settings.capture.names else None,
            took=self._metrics.judged if self._metrics is not None else lambda _: None,
            pasts=self._pasts,
        )
        self._asking = Asking(settings.faucet.page, inbox)
        self._hooking = Hooking(
            ways,
            lambda: compose.mirror_settings(self._settings),
            inbox,
            engine.spots,
        )
        self._health = Health(
            self._capturing, self._watching, self._judging, self._projecting, keeper, journal,
            self._sending, self._hooking, self._notices,
        )  # fmt: skip
        self._daemon = Daemon(inbox, engine, keeper, self._hands(), self._networkml)
        feeding = self._feeding(parameters)
        inbox.put_now(ev.PolicyRead(policy))
        self._remember()
        self._workers = [
            Worker("store", inbox, self._projecting.run),
            Worker("asking", inbox, self._asking.run),
            Worker("ruling", inbox, self._ruling.run),
            *self._watching_hook(),
            Worker("judging", inbox, self._judging.run),
            Worker("watching", inbox, self._watching.run),
            Worker("capturing", inbox, self._capturing.run),
            *feeding,
            *(Worker(post.name, inbox, post.run) for post in self._notices.posts),
        ]

    def _hands(self) -> Hands:
        return Hands(
            took=self._took,
            ticked=self._ticked,
            judge=self._judging.put,
            resync=self._asking.resync,
            hold=lambda on: self._capturing.hold(on=on),
            show=self._telling.show,
            forget=self._telling.forget,
            spoken=self._spoken,
            enforce=self._hooking.want,
            reload=self._reload,
        )

    def _ordered(self, told: Told) -> tuple[Transition, ...]:
        """An order from the control socket, which is there before the daemon is."""
        return self._daemon.ordered(told)

    def _took(self, event: Any) -> None:
        """The engine is about to take an event."""
        self._telling.took(event)
        if isinstance(event, ConfigLoaded):
            self._hooking.heard(event.files)

    def _spoken(self, command: Command) -> None:
        """Something is in the journal, or there is an alarm."""
        self._telling.spoken(command)
        if isinstance(command, Announce):
            self._judging.kept(command)

    def _parts(self) -> dict[str, Any]:
        return self._health.parts()

    def _networkml(self) -> Mapping[str, str]:
        return self._judges.networkml()

    def _past_of(self, mac: str) -> dict[str, Any] | None:
        """How much is known of how a device was; asked when the pasts are open."""
        return self._pasts.summary(mac)

    def _capture(self, order: CaptureOrder) -> tuple[Capturing, Watching]:
        """The capture, and who takes its stream; nothing is open yet."""
        settings, inbox, find = self._settings, self._inbox, self._engine.registry.get
        watching = Watching(self._judges.parameters, inbox)
        capturing = Capturing(order, lambda: compose.trace_files(settings, find), inbox, watching)
        self._open.callback(capturing.release)
        return capturing, watching

    def _open_outside(self) -> None:
        """Open what needs privileges: interface and control socket; then be nobody special.

        No file of ours is open yet. They stand in folders of ``run.user``, who may have put links
        there for root to follow.
        """
        settings, inbox = self._settings, self._inbox
        account = find_account(settings.run.user) if settings.run.user is not None else None
        service = EngineService(
            inbox,
            self._engine,
            self._parts,
            self._projecting,
            Decisions(self._engine, self._ordered, now),
            self._past_of,
        )
        self._server = ControlServer(
            settings.control.socket,
            answers(service),
            group=settings.control.group,
            owner=None if account is None else account.uid,
        )
        self._open.callback(self._server.stop)
        self._telling.server = self._server
        self._capturing.open_interface()
        folders = (settings.run.state, self._places.captures)
        for folder in folders:
            make_folder(account, folder)
        if account is not None:
            compose.import_early(settings)
            drop(account, keep_raw=True)
            for folder in folders:
                check_owned(account, folder)

    def _remember(self) -> None:
        """Open the captures' folder, and take up what an earlier run left."""
        opened = self._capturing.open()
        memory = remember(self._places.store, self._places.journal, opened.kept)
        if memory.problem is not None:
            log.warning("the store cannot tell what was known: %s", memory.problem)
        if memory.anew is not None:
            self._inbox.put_now(ev.Noticed("store", memory.anew))
        unjudged = left(self._places.captures, opened.kept, memory.judged)
        for event in (memory.restored, *opened.recovered, *unjudged):
            self._inbox.put_now(event)  # however many: nobody takes them out yet

    def _feeding(self, parameters: pika.ConnectionParameters | None) -> list[Worker]:
        """What brings Faucet's events, and what hands them on."""
        settings, inbox = self._settings, self._inbox
        if settings.faucet.events == "none":
            return []
        if settings.faucet.events == "rabbitmq":
            if parameters is None:
                raise SettingsError("faucet.events: rabbitmq needs broker.url")
            return [Worker("feed", inbox, BrokerFeeding(parameters, inbox, log.info).run)]
        raw: Callable[[bytes], None] = _nobody
        if parameters is not None and settings.broker.republish:
            self._republisher = Republisher(parameters, told=log.info)
            raw = self._republisher.publish
        return [Worker("feed", inbox, SocketFeeding(settings.faucet.socket, inbox, raw).run)]

    def _watching_hook(self) -> list[Worker]:
        """What writes our include; nothing does where there is no Faucet to speak of."""
        if self._settings.faucet.events == "none":
            return []
        return [Worker("hooking", self._inbox, self._hooking.run)]

    def _beginning(self) -> str:
        """What the log says first."""
        settings = self._settings
        models = ", ".join(model.manifest.name for model in self._judges.models)
        flows = ", ".join(f"{r}={m.manifest.name}" for r, m in self._judges.flows.items())
        models += f"; models of flows: {flows}" * bool(flows)
        broker = "no broker" if self._sending is None else f"broker {self._sending.address}"
        return (
            f"watching {settings.capture.iface} in windows of {settings.capture.rotate_time:g} s;"
            f" models: {models}; files in {settings.run.state}; {broker}"
        )

    def _ticked(self) -> None:
        """Every second; what costs more, every ten."""
        self._ticks += 1
        seconds = self._notifier.watchdog_seconds
        if seconds is not None and self._ticks % max(1, int(seconds / 3)) == 0:
            self._notifier.alive()
        if self._metrics is not None:
            self._health.measure(self._metrics)
            if self._ticks % _COUNT_TICKS == 0:
                self._telling.count()

    def _reload(self) -> None:
        """Use what changed in the settings; what needs a new start is said."""
        self._notifier.reloading(time.monotonic_ns())
        try:
            fresh = self._reread()
            found = load_judges(fresh)
        except HaliaError as error:
            log.error("the settings are kept as they were: %s", error)  # noqa: TRY400 - theirs
        else:
            self._judges = found
            self._judging.use(found)
            self._watching.use(found.parameters)
            self._engine.use(compose.engine_options(fresh))
            self._ruling.use(fresh.policy.file)
            later = ", ".join(sorted(compose.needs_restart(self._begun_with, fresh)))
            self._settings = fresh
            log.info("the settings were read again%s", f"; after a restart: {later}" * bool(later))
        self._notifier.ready(f"watching {self._settings.capture.iface}")

    def _end(self) -> None:
        """Finish all captures, judge them, say it, go."""
        log.info("ending: %s", self._daemon.stopped_by)
        for name in ("ruling", "feed", "hooking", "capturing", "watching", "asking"):
            self._stop(name, meanwhile=lambda: self._daemon.turn(0))
        self._judge_the_rest()
        self._daemon.take(ev.Ending())
        self._daemon.say("stopped", why=self._daemon.stopped_by)
        self._daemon.flush()
        if len(self._daemon.keeper):
            log.error("%d entries could not be kept", len(self._daemon.keeper))
        if self._sending is not None and (rest := self._sending.publisher.stop(_BROKER_SECONDS)):
            log.warning("%d messages wait in the spool for the next start", rest)
        if self._republisher is not None:
            self._republisher.stop(_BROKER_SECONDS)
        for post in self._notices.posts:
            self._stop(post.name)
        self._stop("store")

    def _judge_the_rest(self) -> None:
        end = time.monotonic() + JUDGE_SECONDS
        while (len(self._judging) or len(self._inbox)) and time.monotonic() < end:
            self._daemon.turn(0.1)
        self._stop("judging")
        while self._daemon.turn(0):
            pass
        if left := self._judging.finish():
            log.warning("%d captures are left for the next start", left)

    def _stop(self, name: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """End a thread; it may ask the main thread something, or wait for room in the inbox."""
        end = time.monotonic() + _STOP_SECONDS
        for worker in self._workers:
            if worker.name != name:
                continue
            while not (ended := worker.stop(_LOOK_SECONDS)) and time.monotonic() < end:
                meanwhile()
            if not ended:
                log.warning("%s has not ended in time", name)


def name_in(path: Path, mac: str) -> str | None:
    """What a device calls itself in its capture."""
    return names_in(path).get(mac)


def _nobody(line: bytes) -> None:
    """Nobody wants the events that we read."""
    del line
