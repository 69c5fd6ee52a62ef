"""Orders of an operator to ``halia run``: isolate, look, release; and release with it dead.

Each command is a process of its own. Frames are numbered and counted outside of Halia.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from plugin.faucet.hook import INCLUDE
from plugin.lab.beside import PROBE
from tests.checker import environment
from tests.labs import wait_for
from tests.numbered import COPIES, PLAIN, Sent, network
from tests.runs import HaliaRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.numbered import Net

    Halia = Callable[..., tuple[int, str, str]]

HOSTS = ("h1", "h2", "h3", "outside")


def passes(net: Net, *isolated: str) -> bool:
    """Whether frames pass between all hosts but those."""
    pairs = [(a, b) for a in HOSTS for b in HOSTS if a != b]
    sent = net.send([Sent(a, b, PLAIN) for a, b in pairs] * COPIES)
    open_pairs = [(a, b) for a, b in pairs if not {a, b} & set(isolated)]
    last = max(net.send([Sent(*open_pairs[-1], PLAIN)]))
    wait_for(lambda: last in net.seen(open_pairs[-1][1]), "the last frame")
    seen = {host: net.seen(host) for host in HOSTS}
    arrived = {(one.source, one.to) for number, one in sent.items() if seen[one.to][number]}
    return arrived == set(open_pairs)


def commands(net: Net, run: HaliaRun) -> Halia:
    """Give what runs a command with the run's settings: exit code, output, errors."""

    def halia(*words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "plugin", *words, "--config", str(run.config)]
        done = net.lab.run(None, command, timeout=120)
        return done.returncode, done.stdout, done.stderr

    return halia


def test_orders_by_hand_and_a_release_while_halia_is_dead(tmp_path: Path) -> None:
    faucet = {"probe": PROBE, "environment": str(environment())}
    with network(tmp_path, beside=True) as net:
        assert net.halia("install")["loaded"] is True
        net.hooked(True)
        net.lab.call(PROBE)
        include = net.lab.faucet_yaml.parent / INCLUDE
        untouched = include.read_bytes()
        with HaliaRun(net.lab, tmp_path / "run", faucet=faucet) as run:
            halia = commands(net, run)
            run.start()
            net.settle()
            assert passes(net)
            isolated_and_released(net, halia)
            assert include.read_bytes() == untouched
            for host in ("h1", "h2"):
                isolate(net, halia, host)
            assert passes(net, "h1", "h2")
            denied_while_it_lives(run, halia)
            run.kill()
            assert passes(net, "h1", "h2")
            released_without_it(net, halia)
            assert passes(net)
            assert include.read_bytes() == untouched
            run.start()
            net.settle()
            assert passes(net)
            assert {one["state"] for one in cases(halia)} <= {"released"}
            assert include.read_bytes() == untouched
            run.verified()


def isolate(net: Net, halia: Halia, host: str) -> dict[str, Any]:
    words = ["--action", "block", "--for", "1h", "--reason", f"a test of {host}"]
    code, out, err = halia("isolate", net.macs[host], *words, "--yes", "--timeout", "30")
    assert code == 0, out + err
    assert "isolated; proven: read back from every hooked port" in out
    assert "still reach it" in err, "floods are said"
    (case,) = [one for one in cases(halia) if one["mac"] == net.macs[host]]
    assert (case["state"], case["proof"], case["origin"]) == ("isolated", "proven", "operator")
    return case


def cases(halia: Halia) -> list[dict[str, Any]]:
    code, out, err = halia("decisions", "list", "--json")
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def isolated_and_released(net: Net, halia: Halia) -> None:
    case = isolate(net, halia, "h1")
    assert passes(net, "h1")
    code, out, _ = halia("devices", "show", net.macs["h1"])
    assert code == 0
    assert f"decision    case {case['number']}, block: it is isolated" in out
    assert "proof       proven" in out
    assert halia("decisions", "extend", str(case["number"]), "--for", "2h", "--reason", "x")[0] == 0
    code, out, err = halia("release", net.macs["h1"], "--reason", "it was a test", "--yes")
    assert code == 0, out + err
    assert "released; proven: no switch has a rule about it any more" in out
    assert passes(net)
    code, out, _ = halia("audit", "show", net.macs["h1"])
    assert code == 0
    states = ["begins as isolating", "isolating -> isolated", "isolated -> releasing",
              "releasing -> released"]  # fmt: skip
    found = [state for state in states if state in out]
    assert found == states
    assert "it was a test" in out
    assert " config " not in out
    lines = halia("audit", "show", net.macs["h1"], "--diffs")[1].splitlines()
    assert sum(f"{INCLUDE} written" in line for line in lines) == 2
    assert any(line.startswith("    +") and net.macs["h1"] in line for line in lines)


def denied_while_it_lives(run: HaliaRun, halia: Halia) -> None:
    elsewhere = str(run.folder / "nobody.sock")
    words = ["--all", "--reason", "x", "--yes", "--anyway", "--socket", elsewhere]
    code, _, err = halia("release", *words)
    assert code == 4
    assert "a Halia that lives would isolate them again" in err


def released_without_it(net: Net, halia: Halia) -> None:
    words = ["--all", "--reason", "it is three in the morning", "--yes", "--timeout", "60"]
    code, out, err = halia("release", *words)
    assert code == 0, out + err
    assert "proven: no switch has a rule about it any more" in out
    assert "cases ended in the journal: 2" in out
    assert all(net.macs[host] in out for host in ("h1", "h2"))
    code, out, _ = halia("audit", "show", net.macs["h2"], "--diffs")
    assert "everybody let out without the daemon" in out
    assert any(line.startswith("    -") and net.macs["h2"] in line for line in out.splitlines())
