"""A whole run on a network of the test's own: from its settings to its last word."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.clock import now
from plugin.app.run import Run
from plugin.app.worker import Worker
from plugin.audit.chain import Entry
from plugin.audit.journal import entries
from plugin.broker.spool import Spool
from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.engine.commands import Judge
from plugin.errors import HaliaError, SettingsError
from plugin.events import ConfigLoaded, LoadedFile
from plugin.store.state import Store
from tests import frames as f
from tests import networks
from tests.apps import PATIENCE, settings
from tests.labs import wait_for
from tests.rabbit import free_ports
from tests.unit.faucet.test_event import LEARN, line
from tests.unit.faucet.test_transport import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from plugin.settings import Settings

A, B = f.A.hex(":"), f.B.hex(":")
TALK = f.ethernet(f.ipv4(f.tcp(1, 2, f.ACK, b"payload"), 6), src=f.A, dst=f.B)
ANSWER = f.ethernet(f.ipv4(f.tcp(2, 1, f.ACK, b"payload"), 6), src=f.B, dst=f.A)


class World:
    """The folder, the wire and a Faucet of one run after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.control = folder / "control" / "halia.sock"
        self.said: list[Mapping[str, Any]] = []
        self.errors: list[BaseException] = []

    def settings(self, text: str = "", **flags: Any) -> Settings:
        given = {
            "capture__iface": networks.MIRROR,
            "capture__min_free": 0,
            "capture__ring": 1 << 20,
            "control__socket": self.control,
            "faucet__socket": self.folder / "faucet.sock",
            "faucet__config": self.folder / "faucet.yaml",
            "faucet__page": "http://127.0.0.1:1",
        }
        return settings(self.folder, text, **(given | flags))

    def run(
        self, story: Callable[[], None], found: Settings | None = None, reread: Any = None
    ) -> None:
        """Run until a story is told; it is ended by SIGTERM."""
        found = found or self.settings()
        run = Run(found, reread or (lambda: found), self.said.append)

        def tell() -> None:
            try:
                story()
            except BaseException as error:  # noqa: BLE001 - the test raises it
                self.errors.append(error)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        teller = threading.Thread(target=tell)
        teller.start()
        with kept_signals():
            run.work()
        teller.join()
        for error in self.errors:
            raise error

    def ask(self, what: str, **arguments: Any) -> list[dict[str, Any]]:
        return ask(self.control, Request(ask=what, arguments=arguments), PATIENCE)

    def device(self, mac: str) -> dict[str, Any]:
        found = self.ask("device", key=mac)
        return found[0] if found else {}

    def entries(self, *kinds: str) -> list[Entry]:
        found = [one for one in entries(self.folder / "journal") if isinstance(one, Entry)]
        return [one for one in found if not kinds or one.kind in kinds]

    def hear_both(self) -> None:
        """Frames of two devices, until both are known."""
        networks.send(*[TALK, ANSWER] * 10)
        wait_for(lambda: self.device(A).get("mirrored"), "device A")
        wait_for(lambda: self.device(B).get("mirrored"), "device B")


@contextmanager
def kept_signals() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:  # a story may end before the run has begun
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with networks.own_network():
        yield World(tmp_path)


def test_from_faucets_event_to_the_verdict(world: World) -> None:
    with serve(world.folder / "faucet.sock") as server:

        def story() -> None:
            with server.accept()[0] as faucet:
                learn = {**LEARN, "eth_src": A, "l3_src_ip": "10.0.0.1"}
                faucet.sendall(line(1, now(), L2_LEARN=learn))
                wait_for(lambda: world.device("10.0.0.1"), "the device")
                world.hear_both()
                assert world.device(A)["dp"] == "sw1"
                (status,) = world.ask("status")
                assert status["feed"]["connected"]
                assert status["capture"]["connected"]
                assert status["devices"]["total"] == 2
                assert status["broker"] is None

        world.run(story)
    verdicts = world.entries("verdict")
    assert {one.body["mac"] for one in verdicts} == {A, B}
    assert {one["mac"] for one in world.said if one["kind"] == "capture"} == {A, B}
    kinds = [one.kind for one in world.entries()]
    assert (kinds[0], kinds[-1]) == ("started", "stopped")
    assert world.entries("stopped")[0].body == {"why": "SIGTERM"}
    assert [one.body["mac"] for one in world.entries("device")] == [A]
    assert not world.control.exists()
    assert not list((world.folder / "captures").glob("*.part"))
    last = world.entries()[-1].number
    with Store(world.folder / "state.sqlite") as store:
        assert store.position() == last


