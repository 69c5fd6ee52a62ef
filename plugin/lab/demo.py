"""The demo: an office made by chance, Halia on its mirror port, and a host that turns bad.

Without namespaces or Open vSwitch the recorded run is played through the same engine. What
happens comes as records, for whoever shows it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.errors import InputError, LabError, OptionError, PeerError
from plugin.lab import bad as badness
from plugin.lab.beside import MODEL, WINDOW, answers_at, write_settings
from plugin.lab.hooked import install, start_halia
from plugin.lab.isolation import Act, policy
from plugin.lab.lab import Lab
from plugin.lab.offices import office
from plugin.lab.outcome import GADGET, NAMED_WITHIN, NAMES, Outcome, Row
from plugin.lab.record import NO_ROLE
from plugin.ml.behaviour.parameters import BeaconParameters
from plugin.ml.vocabulary import FILE, load_vocabulary
from plugin.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from plugin.lab.running import Running
    from plugin.lab.topology import Topology

BAD_AFTER = 8.0
"""Seconds after the first verdict at which the host turns bad."""
LEAST, LEAST_BAD = 46.0, 76.0
"""Seconds from Halia's start to the end: one window, or two where a host turns bad in the second,
and what it takes to judge them."""
ISOLATION_MORE = 45.0
"""Seconds beyond that in which an isolation may still come to its end."""
READY_SECONDS = 30.0
STOP_SECONDS = 60.0
SEEDS = range(1, 100)
"""Offices that are looked at for one in which a wish can be shown."""


class Wishes(NamedTuple):
    """What is to be shown."""

    seed: int = 1
    bad: str | None = "ben"
    """The host that turns bad; None: none does."""
    kind: str = "scan"
    seconds: float = 0.0
    """From Halia's start to the end; at least as long as it takes to see what is promised."""

    @property
    def patience(self) -> float:
        """Seconds for which the bad host must go on before it can be named."""
        return BeaconParameters().lasting if self.bad and self.kind == "beacon" else 0.0

    @property
    def length(self) -> float:
        """Seconds that it takes."""
        return max(self.seconds, LEAST if self.bad is None else LEAST_BAD + self.patience)


class Step(NamedTuple):
    """Something was done."""

    text: str


class Said(NamedTuple):
    """Halia said something: a verdict, a finding, an alarm."""

    document: Mapping[str, Any]
    host: str | None
    """About whom, if it is about one of the lab's."""


class Seen(NamedTuple):
    """How all devices are now."""

    devices: list[dict[str, Any]]


Happening = Step | Said | Seen | Outcome


def check(wishes: Wishes) -> Topology:
    """Give the office that is to be shown, if all that is wished for can be.

    Raises:
        OptionError: no such host, none that it could turn against, or too short a time.
    """
    topology = _office(wishes.seed, wishes.kind if wishes.bad else None)
    if wishes.bad is not None:
        known = _at_work(topology)
        where = f"--bad {wishes.bad}"
        if wishes.bad not in known:
            raise OptionError(f"no such host; known: {', '.join(known)}", where=where)
        try:
            badness.plan(topology, wishes.bad, wishes.kind)
        except InputError as error:
            raise OptionError(
                f"cannot do '{wishes.kind}' in the office of seed {wishes.seed}: {error.reason}",
                where=where,
                advice="choose another --seed or --bad",
            ) from error
    if wishes.patience and wishes.seconds < wishes.length:
        raise OptionError(
            f"is named only when it has been regular for {wishes.patience:.0f} s (a thermostat"
            f" asks for a minute or two): needs --for {wishes.length:.0f}s or more",
            where=f"--kind {wishes.kind}",
        )
    if 0 < wishes.seconds < wishes.length:
        raise OptionError(
            f"is too short to see what is promised: at least {wishes.length:.0f}s",
            where=f"--for {wishes.seconds:g}s",
        )
    return topology


def _office(seed: int, kind: str | None) -> Topology:
    """The office of a seed, with what a way to be bad needs to be done to."""
    known = badness.KINDS.get(kind or "")
    return office(seed, machines=known.machines if known else 0)


