"""Proof by the flows of a real switch, that Faucet filled, read by the probe."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plugin.actions import Action, Isolation, Place
from plugin.faucet.flows import Flow, flow_of
from plugin.faucet.ground import Ground, ground
from plugin.faucet.hook import INCLUDE, PRIMING_MAC, render
from plugin.faucet.install import Journal
from plugin.faucet.isolate import lay
from plugin.faucet.journal import read_journal
from plugin.faucet.proof import Proof, proof
from plugin.faucet.revlan import RevlanPlan, plan_revlans
from plugin.offline.faucet import JOURNAL
from tests.grounds import SERVICES
from tests.labs import python, wait_for
from tests.numbered import Net, network

READ = """
    import json, sys
    from plugin.errors import PeerError
    from plugin.faucet.flows import Query
    from plugin.faucet.probe import Probe
    with Probe() as probe:
        for line in sys.stdin:
            try:
                found = {"flows": [f._asdict() for f in probe.flows(Query(1))]}
            except PeerError as error:
                found = {"error": str(error)}
            print(json.dumps(found), flush=True)
"""
PORTS = {"h1": 1, "h2": 2, "h3": 3, "outside": 5}


class Prover:
    """Writes our include as it should be, and reads what the switch made of it."""

    def __init__(self, net: Net, program: subprocess.Popen[str]) -> None:
        self.net = net
        self._program = program
        self.folder = net.lab.faucet_yaml.parent
        self.journal: Journal = read_journal((self.folder / JOURNAL).read_text())
        self.ones: tuple[Isolation, ...] = ()

    @property
    def ground(self) -> Ground:
        """What the files say now."""
        return ground(self.net.lab.faucet_yaml.read_text(), {}, self.journal)

    def one(self, cookie: int, host: str, **action: Any) -> Isolation:
        """An isolation of a host."""
        return Isolation(
            cookie=cookie,
            mac=self.net.macs[host],
            action=Action(**action),
            place=Place("sw1", PORTS[host], 100),
            addresses=("fe80::1", "10.0.0.11"),
        )

    def write(self, *ones: Isolation, edit: Callable[[str], str] = str) -> None:
        """Have Faucet load what isolates these."""
        self.ones = ones
        laid = lay(ones, self.ground)
        assert laid.refused == {}
        text = edit(render(self.journal.layout, laid.stages, remediation=self.journal.remediation))
        (self.folder / INCLUDE).write_text(text)
        self.net.lab.reload()

    def move(self, *ones: Isolation) -> None:
        """Have ports moved to other VLANs."""
        place = self.net.lab.faucet_yaml
        laid = lay(ones, self.ground)
        plan = plan_revlans(place.read_text(), laid.revlans, self.journal.revlans)
        assert isinstance(plan, RevlanPlan)
        self.ones, self.journal = ones, self.journal._replace(revlans=plan.record)
        place.write_text(plan.new_text)
        self.net.lab.reload()

    def flows(self) -> tuple[Flow, ...]:
        """All flows of the switch; none where it does not answer yet."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write("\n")
        self._program.stdin.flush()
        answer = json.loads(self._program.stdout.readline())
        return tuple(flow_of(one) for one in answer.get("flows", ()))

    def hooked(self) -> bool:
        """Whether the switch has the hook at all ports, and the remediation port's own."""
        return sum(f.match.get("eth_src") == PRIMING_MAC for f in self.flows()) == len(PORTS) + 1

    def proof(self, *released: int) -> Proof:
        """What they prove of what was written last."""
        flows = self.flows()
        return proof(self.ones, self.ground, {1: flows} if flows else {}, released)

    def proven(self, what: str) -> None:
        """Wait until everything is proven."""
        wanted = frozenset(one.cookie for one in self.ones)
        last: list[Proof] = []

        def is_proven() -> bool:
            last[:] = [self.proof()]
            return last[0] == Proof(proven=wanted)

        try:
            wait_for(is_proven, what, 30)
        finally:
            print(what, last)


@contextmanager
def prover(net: Net) -> Iterator[Prover]:
    database = f"--db=unix:{net.lab.folder}/ovs/db.sock"
    target = ['target="tcp:127.0.0.1:6654"', "connection_mode=out-of-band", "max_backoff=1000"]
    create = ["--", "--id=@c", "create", "controller", *target]
    beside = ["--", "add", "bridge", "sw1", "controller", "@c"]
    done = net.lab.run(None, ["ovs-vsctl", database, *create, *beside])
    assert done.returncode == 0, done.stderr
    pipe = subprocess.PIPE
    with net.lab.start(None, python(READ), stdin=pipe, stdout=pipe) as program:
        yield Prover(net, program.popen)


@pytest.mark.parametrize("layout", ["plain", "vlan", "both"])
def test_isolations_are_proven_by_the_switch_and_a_changed_meter_is_found_out(
    tmp_path: Path, layout: str
) -> None:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    port = ", acls_in: [at_port]" * (layout == "both")
    vlan = ", acls_in: [at_vlan]" * (layout in {"vlan", "both"})
    with network(tmp_path, port=port, vlan=vlan) as net:
        net.halia("install", "--remediation", "sw1:3")
        with prover(net) as site:
            wait_for(site.hooked, "the hook at the switch", 60)
            site.proven("nothing")
            block = site.one(1, "h1", kind="block")
            quarantine = site.one(2, "h2", kind="quarantine", allow=SERVICES, redirect=True)
            limit = site.one(3, "outside", kind="limit", rate=500)
            site.write(block, quarantine, limit)
            site.proven("all of them")

            # The meter keeps its name: Faucet says success, and the switch has lost its flows.
            site.write(block, quarantine, limit, edit=lambda t: t.replace("rate: 500", "rate: 900"))
            wait_for(lambda: 3 in site.proof().unproven, "the loss", 30)
            found = site.proof()
            assert found.proven == {1, 2}
            assert "no flow that limits what" in found.unproven[3]

            # Another rate is another name.
            site.write(block, quarantine, site.one(3, "outside", kind="limit", rate=900))
            site.proven("the limit, anew")

            # From harder to milder and back; what was released is gone.
            site.write(site.one(1, "h1", kind="quarantine", allow=SERVICES))
            site.proven("a quarantine of who was blocked")
            wait_for(lambda: site.proof(2, 3).absent == {2, 3}, "those released to be gone", 30)
            site.write(block)
            site.proven("a block of who was quarantined")

            # Moves of ports; the rules of others stay.
            site.write()
            site.proven("nothing any more")
            moved = site.one(4, "h2", kind="revlan", vlan="halia_quarantine")
            assert site.proof().proven == frozenset()
            site.move(moved)
            site.proven("a moved port")
            before = net.lab.faucet_yaml.read_text()
            site.move()
            assert net.lab.faucet_yaml.read_text() != before
            site.ones = (moved,)
            wait_for(lambda: 4 in site.proof().unproven, "the port to be back", 30)
