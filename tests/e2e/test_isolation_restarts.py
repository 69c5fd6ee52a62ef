"""An isolation outlives the death of Halia, Faucet and Open vSwitch, at every awkward moment.

Three moments: *ordered* (the order is taken, nothing is proven yet), *isolated*, *releasing* (the
release is taken, not proven yet). Who reaches whom is seen from the hosts, never asked of Halia:
nobody else is isolated, nobody is forgotten.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from plugin.faucet.hook import INCLUDE
from plugin.lab import Lab, parse_topology
from plugin.lab.beside import PROBE
from plugin.lab.proving import reach
from tests.checker import environment
from tests.labs import CONTROLLER, need_lab, wait_for
from tests.runs import HaliaRun, install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.lab.proving import Reached

TOPOLOGY = """
name: restarts
gateway: 10.0.0.1
vlans:
  office: {vid: 100}
switches:
  sw1:
    dp_id: 1
    ports:
      1: {host: bad, vlan: office}
      2: {host: anna, vlan: office}
      3: {host: www, vlan: office}
      4: {host: col, collector: true}
hosts:
  bad: {address: 10.0.0.11/24}
  anna: {address: 10.0.0.12/24}
  www: {address: 10.0.0.13/24}
  col:
"""
POLICY = {
    "halia-policy": 1,
    "learning": 0,
    "protect": {"macs": ["02:00:00:00:00:fe"]},
    "rules": [],
}
PATIENCE = 60.0
MOMENTS = ("ordered", "isolated", "releasing")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need_lab()
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    topology = parse_topology(TOPOLOGY)
    with Lab(topology, controller=CONTROLLER, activity=False) as lab:
        install(lab)
        lab.call(PROBE)
        yield lab


def begun(lab: Lab, folder: Path) -> HaliaRun:
    folder.mkdir(exist_ok=True)
    rules = folder / "policy.yaml"
    rules.write_text(json.dumps(POLICY))
    faucet = {"probe": PROBE, "environment": str(environment())}
    return HaliaRun(lab, folder / "run", faucet=faucet, policy={"file": str(rules)})


def halia(run: HaliaRun, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "plugin", *words, "--config", str(run.config)]
    done = run.lab.run(None, command, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def mac(lab: Lab, host: str) -> str:
    return lab.topology.host(host).mac


def ping(lab: Lab, one: str, other: str) -> Reached:
    return reach(lab, one, lab.topology.host(other))


def case(run: HaliaRun) -> dict[str, Any] | None:
    """What the daemon shows of the bad host's case."""
    (found,) = [d for d in run.ask("devices") if d["mac"] == mac(run.lab, "bad")]
    shown: dict[str, Any] | None = found["case"]
    return shown


def state(run: HaliaRun) -> str | None:
    found = case(run)
    return None if found is None else found["state"]


NOT_YET = 3
"""Exit code of an order that is taken, and whose effect is still to come."""


def isolate(run: HaliaRun, *, wait: bool = True) -> None:
    words = ["isolate", mac(run.lab, "bad"), "--action", "block", "--for", "20m", "--yes"]
    more = () if wait else ("--timeout", "0")
    code, said = halia(run, *words, "--reason", "restarts", *more)
    assert code == (0 if wait else NOT_YET), said


def release(run: HaliaRun, *, wait: bool = True) -> None:
    more = () if wait else ("--timeout", "0")
    code, said = halia(run, "release", mac(run.lab, "bad"), "--reason", "enough", "--yes", *more)
    assert code == (0 if wait else NOT_YET), said


def is_isolated(lab: Lab) -> bool:
    return ping(lab, "bad", "www").dead


def others_are_free(lab: Lab) -> bool:
    return ping(lab, "anna", "www").alive


def kill_and_begin(run: HaliaRun, whom: str) -> None:
    """Let one of the three die without a last word, and start it again."""
    if whom == "halia":
        run.kill()
        run.start()
        return
    run.lab.signal(whom, signal.SIGKILL)
    run.lab.start_daemon(whom)


@pytest.mark.parametrize("whom", ["halia", "faucet", "switch"])
def test_nobody_is_forgotten_and_nobody_else_is_isolated(
    lab: Lab, tmp_path: Path, whom: str
) -> None:
    with begun(lab, tmp_path) as run:
        run.start()
        for moment in MOMENTS:
            assert ping(lab, "bad", "www").alive, moment
            wait_for(lambda: any(d["mac"] == mac(lab, "bad") for d in run.ask("devices")), "it")
            isolate(run, wait=moment != "ordered")
            if moment == "ordered":
                kill_and_begin(run, whom)
            wait_for(lambda: state(run) == "isolated", f"isolated ({moment})", PATIENCE)
            assert is_isolated(lab), moment
            assert others_are_free(lab), moment
            if moment == "isolated":
                kill_and_begin(run, whom)
                wait_for(lambda: state(run) == "isolated", "isolated again", PATIENCE)
                assert is_isolated(lab)
                assert others_are_free(lab)
            release(run, wait=moment != "releasing")
            if moment == "releasing":
                kill_and_begin(run, whom)
            wait_for(lambda: state(run) in {None, "released", "over"}, f"free ({moment})", PATIENCE)
            assert others_are_free(lab), moment
        wait_for(lambda: ping(lab, "bad", "www").alive, "alive at the end", PATIENCE)
        run.stop()
        run.verified()
        decided = [one.body["case"]["state"] for one in run.entries("decision")]
        assert decided.count("isolated") >= len(MOMENTS)


def test_an_isolation_that_no_journal_knows_is_adopted_and_told(lab: Lab, tmp_path: Path) -> None:
    with begun(lab, tmp_path / "first") as first:
        first.start()
        assert ping(lab, "bad", "www").alive
        wait_for(lambda: any(d["mac"] == mac(lab, "bad") for d in first.ask("devices")), "it")
        isolate(first)
        first.kill()
    include = lab.faucet_yaml.parent / INCLUDE
    before = include.read_text()
    with begun(lab, tmp_path / "second") as second:  # with a journal of its own
        second.start()
        wait_for(lambda: "orphan" in second.alarms(), "an alarm", PATIENCE)
        assert is_isolated(lab)
        assert others_are_free(lab)
        wait_for(lambda: state(second) == "isolated", "an adopted case", PATIENCE)
        found = case(second)
        assert found is not None
        assert found["until"] is not None
        assert mac(lab, "bad") in include.read_text()
        assert mac(lab, "bad") in before
        release(second)
        wait_for(lambda: ping(lab, "bad", "www").alive, "alive again", PATIENCE)
        second.stop()