def _at_work(topology: Topology) -> list[str]:
    """Names of the hosts that are judged."""
    return [host.name for host in topology.hosts if host.profile not in {None, *NO_ROLE}]


def first_seed(bad: str | None, kind: str) -> int:
    """Give the first office in which a host can turn bad so; 1 if none is found."""
    if bad is None:
        return SEEDS[0]
    for seed in SEEDS:
        with contextlib.suppress(InputError):
            badness.plan(_office(seed, kind), bad, kind)
            return seed
    return SEEDS[0]


def demo(wishes: Wishes) -> Iterator[Happening]:
    """Show a live network; the outcome comes last, and nothing is left behind.

    Raises:
        OptionError: what is wished for cannot be shown: see :func:`check`.
        LabError: no network can be made here, or a part of it does not work.
    """
    topology = check(wishes)
    with Lab(topology) as lab:
        yield Step(
            f"{topology.name}: a switch, Faucet, {len(_at_work(topology))} hosts at work and a"
            f" router, which is not judged (seed {wishes.seed})"
        )
        installed = install(lab)
        yield Step(f"the hook is in faucet.yaml, and loaded: {_words(installed)}")
        act = Act(lab, wishes.bad)
        rules = policy(topology, None if act.seen is None else act.seen.cast.remedy_address)
        config = write_settings(lab, lab.take_collector(), rules)
        errors = lab.folder / "halia.log"
        with errors.open("w") as log:
            words = ["run", "--json", "--config", str(config)]
            with start_halia(lab, None, words, stderr=log) as program:
                yield from _Stage(lab, wishes, program, errors, act).play(config)