def test_a_new_run_knows_what_the_last_one_did_and_judges_what_it_left(world: World) -> None:
    with serve(world.folder / "faucet.sock") as server:

        def first() -> None:
            with server.accept()[0] as faucet:
                faucet.sendall(line(1, now(), L2_LEARN={**LEARN, "eth_src": A}))
                wait_for(lambda: world.device(A), "the device")
                world.hear_both()

        world.run(first)
    assert len(world.entries("verdict")) == 2
    left = "trace_020000000077_2023-11-14_22_13_20.pcap"
    frame = f.ethernet(f.ipv4(f.udp(1, 2), 17), src=bytes.fromhex("020000000077"))
    (world.folder / "captures" / left).write_bytes(f.pcap(f.Frame(1_700_000_000 * f.SECOND, frame)))

    def second() -> None:
        known = wait_for(lambda: world.device(A), "the device")
        assert (known["captures"], known["dp"]) == (1, "sw1")
        assert known["role"] is not None
        wait_for(lambda: len(world.entries("verdict")) == 3, "the verdict on what was left")

    world.run(second)
    assert [one.body["capture"] for one in world.entries("verdict")].count(left) == 1
    assert len(world.entries("verdict")) == 3
    assert len(world.entries("started")) == len(world.entries("stopped")) == 2


def test_what_the_broker_cannot_have_now_waits_in_the_spool(world: World) -> None:
    text = f"broker: {{url: 'amqp://127.0.0.1:{free_ports(1)[0]}/'}}\nfaucet: {{events: none}}\n"
    world.run(world.hear_both, world.settings(text))
    with Spool(world.folder / "spool", max_bytes=1 << 30) as spool:
        waiting = [kept.message for kept in spool.waiting()]
    assert len(waiting) == 6  # of two devices: for everyone, for Poseidon, and its end mark
    assert {one.body["message_id"] for one in world.entries("verdict")} <= {
        one.message_id for one in waiting
    }


def test_figures_are_served(world: World) -> None:
    (port,) = free_ports(1)

    def page() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as found:
            return str(found.read().decode())

    def story() -> None:
        world.hear_both()
        wait_for(lambda: "halia_capture_frames_total 20.0" in page(), "the figures")

    world.run(story, world.settings(metrics__listen=f"127.0.0.1:{port}", faucet__events="none"))


def test_settings_are_read_again_and_wrong_ones_are_not_used(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "halia")
    first = world.settings(faucet__events="none")
    results: list[Any] = [
        SettingsError("model: there is no model xyz"),
        world.settings(
            "mirror: {ignore_vlans: [100]}\n", faucet__events="none", capture__rotate_time=60.0
        ),
    ]

    def reread() -> Settings:
        found = results.pop(0)
        if isinstance(found, SettingsError):
            raise found
        assert found is not None
        return found  # type: ignore[no-any-return] # a list of both

    def story() -> None:
        world.hear_both()
        os.kill(os.getpid(), signal.SIGHUP)
        wait_for(lambda: "kept as they were" in caplog.text, "the first word")
        os.kill(os.getpid(), signal.SIGHUP)
        wait_for(lambda: "read again" in caplog.text, "the second word")

    world.run(story, first, reread)
    assert "there is no model xyz" in caplog.text
    assert "after a restart: capture.rotate_time" in caplog.text


POLICY = "halia-policy: 1\nlearning: 0\nrules: []\n"


