"""The writer of our include with a real Faucet and a real switch: what it says is so.

Frames are numbered and counted where they arrive; the writer is told directly whom to isolate.
"""

from __future__ import annotations

import signal
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from plugin.faucet.hook import INCLUDE
from plugin.lab import Lab, parse_topology
from plugin.lab.beside import PROBE
from plugin.lab.hooked import install
from tests.hookers import hooker
from tests.labs import CONTROLLER, need_lab, wait_for
from tests.numbered import EVERYONE, PLAIN, TOPOLOGY, Net, Sent, network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hookers import Came

PORTS = {"h1": 1, "h2": 2, "h3": 3}
REWRITES = 20
FRAMES = 10


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    with network(tmp_path_factory.mktemp("seen")) as made:
        made.halia("install", "--mirror", "none")
        made.lab.call(PROBE)
        made.settle()
        yield made


def isolation(net: Net, host: str, cookie: int, action: str = "block") -> dict[str, Any]:
    place = ["sw1", PORTS[host], 100]
    return {"mac": net.macs[host], "cookie": cookie, "action": action, "place": place}


def stranger(number: int) -> dict[str, Any]:
    """A device that is not there."""
    mac = f"02:00:00:00:77:{number:02x}"
    return {"mac": mac, "cookie": 100 + number, "action": "block", "place": ["sw1", 2, 100]}


def arrive(net: Net, *kinds: Sent) -> dict[Sent, int]:
    """Send some frames of each kind; count those that come to their receivers."""
    sent = net.send([*kinds] * FRAMES)
    last = max(net.send([Sent("h2", "h3", PLAIN)]))
    wait_for(lambda: last in net.seen("h3"), "the last frame")
    seen = {host: net.seen(host) for host in PORTS}
    return {k: sum(seen[k.to][n] for n, one in sent.items() if one == k) for k in kinds}


OUT, BACK, BESIDE = Sent("h1", "h2", PLAIN), Sent("h2", "h1", PLAIN), Sent("h2", "h3", PLAIN)


def told(name: str, values: list[float]) -> None:
    ordered = sorted(values)
    high = ordered[int(len(ordered) * 0.95) - 1] if len(ordered) > 1 else ordered[-1]
    print(f"{name}: median {statistics.median(ordered):.3f} s, p95 {high:.3f} s, n {len(ordered)}")


def test_who_is_proven_isolated_is_and_who_is_proven_free_is(net: Net) -> None:
    with hooker(net.lab) as one:
        for action in ("block", "quarantine"):
            one.isolate(isolation(net, "h1", 7, action))
            assert arrive(net, OUT, BACK, BESIDE) == {OUT: 0, BACK: 0, BESIDE: FRAMES}
            one.release(gone=7)
            assert arrive(net, OUT, BACK, BESIDE) == {OUT: FRAMES, BACK: FRAMES, BESIDE: FRAMES}


def test_nothing_leaks_while_the_include_is_written_again_and_again(net: Net) -> None:
    stopping = threading.Event()
    sent: dict[int, Sent] = {}

    def stream() -> None:
        while not stopping.is_set():
            sent.update(net.send([OUT] * 1000))

    came: list[Came] = []
    mine = isolation(net, "h1", 7)
    with hooker(net.lab) as one:
        one.isolate(mine)
        sender = threading.Thread(target=stream)
        sender.start()
        try:
            for number in range(REWRITES):
                came.append(one.isolate(mine, *map(stranger, range(number % 2))))
                time.sleep(1.0)  # the next one comes after quiet, as most do
        finally:
            stopping.set()
            sender.join()
        assert arrive(net, OUT)[OUT] == 0
        leaked = set(sent) & set(net.seen("h2"))
        print(
            f"{REWRITES} rewrites, {len(sent)} frames of the isolated device, {len(leaked)} leaked"
        )
        for stage in ("written", "loaded", "proven"):
            told(f"wanted to {stage}", [getattr(c, stage) for c in came])
        assert not leaked
        assert statistics.median(c.proven for c in came) <= 1.0
        one.release(gone=7)


def test_what_is_released_is_proven_free(net: Net) -> None:
    released = []
    with hooker(net.lab) as one:
        for _ in range(5):
            one.isolate(isolation(net, "h1", 7))
            time.sleep(1.0)
            released.append(one.release(gone=7))
            assert arrive(net, OUT)[OUT] == FRAMES
            time.sleep(1.0)
    told("wanted to proven free", released)


