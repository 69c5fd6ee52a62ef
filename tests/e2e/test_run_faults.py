"""`halia run` in a network whose parts fail: nothing that was said is lost, nothing is said twice.

An independent reader has a durable queue bound to both exchanges. Faucet, RabbitMQ and Halia are
killed and started again; at the end its messages, the journal and the captures must agree.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.clock import now
from plugin.broker.message import (
    POSEIDON_EXCHANGE,
    POSEIDON_KEY,
    VERDICT_EXCHANGE,
    VERDICT_KEY,
    Message,
    message_id,
    poseidon_refuses,
)
from plugin.broker.spool import Spool, SpoolFullError
from plugin.capture.rotate import ident_of, mac_of
from plugin.lab import Lab, parse_topology
from plugin.offline.read import read_capture
from plugin.records import mac_text
from tests.labs import CONTROLLER, need_lab, python, wait_for
from tests.runs import Consumer, HaliaRun, Received, install
from tests.services import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPOLOGY = """
name: faults
gateway: 10.0.0.1
vlans:
  office: {vid: 100}
switches:
  sw1:
    dp_id: 1
    ports:
      1: {host: anna, vlan: office}
      2: {host: ben, vlan: office}
      3: {host: www, vlan: office}
      4: {host: outside, tagged: [office]}
      5: {host: col, collector: true}
hosts:
  anna: {address: 10.0.0.11/24, profile: workstation}
  ben: {address: 10.0.0.12/24, profile: workstation}
  www: {address: 10.0.0.13/24, profile: web server}
  outside:
    vlan: office
    address: 10.0.0.1/24
    addresses: [198.51.100.80/32, 203.0.113.25/32]
    profile: outside
  col:
"""
BAD = "ben"
URL = "amqp://127.0.0.1:25672/"
CAP_NET_RAW = 1 << 13
"""All that is left of root's rights: an interface that was away must be opened again."""
ROTATION = 5
"""Seconds: capture.rotate_time of the tests' runs."""
KILLS = 2
"""Of Halia at each awkward moment."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need_lab(rabbit=True)
    with Lab(parse_topology(TOPOLOGY), controller=CONTROLLER, rabbit=True) as lab:
        install(lab)
        yield lab


@contextmanager
def read_by(lab: Lab, folder: Path, queue: str) -> Iterator[Consumer]:
    with Consumer(lab, folder, queue) as reader:
        yield reader


def mac(lab: Lab, host: str) -> str:
    return next(h.mac for h in lab.topology.hosts if h.name == host)


def senders(folder: Path) -> set[tuple[str, str]]:
    """MAC and name of the finished captures whose device sent something."""
    found = set()
    for path in folder.glob("trace_*.pcap"):
        device = mac_of(ident_of(path.name) or "")
        assert device is not None
        rows = read_capture(path).macs
        if any(mac_text(row["mac"].tobytes()) == device and row["tx_packets"] for row in rows):
            found.add((device, path.name))
    return found


def once(messages: list[Received]) -> dict[str, Received]:
    """The messages by id: one that came twice says the same twice."""
    found: dict[str, Received] = {}
    for one in messages:
        assert found.setdefault(one.id, one) == one, "one id, two messages"
    return found


def agree(run: HaliaRun, reader: Consumer) -> None:
    """Captures, journal and messages tell the same, once each, when all has ended."""
    run.verified()
    entries = {one.body["message_id"]: one.body for one in run.entries("verdict")}
    findings = {one.body["message_id"]: one.body for one in run.entries("finding")}
    assert len(entries) == len(run.entries("verdict")), "a capture was judged twice"
    wait_for(lambda: {*entries, *findings} <= {m.id for m in reader.verdicts()}, "all verdicts")
    about = {(body["mac"], body["capture"]) for body in entries.values()}
    assert about == senders(run.captures)
    wanted = {message_id("poseidon", *one) for one in about}
    wait_for(lambda: wanted <= {m.id for m in reader.messages()}, "Poseidon's messages")

    received = once([m for m in reader.messages() if m.key != "filler"])
    ours = {m.id: m for m in received.values() if m.exchange == VERDICT_EXCHANGE}
    assert {m.key for m in ours.values()} == {VERDICT_KEY}
    of_captures = {i: m for i, m in ours.items() if m.document["kind"] == "capture"}
    assert {i: m.document for i, m in of_captures.items()} == {
        i: body["verdict"] for i, body in entries.items()
    }
    for one, body in findings.items():
        assert ours[one].document == body["verdict"]

    poseidon = [m for m in received.values() if m.exchange == POSEIDON_EXCHANGE]
    assert {m.key for m in poseidon} == {POSEIDON_KEY}
    assert {m.id for m in poseidon if m.document["data"]} == wanted
    for message in poseidon:
        assert poseidon_refuses(message.document) is None
    ended = {m.document["file_path"].rpartition("/")[2] for m in poseidon if not m.document["data"]}
    assert ended == {capture for _, capture in about}


def test_no_verdict_is_lost_or_doubled_whatever_is_killed(lab: Lab, tmp_path: Path) -> None:
    broker = {"url": URL}
    with (
        read_by(lab, tmp_path, "faults") as reader,
        HaliaRun(lab, tmp_path / "run", broker=broker) as run,
    ):
        run.start()
        wait_for(lambda: reader.kinds("capture"), "the first verdict", 60)
        lab.turn_bad(BAD, "scan")
        wait_for(lambda: reader.kinds("finding"), "a finding", 60)
        found = reader.kinds("finding")[0].document
        assert found["mac"] == mac(lab, BAD)
        behaviour = found["anomaly"]["behaviour"][0]["name"]

        lab.signal("faucet", signal.SIGKILL)
        judged = len(reader.kinds("capture"))
        wait_for(lambda: not run.status()["feed"]["connected"], "a feed that has ended")
        wait_for(lambda: len(reader.kinds("capture")) > judged, "verdicts without Faucet", 60)
        lab.start_daemon("faucet")
        wait_for(lambda: run.status()["feed"]["connected"], "Faucet's feed", 60)
        lab.calm(BAD)

        for _ in range(KILLS):
            kill_after(run, "capture")
            kill_after(run, "spool")
        broker_restarted(lab, run, reader)
        judged = len(reader.kinds("capture"))
        wait_for(lambda: len(reader.kinds("capture")) > judged, "verdicts as before", 60)
        run.stop()
        agree(run, reader)
        told = [
            one["name"]
            for message in reader.kinds("capture")
            if message.document["mac"] == mac(lab, BAD)
            for one in message.document["anomaly"]["behaviour"]
        ]
        assert behaviour in told
        assert not list((run.state / "spool").glob("*.torn"))


def kill_after(run: HaliaRun, what: str) -> None:
    """Kill Halia as soon as a capture is finished, or a message is in the spool; start it again."""
    spool, before = run.state / "spool", run.finished()

    def reached() -> bool:
        if what == "capture":
            return bool(run.finished() - before)
        return any(path.stat().st_size for path in spool.glob("spool-*.bin"))

    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end, f"no {what} to kill Halia at"
    run.kill()
    run.start()


def broker_restarted(lab: Lab, run: HaliaRun, reader: Consumer) -> None:
    """Kill the broker; kill Halia meanwhile, with verdicts in its spool."""
    lab.signal("rabbitmq", signal.SIGKILL)
    times = reader.times
    wait_for(lambda: run.status()["broker"]["waiting"] >= 3, "verdicts in the spool", 60)
    run.kill()
    run.start()
    waiting = run.status()["broker"]["waiting"]
    assert waiting >= 3
    # Poseidon's exchange does not outlive its broker, nor do bindings to it: what is published
    # before its readers are back is nobody's. So Halia stands still until this one is.
    with run.stopped():
        lab.start_daemon("rabbitmq")
        reader.bound(times + 1)
    wait_for(lambda: run.status()["broker"]["connected"], "the broker", 60)


def fill(folder: Path, room: int) -> None:
    """Fill a spool: not even a small message finds room."""
    size = room // 16
    with Spool(folder, max_bytes=room) as spool:
        while size > 8:
            body = json.dumps({"kind": "filler", "text": "x" * size}).encode()
            number = len(spool)
            try:
                spool.put(Message(VERDICT_EXCHANGE, "filler", f"filler {number}", body))
            except SpoolFullError:
                size //= 2


def test_a_full_spool_holds_captures_and_loses_nothing(lab: Lab, tmp_path: Path) -> None:
    room = 1 << 20
    broker = {"url": URL, "spool": str(room)}
    with (
        read_by(lab, tmp_path, "full") as reader,
        HaliaRun(lab, tmp_path / "run", broker=broker) as run,
    ):
        lab.signal("rabbitmq", signal.SIGKILL)
        fill(run.state / "spool", room)
        run.start()
        wait_for(lambda: "held" in run.alarms(), "an alarm: the spool is full", 60)
        wait_for(lambda: late(run), "captures that are overdue", 60)
        assert run.status()["holding"] is True
        finished = run.finished()
        assert finished
        assert not run.entries("verdict")
        run.kill()  # what waits in its memory goes with it
        run.start()
        wait_for(lambda: run.alarms().count("held") == 2, "the alarm again", 60)
        assert run.finished() >= finished
        size = sum(path.stat().st_size for path in (run.state / "spool").iterdir())
        assert size <= room
        with run.stopped():
            lab.start_daemon("rabbitmq")
            reader.bound(2)
        wait_for(lambda: "resumed" in run.alarms(), "an end of the alarm", 60)
        judged = len(run.entries("verdict"))
        wait_for(lambda: len(run.entries("verdict")) > judged, "verdicts as before", 60)
        run.stop()
        assert finished <= {one.body["capture"] for one in settled(run)}
        agree(run, reader)


def late(run: HaliaRun) -> bool:
    """Tell whether an open file is twice as old as any should be: its name tells since when."""
    stamps = (path.name.partition(".")[0][-19:] for path in run.captures.glob("*.part"))
    begun = [time.mktime(time.strptime(stamp, "%Y-%m-%d_%H_%M_%S")) for stamp in stamps]
    return bool(begun) and now() - min(begun) > 2 * ROTATION


def settled(run: HaliaRun) -> list[Any]:
    """The entries that say what became of a capture."""
    return [*run.entries("verdict"), *run.entries("unjudged")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_without_a_broker_and_as_nobody_lines_and_journal_tell_the_same(lab: Lab) -> None:
    nobody = pwd.getpwnam("nobody")
    with open_folder() as folder, HaliaRun(lab, folder / "run", run={"user": "nobody"}) as run:
        run.start()
        status = Path(f"/proc/{run.running.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert set(fields["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(fields["Gid"].split()) == {str(nobody.pw_gid)}
        assert fields["Groups"].split() == []
        assert {int(fields[f"Cap{one}"], 16) for one in ("Eff", "Prm")} == {CAP_NET_RAW}
        assert {int(fields[f"Cap{one}"], 16) for one in ("Inh", "Amb")} == {0}
        wait_for(lambda: run.said("capture"), "a verdict", 60)
        run.stop()
        run.start()  # as root again, among files that are nobody's
        run.stop()
        run.verified()
        said = {json.dumps(one, sort_keys=True) for one in run.said("capture")}
        kept = [json.dumps(e.body["verdict"], sort_keys=True) for e in run.entries("verdict")]
        assert sorted(said) == sorted(kept)
        assert {e.body["capture"] for e in run.entries("verdict")} == {
            name for _, name in senders(run.captures)
        }
        files = [run.state, *run.state.rglob("*")]
        assert {path.stat().st_uid for path in files} == {nobody.pw_uid}
        assert [e.body["why"] for e in run.entries("stopped")] == ["SIGTERM", "SIGTERM"]


def test_a_wrong_reload_changes_nothing_and_a_second_run_is_refused(
    lab: Lab, tmp_path: Path
) -> None:
    with HaliaRun(lab, tmp_path / "run") as run:
        run.start()
        second = run.begin()
        assert second.wait(60) == 2
        assert "Traceback" not in run.log.read_text()
        (refusal,) = [line for line in run.log.read_text().splitlines() if "halia: " in line]
        assert str(run.socket) in refusal
        assert run.status()["pid"]

        right = run.config.read_text()
        run.config.write_text("mirror: {ignore_vlans: [100]}\ncapture: {rotate_tme: 5s}\n")
        run.running.send_signal(signal.SIGHUP)
        wait_for(lambda: "kept as they were" in run.log.read_text(), "a refusal", 30)
        assert "rotate_time" in run.log.read_text()
        wait_for(lambda: run.said("capture"), "a verdict by the old settings", 60)
        assert not any(one["state"] == "ignored" for one in run.ask("devices"))

        run.config.write_text(right)
        run.settings["mirror"] = {"ignore_vlans": [100]}
        run.configure()
        run.running.send_signal(signal.SIGHUP)
        wait_for(lambda: "were read again" in run.log.read_text(), "a reload", 30)
        wait_for(
            lambda: [one["state"] for one in run.ask("devices") if one["dp"]].count("ignored") >= 3,
            "devices that are ignored",
        )
        run.stop()


RELAY = """
    # Does what Faucet's adapter does beside Poseidon: hands each event on, by way of RabbitMQ.
    import socket, sys, time
    import pika
    place, url = sys.argv[1:]
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.exchange_declare("topic_recs", "topic")
    print("ready", flush=True)
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as faucet:
                faucet.connect(place)
                for line in faucet.makefile("rb"):
                    channel.basic_publish("topic_recs", "FAUCET.Event", line)
        except OSError:
            pass
        time.sleep(0.05)
"""


def test_events_come_by_way_of_rabbitmq(lab: Lab, tmp_path: Path) -> None:
    assert lab.amqp_url is not None
    feed = {"events": "rabbitmq", "socket": "/nowhere", "page": "http://127.0.0.1:9/"}
    with HaliaRun(lab, tmp_path / "run", faucet=feed, broker={"url": URL}) as run:
        relay = python(RELAY, str(lab.event_socket), lab.amqp_url)
        with lab.start(None, relay, stdout=subprocess.PIPE) as one:
            assert one.popen.stdout is not None
            assert one.popen.stdout.readline() == "ready\n"
            run.start()
            wait_for(lambda: run.status()["feed"]["connected"], "a feed")
            lab.signal("faucet", signal.SIGKILL)
            lab.start_daemon("faucet")
            hosts = {h.mac for h in lab.topology.hosts if h.addresses}

            def all_learned() -> bool:
                known = {d["mac"] for d in run.ask("devices") if d["dp"] == "sw1" and d["learned"]}
                return known >= hosts

            wait_for(all_learned, "all hosts by their events", 60)
            assert run.status()["feed"]["garbage"] == 0
        run.stop()
        about = {e.body["mac"] for e in run.entries("device")}
        assert about >= hosts
