"""The probe, begun when it is needed and begun anew when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugin.app.proving import AGAIN_SECONDS, Probed, Proving, Read
from plugin.errors import PeerError
from plugin.faucet.flows import Flow, Query
from tests.fabric import Clock, Fabric

ADDRESS = "127.0.0.1:6654"


@pytest.fixture
def fabric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fabric:
    one = Fabric(tmp_path / "faucet.yaml")
    one.rules = [{"in_port": 1, "dl_src": "a", "cookie": 7, "actions": {"allow": 0}}]
    monkeypatch.setattr("plugin.app.proving.Probe", one.probe)
    return one


def test_flows_of_those_that_answer(fabric: Fabric) -> None:
    proving = Proving(ADDRESS, Clock())
    read = proving.read([1, 2])
    assert read.probing
    assert set(read.flows) == {1}
    assert read.silent == {2: "it has not called our probe"}
    assert read.cookies() == {7}
    fabric.natives = {1: 100}
    assert len(proving.read([1]).flows[1]) == 1
    assert len(proving.read([1], table=None).flows[1]) == 2
    assert proving.ports({1: "sw1", 2: "sw2"}) == {"sw1": ()}


def test_without_an_address_nothing_is_read(fabric: Fabric) -> None:
    proving = Proving(None, Clock())
    assert not proving.wanted
    assert proving.read([1]) == Read()
    assert proving.ports({1: "sw1"}) == {}
    assert proving.problem is None
    assert fabric.reads == 0


def test_a_dead_probe_is_begun_anew_after_a_while(fabric: Fabric) -> None:
    clock = Clock()
    proving = Proving(ADDRESS, clock)
    fabric.probing = False
    assert not proving.read([1]).probing
    told = proving.problem
    assert told == "probe: does not answer"
    fabric.probing = True
    assert not proving.read([1]).probing  # it is not asked at each turn
    clock.now += AGAIN_SECONDS
    assert proving.read([1]).probing
    assert proving.problem is None
    proving.close()
    assert proving.read([1]).probing


def test_it_says_how_many_switches_call_it(fabric: Fabric) -> None:
    clock = Clock()
    proving = Proving(ADDRESS, clock)
    assert proving.probed == Probed(ADDRESS, 0, None)
    proving.ready()
    assert proving.probed == Probed(ADDRESS, 1, None)
    fabric.probing = False
    proving.ready()
    assert proving.probed == Probed(ADDRESS, 0, "probe: does not answer")
    assert Proving(None, clock).probed == Probed(None, 0, None)


def test_it_is_ready_before_it_is_asked(fabric: Fabric, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    monkeypatch.setattr(fabric, "start", lambda: started.append(1))
    monkeypatch.setattr(fabric, "datapaths", lambda: (1,))
    proving = Proving(ADDRESS, Clock())
    proving.ready()
    proving.ready()
    assert proving.read([1]).probing
    assert len(started) == 1
    Proving(None, Clock()).ready()
    assert len(started) == 1


def test_a_switch_that_does_not_answer_holds_up_nobody(
    fabric: Fabric, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, asked = Clock(), []
    proving = Proving(ADDRESS, clock)

    def flows(query: Query) -> tuple[Flow, ...]:
        asked.append(query.dp_id)
        raise PeerError("no answer within 4 s", where="probe")

    real = fabric.flows
    monkeypatch.setattr(fabric, "flows", flows)
    for _ in range(3):
        read = proving.read([1])
        assert read.probing
        assert read.silent == {1: "no answer within 4 s"}
    assert asked == [1]
    monkeypatch.setattr(fabric, "flows", real)
    clock.now += AGAIN_SECONDS
    assert proving.read([1]).cookies() == {7}


def test_ports_of_a_switch_that_fails_are_left_out(
    fabric: Fabric, monkeypatch: pytest.MonkeyPatch
) -> None:
    proving = Proving(ADDRESS, Clock())

    def ports(dp_id: int) -> Any:
        raise PeerError(f"{dp_id} is silent", where="probe")

    monkeypatch.setattr(fabric, "ports", ports)
    assert proving.ports({1: "sw1"}) == {}
    assert proving.read([1]).silent == {1: "1 is silent"}