def test_a_port_is_moved_and_moved_back_to_the_byte(net: Net) -> None:
    text = net.lab.faucet_yaml.read_bytes()
    everyone = Sent("h2", EVERYONE, PLAIN)

    def flooded() -> int:
        sent = net.send([everyone] * FRAMES)
        last = max(net.send([Sent("h2", "h3", PLAIN)]))
        wait_for(lambda: last in net.seen("h3"), "the last frame")
        return len(set(sent) & set(net.seen("h1")))

    with hooker(net.lab) as one:
        one.isolate(isolation(net, "h1", 7, "revlan:halia_quarantine"))
        assert arrive(net, OUT, BACK, BESIDE) == {OUT: 0, BACK: 0, BESIDE: FRAMES}
        assert flooded() == 0
        one.isolate(isolation(net, "h1", 7, "block"))  # the next step of a ladder
        assert net.lab.faucet_yaml.read_bytes() == text
        time.sleep(1.0)
        print("a port moved:", one.isolate(isolation(net, "h1", 7, "revlan:halia_quarantine")))
        time.sleep(1.0)
        print(f"a port moved back: {one.release(gone=7):.2f} s")
        assert net.lab.faucet_yaml.read_bytes() == text
        net.settle()
        assert arrive(net, OUT, BACK) == {OUT: FRAMES, BACK: FRAMES}
        assert flooded() == FRAMES


def test_who_stands_when_the_writer_dies_stays_and_is_reported(net: Net) -> None:
    with hooker(net.lab) as one:
        one.isolate(isolation(net, "h1", 7, "quarantine"))
        one.program.send_signal(signal.SIGKILL)
    assert arrive(net, OUT)[OUT] == 0
    with hooker(net.lab) as one:
        first = next(said for said in one.said if "report" in said)
        assert first["strangers"] == [[net.macs["h1"], "quarantine"]]
        time.sleep(2.0)
        assert arrive(net, OUT)[OUT] == 0  # nobody has said anything yet
        since = one.want()
        one.until(since, lambda said: 7 in said["report"]["absent"], "a stranger's release")
        assert arrive(net, OUT)[OUT] == FRAMES


def test_drift_is_put_right_and_what_others_wrote_is_kept(net: Net) -> None:
    include = net.lab.faucet_yaml.parent / INCLUDE
    with hooker(net.lab) as one:
        one.isolate(isolation(net, "h1", 7))
        ours = include.read_text()
        for harm in ("# mine\nacls: {}\n", ours.replace(net.macs["h1"], "02:00:00:00:00:99"), ""):
            time.sleep(6.0)  # repairs are five seconds apart
            began = time.monotonic()
            since = len(one.said)
            include.write_text(harm)
            net.lab.reload()
            wait_for(lambda: include.read_text() == ours, "a repair")
            repaired = time.monotonic() - began
            one.until(since, _is_proven, "a proof")
            print(f"foreign bytes were put right after {repaired:.2f} s")
            assert arrive(net, OUT)[OUT] == 0
        kept = [file.read_text() for file in include.parent.glob(f"{INCLUDE}.*.kept")]
        assert len(kept) == 2
        one.release(gone=7)


def _is_proven(said: dict[str, Any]) -> bool:
    return bool(said["report"]["proven"] == [7])


def test_a_dead_faucet_changes_nothing_and_is_told(net: Net) -> None:
    with hooker(net.lab) as one:
        one.isolate(isolation(net, "h1", 7))
        net.lab.signal("faucet", signal.SIGKILL)
        since = one.want(isolation(net, "h1", 7), stranger(1))
        told_of = one.until(since, lambda said: said["problem"] is not None, "a problem")
        print(told_of["problem"])
        assert told_of["report"]["loaded"] == [7]
        assert told_of["report"]["proven"] == [7]  # the switch still has its rules
        assert arrive(net, OUT)[OUT] == 0
        net.lab.start_daemon("faucet")
        one.until(since, lambda said: said["report"]["proven"] == [7, 101], "both proven", 90)
        one.release(gone=7)
        net.settle()


def test_where_faucet_looks_at_its_files_by_itself() -> None:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    need_lab()
    topology = parse_topology(TOPOLOGY.format(port="", vlan=""))
    mac = next(host.mac for host in topology.hosts if host.name == "h1")
    mine = {"mac": mac, "cookie": 7, "action": "block", "place": ["sw1", 1, 100]}
    came, gone = [], []
    with Lab(topology, controller=CONTROLLER, activity=False, stat_reload=True) as lab:
        install(lab, "--mirror", "none")
        lab.call(PROBE)
        with hooker(lab, "stat") as one:
            for _ in range(4):
                came.append(one.isolate(mine))
                time.sleep(1.0)
                gone.append(one.release(gone=7))
                time.sleep(1.0)
    told("stat: wanted to proven", [one.proven for one in came])
    told("stat: wanted to proven free", gone)
    assert max(one.proven for one in came[1:]) <= 10.0
