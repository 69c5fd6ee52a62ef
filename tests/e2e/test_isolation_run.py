"""``halia run`` with a policy: a host turns bad, its frames stop, others' go on, and it is freed.

Frames are numbered, and counted where they arrive, outside of Halia. What was decided is the same
in the journal, on standard output and at the broker.
"""

from __future__ import annotations

from contextlib import contextmanager
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from plugin.faucet.hook import INCLUDE
from plugin.lab.beside import PROBE
from tests.checker import environment
from tests.labs import wait_for
from tests.numbered import COPIES, PLAIN, Sent, network
from tests.runs import Consumer, HaliaRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.numbered import Net

URL = "amqp://127.0.0.1:25672/"
BAD, ASIDE = "h1", ("h2", "h3", "outside")
SECONDS = 45.0
"""How long the isolation lasts: Halia is killed and started again meanwhile."""
POLICY = f"""\
halia-policy: 1
learning: 0
rules:
  - name: scanners
    match: {{behaviours: [vertical-scan, horizontal-scan]}}
    action: block
    mode: enforce
    duration: {SECONDS:.0f}s
    grace: 5s
    reason: It scanned the network.
"""
STEPS = ["isolating", "isolated", "isolating", "isolated", "releasing", "released", "over"]
"""Halia comes back in the middle: what stood is wanted on, and proven anew."""


def arrived(net: Net) -> dict[tuple[str, str], int]:
    """Send frames between all hosts; count by sender and receiver what arrives."""
    hosts = (BAD, *ASIDE)
    sent = net.send([Sent(a, b, PLAIN) for a in hosts for b in hosts if a != b] * COPIES)
    last = max(net.send([Sent("h3", "h2", PLAIN)]))
    wait_for(lambda: last in net.seen("h2"), "the last frame")
    found: dict[tuple[str, str], int] = {}
    seen = {host: net.seen(host) for host in hosts}
    for number, one in sent.items():
        pair = one.source, one.to
        found[pair] = found.get(pair, 0) + seen[one.to][number]
    return found


def expected(*, isolated: bool) -> dict[tuple[str, str], int]:
    hosts = (BAD, *ASIDE)
    pairs = [(a, b) for a in hosts for b in hosts if a != b]
    return {pair: 0 if isolated and BAD in pair else COPIES for pair in pairs}


def states(run: HaliaRun) -> list[str]:
    return [one.body["case"]["state"] for one in run.entries("decision")]


def device(run: HaliaRun, mac: str) -> dict[str, Any]:
    (found,) = [one for one in run.ask("devices") if one["mac"] == mac]
    return found


def reached(run: HaliaRun, wanted: list[str]) -> Callable[[], bool]:
    """Whether so much was decided: nothing else may have been before."""

    def whether() -> bool:
        found = states(run)
        assert found == wanted[: len(found)], found
        return found == wanted

    return whether


def turns_bad(net: Net) -> None:
    net.lab.turn_bad(BAD, "scan", target="h2", rate=50)


@contextmanager
def hooked(folder: Path, *, rabbit: bool = False) -> Iterator[Net]:
    """The network with the hook, whose switch lets itself be read; unhurt at the end."""
    with network(folder, beside=True, rabbit=rabbit) as net:
        assert net.halia("install")["loaded"] is True
        net.hooked(True)
        net.lab.call(PROBE)
        include = net.lab.faucet_yaml.parent / INCLUDE
        untouched = include.read_bytes()
        yield net
        assert include.read_bytes() == untouched


