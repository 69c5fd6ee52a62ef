"""The real faucetconfrpc writes for Halia: a host is isolated, moved, and freed by it.

Frames are numbered and counted where they arrive, outside of Halia.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from plugin.faucet.hook import INCLUDE
from plugin.faucet.meaning import meaning
from plugin.lab import Lab, parse_topology
from plugin.lab.beside import PROBE
from plugin.lab.hooked import install
from tests.checker import environment
from tests.e2e.test_hooking import BACK, BESIDE, FRAMES, OUT, arrive, isolation, told
from tests.e2e.test_isolation_orders import commands, isolate, passes
from tests.hookers import hooker
from tests.labs import CONTROLLER, need_lab, wait_for
from tests.numbered import TOPOLOGY, network
from tests.rpc import confrpc
from tests.runs import HaliaRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.hookers import Hooker
    from tests.numbered import Net
    from tests.rpc import Rpc

NO_PID = 2**22 + 1
"""Of no process: Faucet cannot be signalled, and looks at its files by itself."""
ALL = {OUT: FRAMES, BACK: FRAMES, BESIDE: FRAMES}
ALONE = {OUT: 0, BACK: 0, BESIDE: FRAMES}


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    with network(tmp_path_factory.mktemp("seen"), beside=True) as made:
        made.halia("install")
        made.lab.call(PROBE)
        made.settle()
        yield made


@pytest.fixture(scope="module")
def rpc(net: Net, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rpc]:
    with confrpc(net.lab, tmp_path_factory.mktemp("confrpc")) as made:
        yield made


def test_a_host_is_isolated_and_freed(net: Net, rpc: Rpc) -> None:
    include = net.lab.faucet_yaml.parent / INCLUDE
    came, gone = [], []
    with hooker(net.lab, rpc.words(), writable=False) as one:
        for action in ("block", "quarantine", "block"):
            came.append(one.isolate(isolation(net, "h1", 7, action)))
            assert "#" not in include.read_text(), "it was not the server who wrote it"
            assert net.macs["h1"] in include.read_text()
            assert arrive(net, OUT, BACK, BESIDE) == ALONE
            gone.append(one.release(gone=7))
            assert arrive(net, OUT, BACK, BESIDE) == ALL
        _refuses_to_move(net, one)
    for stage in ("written", "loaded", "proven"):
        told(f"confrpc and SIGHUP: wanted to {stage}", [getattr(c, stage) for c in came])
    told("confrpc and SIGHUP: wanted to proven free", gone)


def _refuses_to_move(net: Net, one: Hooker) -> None:
    """The way back could not be kept; who else is isolated is isolated all the same."""
    since = one.want(isolation(net, "h1", 7, "revlan:halia_quarantine"), isolation(net, "h2", 8))
    proven = one.until(since, lambda said: said["report"]["proven"] == [8], "the other's proof")
    ((cookie, why),) = proven["refused"]
    assert cookie == 7
    assert "its way back is kept beside faucet.yaml" in why
    assert proven["problem"] is None
    one.release(gone=8)


def test_a_port_is_moved_and_moved_back(net: Net, rpc: Rpc) -> None:
    root = net.lab.faucet_yaml
    before = root.read_text()
    with hooker(net.lab, rpc.words()) as one:
        for _ in range(2):
            time.sleep(1.0)
            came = one.isolate(isolation(net, "h1", 7, "revlan:halia_quarantine"))
            print(f"a port moved: {came}")
            assert "#" not in root.read_text(), "it was not the server who wrote it"
            assert arrive(net, OUT, BACK, BESIDE) == ALONE
            print(f"a port moved back: {one.release(gone=7):.2f} s")
            assert meaning(root.read_text()) == meaning(before)
            net.settle()
            assert arrive(net, OUT, BACK, BESIDE) == ALL


def test_what_another_client_sets_is_kept_and_put_right(net: Net, rpc: Rpc) -> None:
    include = net.lab.faucet_yaml.parent / INCLUDE
    with hooker(net.lab, rpc.words()) as one:
        one.isolate(isolation(net, "h1", 7))
        ours = meaning(include.read_text())
        writes = [said for said in one.said if "report" in said][-1]["shown"]["writes"]
        other = f"# mine\n{ours}"
        include.write_text(other)  # the same in another form
        net.lab.reload()
        time.sleep(2.0)
        assert include.read_text() == other
        began, since = time.monotonic(), len(one.said)
        harm = include.read_text().replace(net.macs["h1"], "02:00:00:00:00:99")
        rpc.ask(INCLUDE, harm)
        net.lab.reload()
        wait_for(lambda: meaning(include.read_text()) == ours, "a repair")
        print(f"another client's words were put right after {time.monotonic() - began:.2f} s")
        # Faucet may have loaded the other's words meanwhile, and loads ours now.
        wait_for(lambda: arrive(net, OUT, BACK, BESIDE) == ALONE, "frames that stop again")
        mended = one.until(since, lambda said: said["report"]["proven"] == [7], "a proof")
        time.sleep(1.0)
        assert arrive(net, OUT, BACK, BESIDE) == ALONE
        assert mended["shown"]["writes"] <= writes + 1
        (kept,) = rpc.kept.iterdir()
        assert meaning(kept.read_text()) == meaning(harm)
        assert any(str(kept) in text for said in one.said for text in said.get("told", ()))
        one.release(gone=7)
    assert arrive(net, OUT) == {OUT: FRAMES}


def test_a_socket_in_its_folder_is_named_and_nothing_else_changes(net: Net, rpc: Rpc) -> None:
    place = net.lab.faucet_yaml.parent / "event.sock"
    mine, other = isolation(net, "h1", 7), isolation(net, "h3", 8)
    with hooker(net.lab, rpc.words()) as one:
        one.isolate(mine)
        with socket.socket(socket.AF_UNIX) as events:
            events.bind(str(place))
            since = one.want(mine, other)
            problem = one.until(since, lambda said: bool(said["problem"]), "a problem")["problem"]
        assert f"localhost:59999: SetConfigFile {INCLUDE}: cannot copy {place}" in problem
        assert "FAUCET_EVENT_SOCK" in problem
        assert arrive(net, OUT, BESIDE) == {OUT: 0, BESIDE: FRAMES}
        place.unlink()
        one.until(since, lambda said: said["report"]["proven"] == [7, 8], "both proven")
        assert passes(net, "h1", "h3")
        since = one.want()
        one.until(since, lambda said: said["report"]["absent"] == [7, 8], "both free")
    assert arrive(net, OUT, BESIDE) == {OUT: FRAMES, BESIDE: FRAMES}


def test_halia_run_writes_by_it(net: Net, rpc: Rpc, tmp_path: Path) -> None:
    faucet = {"probe": PROBE, "environment": str(environment())}
    with HaliaRun(net.lab, tmp_path / "run", faucet=faucet, isolation=rpc.settings()) as run:
        halia = commands(net, run)
        run.start()
        net.settle()
        isolate(net, halia, "h2")
        assert passes(net, "h2")
        shown = _shown(run)
        assert shown["adapter"] == "confrpc"
        assert "faucetconfrpc writes" in shown["takes"]
        code, out, err = halia("release", net.macs["h2"], "--reason", "it was a test", "--yes")
        assert code == 0, out + err
        assert passes(net)
        key = rpc.of.client.key.read_text().splitlines()[1]
        run.stop()
        said = [run.log, run.out, *(one for one in run.journal.rglob("*") if one.is_file())]
        assert not any(key.encode() in one.read_bytes() for one in said)


def _shown(run: HaliaRun) -> dict[str, Any]:
    """Find what the writer shows in what ``halia status`` says."""
    found: list[Any] = [run.status()]
    while found:
        one = found.pop()
        if isinstance(one, dict):
            if {"adapter", "takes"} <= one.keys():
                return one
            found += one.values()
        elif isinstance(one, list):
            found += one
    pytest.fail("no writer is shown")


def test_where_faucet_cannot_be_signalled_it_looks_by_itself(tmp_path: Path) -> None:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    need_lab()
    topology = parse_topology(TOPOLOGY.format(port="", vlan=""))
    mac = next(host.mac for host in topology.hosts if host.name == "h1")
    mine = {"mac": mac, "cookie": 7, "action": "block", "place": ["sw1", 1, 100]}
    came, gone = [], []
    with Lab(topology, controller=CONTROLLER, activity=False, stat_reload=True) as lab:
        install(lab, "--mirror", "none")
        lab.call(PROBE)
        with confrpc(lab, tmp_path) as made, hooker(lab, made.words(NO_PID)) as one:
            for _ in range(3):
                came.append(one.isolate(mine))
                time.sleep(1.0)
                gone.append(one.release(gone=7))
                time.sleep(1.0)
    told("confrpc and stat: wanted to proven", [one.proven for one in came])
    told("confrpc and stat: wanted to proven free", gone)
    assert max(one.proven for one in came[1:]) <= 10.0