def recorded() -> Iterator[Happening]:
    """Show the recorded run through the same engine; which host turns bad was decided then.

    Raises:
        CaptureError, SettingsError: it does not come with this Halia.
    """
    from plugin.app.replay import Recording, Replay
    from plugin.engine.view import to_document
    from plugin.settings import load_settings

    folder = data_folder("configs") / "recorded"
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    said: list[Mapping[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="halia-demo-") as state:
        flags = {
            "run.state": Path(state),
            "capture.folder": Path(state) / "captures",
            "capture.iface": "recorded",
            "capture.rotate_time": float(WINDOW),
            "model": MODEL,
        }
        recording = Recording(folder / "events.jsonl", folder / "mirror.pcap.xz")
        replay = Replay(recording, load_settings(flags=flags), said.append)
        replay.play()
        devices = [to_document(one) for one in replay.engine.views()]
    hosts = [(one["host"], one["profile"], one["mac"]) for one in about["lab"]["hosts"]]
    names = {mac: name for name, _, mac in hosts}
    for document in said:
        yield Said(document, names.get(document["mac"]))
    yield Seen(devices)
    bad = about["bad"]
    findings = [d for d in said if d["mac"] == bad["mac"] and _names_it(d, bad["kind"])]
    after = _end_of(findings[0]) - bad["time"] if findings else None
    rows = _rows(hosts, devices)
    yield Outcome(rows, bad["host"], after, live=False, kind=bad["kind"])


class _Stage:
    """One live show."""

    def __init__(self, lab: Lab, wishes: Wishes, program: Running, errors: Path, act: Act) -> None:
        self._lab, self._wishes, self._program = lab, wishes, program
        self._errors, self._act = errors, act
        self._hosts = [(host.name, host.profile or "", host.mac) for host in lab.topology.hosts]
        self._names = {mac: name for name, _, mac in self._hosts}
        self._said: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._devices: list[dict[str, Any]] = []
        self._begun = time.monotonic()
        self._first: float | None = None
        self._turned: float | None = None
        self._named: float | None = None

    def play(self, config: Path) -> Iterator[Happening]:
        """From Halia's start to its end."""
        reader = threading.Thread(target=self._read, name="said", daemon=True)
        reader.start()
        yield from self._until_ready()
        while not self._done():
            yield from self._heard(0.5)
            yield from self._perhaps_turn()
            yield self._look()
            yield from map(Step, self._act.step(self._devices, self._named))
        self._program.send_signal(signal.SIGTERM)
        code = self._program.wait(STOP_SECONDS)
        reader.join(STOP_SECONDS)
        yield from self._heard(0.0)
        if code:
            raise LabError(f"halia run ended with {code}: {self._last_words()}", where="demo")
        yield from map(Step, self._act.audit(str(config)))
        after = None
        if self._named is not None and self._turned is not None:
            after = self._named - self._turned
        wishes, rows = self._wishes, _rows(self._hosts, self._devices)
        within = NAMED_WITHIN + wishes.patience
        yield Outcome(
            rows, wishes.bad, after, live=True, within=within, kind=wishes.kind,
            isolation=self._act.seen,
        )  # fmt: skip

    def _done(self) -> bool:
        """Whether all has been seen that was to be, or never will be."""
        lasted = time.monotonic() - self._begun
        return lasted >= self._wishes.length and (
            self._act.over or lasted >= self._wishes.length + ISOLATION_MORE
        )

    def _until_ready(self) -> Iterator[Happening]:
        while True:
            if self._program.poll() is not None:
                raise LabError(f"halia run has ended: {self._last_words()}", where="demo")
            try:
                yield self._look()
            except PeerError as error:
                if time.monotonic() - self._begun > READY_SECONDS:
                    raise LabError(f"halia run does not answer: {error}", where="demo") from error
                time.sleep(0.2)
                continue
            yield Step(f"halia run watches the mirror port; windows of {WINDOW} s, model {MODEL}")
            return

    def _look(self) -> Seen:
        request = Request(id=1, ask="devices", arguments={})
        self._devices = ask(answers_at(self._lab), request)
        return Seen(self._devices)

    def _heard(self, timeout: float) -> Iterator[Said]:
        end = time.monotonic() + timeout
        while True:
            try:
                document = self._said.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return
            now = time.monotonic()
            if document["kind"] == "capture" and self._first is None:
                self._first = now
            about = self._names.get(document["mac"])
            bad = about == self._wishes.bad and _names_it(document, self._wishes.kind)
            if bad and self._turned is not None and self._named is None:
                self._named = now
            yield Said(document, about)

    def _perhaps_turn(self) -> Iterator[Step]:
        wishes = self._wishes
        if wishes.bad is None or self._turned is not None or self._first is None:
            return
        if time.monotonic() - self._first < BAD_AFTER:
            return
        yield from map(Step, self._act.look_before())
        self._turned = time.monotonic()
        plan = self._lab.turn_bad(wishes.bad, wishes.kind)
        yield Step(f"{wishes.bad} turns bad: {plan['kind']}, at {plan['target']}")

    def _read(self) -> None:
        stream = self._program.popen.stdout
        assert stream is not None
        for line in stream:
            self._said.put(json.loads(line))

    def _last_words(self) -> str:
        lines = self._errors.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def _words(installed: Mapping[str, Any]) -> str:
    notes = [note for note in installed["notes"] if note.startswith("all is mirrored")]
    return notes[0] if notes else "all is mirrored"


def _names_it(document: Mapping[str, Any], kind: str) -> bool:
    """Whether it is a finding that calls a way to be bad by its name."""
    if document["kind"] != "finding":
        return False
    return any(found["name"] in NAMES[kind] for found in document["anomaly"]["behaviour"])


def _rows(
    hosts: Iterable[tuple[str, str, str]], devices: Iterable[Mapping[str, Any]]
) -> tuple[Row, ...]:
    find: Callable[[str], Any] = load_vocabulary(data_folder("configs") / FILE).find
    known = {device["mac"]: device for device in devices}
    rows = []
    for host, profile, mac in hosts:
        if profile in {"", *NO_ROLE}:
            continue  # who is outside is the router, which is never judged
        role = None if profile == GADGET else find(profile)
        truth = role.label if role is not None else (None if profile == GADGET else profile)
        rows.append(Row(host, profile, truth, known.get(mac)))
    return tuple(rows)


def _end_of(document: Mapping[str, Any]) -> float:
    from datetime import datetime

    return datetime.fromisoformat(document["window"]["end"]).timestamp()