def test_a_changed_policy_is_used_and_a_wrong_one_is_told_and_not(world: World) -> None:
    file, other = world.folder / "policy.yaml", world.folder / "other.yaml"
    file.write_text(POLICY, encoding="utf-8")
    other.write_text(POLICY + "allow: [dhcp]\n", encoding="utf-8")
    settings = [world.settings(faucet__events="none", policy__file=one) for one in (file, other)]

    def story() -> None:
        wait_for(lambda: world.entries("policy"), "the first policy")
        file.write_text("halia-policy: 1\nrulez: []\n", encoding="utf-8")
        (alarm,) = wait_for(lambda: world.entries("alarm"), "the alarm")
        assert alarm.body["alarm"] == "policy"
        assert "policy.yaml:2:1" in alarm.body["text"]
        file.write_text(POLICY + "caps: {devices: 3}\n", encoding="utf-8")
        wait_for(lambda: len(world.entries("policy")) == 2, "the second policy")
        os.kill(os.getpid(), signal.SIGHUP)
        wait_for(lambda: len(world.entries("policy")) == 3, "the other file")

    world.run(story, settings[0], lambda: settings[1])
    found = world.entries("policy")
    assert [one.body["source"] for one in found] == [str(file), str(file), str(other)]
    assert len({one.body["digest"] for one in found}) == 3
    assert [one.body["alarm"] for one in world.entries("alarm")] == ["policy", "policy_ok"]


def test_what_is_wrong_ends_it_before_it_begins_and_leaves_nothing_open(world: World) -> None:
    (world.folder / "halia.yaml").touch()
    for text, flags, match in (
        ("", {"capture__iface": "no-such-nic"}, "no-such-nic"),
        ("", {"model": "no-such-model"}, "no-such-model"),
        ("", {"run__user": "no-such-user"}, "no-such-user"),
        ("control: {group: no-such-group}\n", {}, "no-such-group"),
        ("", {"policy__file": Path("no-such-policy.yaml")}, "no-such-policy"),
        ("", {"metrics__listen": "192.0.2.1:1"}, "nothing can listen"),
    ):
        before = set(Path("/proc/self/fd").iterdir())
        with pytest.raises(HaliaError, match=match):
            Run(world.settings(text, **flags), world.settings)
        assert set(Path("/proc/self/fd").iterdir()) == before, match
        assert not world.control.exists()


def test_a_second_run_in_the_same_folder_is_refused(world: World) -> None:
    refused: list[str] = []

    def story() -> None:
        wait_for(lambda: world.ask("status"), "the first")
        with pytest.raises(HaliaError) as error:
            Run(world.settings(faucet__events="none"), world.settings)
        refused.append(str(error.value))

    world.run(story, world.settings(faucet__events="none"))
    assert str(world.folder) in refused[0]
    assert len(world.entries("started")) == 1


def test_captures_are_judged_before_it_ends_however_long_that_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(world.settings(faucet__events="none"), world.settings)
    judge = run._judging.judge

    def slowly(order: Judge) -> Any:
        time.sleep(0.7)
        return judge(order)

    monkeypatch.setattr(run._judging, "judge", slowly)
    networks.send(TALK, ANSWER)
    with kept_signals():
        killer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
        killer.start()
        run.work()
        killer.join()
    assert [one.kind for one in world.entries()] == ["started", "verdict", "verdict", "stopped"]


def test_threads_that_ask_something_at_the_end_are_answered(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(world.settings(faucet__events="none"), world.settings)
    answers: list[Any] = []

    def asks_last(stopping: threading.Event) -> None:
        stopping.wait()
        answers.append(run._inbox.ask(lambda: len(run._engine), PATIENCE))

    run._workers.append(Worker("hooking", run._inbox, asks_last))
    with kept_signals():
        killer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
        killer.start()
        run.work()
        killer.join()
    assert answers == [0]
    assert "not ended in time" not in caplog.text


def test_what_faucet_has_loaded_reaches_the_writer(world: World) -> None:
    run = Run(world.settings(faucet__events="none"), world.settings)
    files = (LoadedFile(path="faucet.yaml", sha256="aa"),)
    run._inbox.put(ConfigLoaded(time=1.0, dp_id=0, dp_name="", event_id=1, files=files))
    with kept_signals():
        killer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
        killer.start()
        run.work()
        killer.join()
    assert run._hooking._bringing._files == files


def test_a_mistake_of_ours_ends_it_with_that_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(world.settings(faucet__events="none"), world.settings)

    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run._judging, "judge", broken)
    networks.send(TALK)
    with kept_signals():
        killer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM))
        killer.start()
        with pytest.raises(ZeroDivisionError):
            run.work()
        killer.join()
    assert not world.control.exists()