def test_a_host_turns_bad_is_isolated_by_policy_and_comes_back(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    made = {
        "broker": {"url": URL},
        "faucet": {"probe": PROBE, "environment": str(environment())},
    }
    with hooked(tmp_path, rabbit=True) as net:
        with HaliaRun(net.lab, tmp_path / "bare", **made) as run:
            nobody_without_a_policy(net, run)
        made["policy"] = {"file": str(policy)}
        with (
            Consumer(net.lab, tmp_path, "decisions") as reader,
            HaliaRun(net.lab, tmp_path / "run", **made) as run,
        ):
            run.start()
            isolated_also_after_a_kill(net, run)
            wait_for(reached(run, STEPS), "the end of it", SECONDS + 60)
            net.settle()
            assert arrived(net) == expected(isolated=False)
            assert device(run, net.macs[BAD])["state"] != "isolated"
            wait_for(lambda: len(reader.kinds("decision")) >= len(STEPS), "all at the broker", 60)
            run.stop()
            told_alike(net, run, reader)


def test_an_isolation_of_a_lost_journal_is_kept_until_a_new_policy_protects_its_device(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    made = {
        "policy": {"file": str(policy)},
        "faucet": {"probe": PROBE, "environment": str(environment())},
    }
    with hooked(tmp_path) as net, HaliaRun(net.lab, tmp_path / "run", **made) as run:
        run.start()
        net.settle()
        turns_bad(net)
        wait_for(reached(run, STEPS[:2]), "an isolation that is proven", 60)
        net.lab.calm(BAD)
        run.kill()
        rmtree(run.state)
        run.start()
        wait_for(reached(run, STEPS[:2]), "the isolation that was found, proven", 60)
        assert {one.body["case"]["origin"] for one in run.entries("decision")} == {"found"}
        assert "orphan" in run.alarms()
        assert arrived(net) == expected(isolated=True)

        policy.write_text("rules: not a policy\n", encoding="utf-8")
        wait_for(lambda: "policy" in run.alarms(), "the alarm", 60)
        assert arrived(net) == expected(isolated=True)
        protects = f"protect: {{macs: ['{net.macs[BAD]}']}}\n"
        policy.write_text(POLICY + protects, encoding="utf-8")
        wait_for(reached(run, [*STEPS[:2], "releasing", "released"]), "its release", 90)
        assert "protected" in run.alarms()
        net.settle()
        assert arrived(net) == expected(isolated=False)
        run.stop()
        run.verified()


def nobody_without_a_policy(net: Net, run: HaliaRun) -> None:
    """A fresh install isolates nobody, whatever its devices do."""
    run.start()
    net.settle()
    turns_bad(net)
    wait_for(lambda: run.said("finding"), "the scan to be seen", 60)
    assert arrived(net) == expected(isolated=False)
    net.lab.calm(BAD)
    run.stop()
    assert states(run) == []


def isolated_also_after_a_kill(net: Net, run: HaliaRun) -> None:
    net.settle()
    assert states(run) == []
    turns_bad(net)
    wait_for(reached(run, STEPS[:2]), "an isolation that is proven", 60)
    net.lab.calm(BAD)
    assert arrived(net) == expected(isolated=True)
    shown = device(run, net.macs[BAD])
    assert shown["state"] == "isolated"
    assert "block by rule scanners" in shown["why"]
    run.kill()
    assert arrived(net) == expected(isolated=True)
    run.start()
    wait_for(reached(run, STEPS[:4]), "the isolation proven again", 60)
    assert arrived(net) == expected(isolated=True)


def told_alike(net: Net, run: HaliaRun, reader: Consumer) -> None:
    """Journal, standard output and broker tell the same, and why."""
    bad, steps = net.macs[BAD], run.entries("decision")
    assert {one.body["case"]["mac"] for one in steps} == {bad}
    begun, ended = steps[0].body["case"], steps[4].body["case"]
    assert begun["rule"] == "scanners"
    assert begun["evidence"]
    assert SECONDS <= ended["changed"] - begun["changed"] < SECONDS + 10
    told = [one.document for one in reader.kinds("decision")]
    assert [(one["state"], one["mac"]) for one in told] == [(state, bad) for state in STEPS]
    assert [one["state"] for one in run.said("decision")] == STEPS
    run.verified()
