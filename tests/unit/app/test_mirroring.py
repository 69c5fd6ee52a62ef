"""The mirror looked after in a thread, on files as an installation leaves them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from plugin.app import mirroring
from plugin.app.inbox import Asked, Inbox
from plugin.app.mirroring import Mirroring
from plugin.app.worker import Worker
from plugin.engine import events as ev
from plugin.errors import PeerError
from plugin.faucet.flows import Flow, PortCounters, Query
from plugin.faucet.hook import Options
from plugin.faucet.mirror import MirrorSettings
from plugin.faucet.reach import Spot
from plugin.offline.faucet import install, read_place
from tests.apps import PATIENCE
from tests.unit.offline.test_faucet import ACLS, TEXT, planned, running

if TYPE_CHECKING:
    from collections.abc import Iterator

MAC = "02:00:00:00:00:01"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "acls.yaml").write_text(ACLS)
    (tmp_path / "faucet.yaml").write_text(TEXT)
    return tmp_path / "faucet.yaml"


PLAIN = """
vlans:
  office: {vid: 100}
dps:
  sw1:
    dp_id: 1
    hardware: Open vSwitch
    interfaces:
      1: {native_vlan: office}
      2: {native_vlan: office}
      9: {output_only: true}
"""


@contextmanager
def looked_after(
    config: Path,
    spots: list[Spot],
    monkeypatch: pytest.MonkeyPatch,
    *,
    probe: str | None = None,
    **settings: Any,
) -> Iterator[tuple[Mirroring, Inbox]]:
    monkeypatch.setattr(mirroring, "TURN_SECONDS", 0.02)
    inbox = Inbox()
    wanted = MirrorSettings(**settings)
    one = Mirroring(config, running(), probe, lambda: wanted, inbox, lambda: spots)
    worker = Worker("mirroring", inbox, one.run)
    worker.start()
    try:
        yield one, inbox
    finally:
        worker.stopping.set()
        answer(inbox, 0.1)
        assert worker.stop(PATIENCE)


def answer(inbox: Inbox, timeout: float = PATIENCE) -> list[Any]:
    """Be the main thread for a moment: answer what is asked, give the rest."""
    found = []
    for item in inbox.take(timeout):
        if isinstance(item, Asked):
            item.answer.set_result(item.question())
        else:
            found.append(item)
    return found


def until(inbox: Inbox, kind: type) -> Any:
    while True:
        for item in answer(inbox):
            if isinstance(item, kind):
                return item


def test_what_is_wrong_with_the_hook_is_told_at_each_turn(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looked_after(config, [], monkeypatch) as (_, inbox):
        assert "not installed" in until(inbox, ev.Covered).problems[0]
        assert install(*planned(config), running()).written
        while until(inbox, ev.Covered).problems:
            pass
        config.unlink()
        while not (gone := until(inbox, ev.Covered)).problems:
            pass
    assert str(config) in gone.problems[0]


def test_whom_the_mirror_does_not_show_is_told(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(*planned(config), running())
    nowhere = Spot(MAC, "sw1", 4711, 100)
    with looked_after(config, [nowhere], monkeypatch) as (one, inbox):
        found = until(inbox, ev.Mirrored)
        assert found.uncovered == {MAC: "sw1 port 4711 is not in faucet.yaml"}
        assert one.plan is not None
    with looked_after(config, [nowhere], monkeypatch, ignore_vlans=frozenset({100})) as (_, inbox):
        assert until(inbox, ev.Mirrored).ignored == {MAC}


def test_files_that_did_not_change_are_not_read_again(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(*planned(config), running())
    read: list[Path] = []

    def counted(path: Path) -> Any:
        read.append(path)
        return read_place(path)

    monkeypatch.setattr("plugin.app.mirroring.read_place", counted)
    with looked_after(config, [], monkeypatch) as (_, inbox):
        for _ in range(3):
            until(inbox, ev.Mirrored)
        assert len(read) == 1
        os.utime(config, (1, 1))
        while len(read) < 2:
            until(inbox, ev.Mirrored)


def test_a_budget_without_a_probe_is_a_problem(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(*planned(config), running())
    with looked_after(config, [], monkeypatch, budget=1e6) as (one, inbox):
        problems = until(inbox, ev.Covered).problems
        assert any("mirror.budget is set, but everything is mirrored" in p for p in problems)
        assert one.problem == "faucet.probe is not set: no port is measured"


class Switches:
    """A probe whose switches hold the flows with these cookies, or do not answer."""

    there: ClassVar[set[int]] = set()
    away = False

    def __init__(self, *, host: str, port: int) -> None:
        assert (host, port) == ("127.0.0.1", 6654)

    def start(self) -> None:
        if self.away:
            raise PeerError("does not answer", where="probe")

    def close(self) -> None:
        pass

    def datapaths(self) -> tuple[int, ...]:
        return (1, 4711)

    def ports(self, dp_id: int) -> tuple[PortCounters, ...]:
        assert dp_id == 1
        return ()

    def flows(self, query: Query) -> tuple[Flow, ...]:
        assert query.dp_id == 1
        return tuple(Flow(0, 1, cookie, {}, 0, 0, None, (), None) for cookie in self.there)


def test_watches_are_read_back_from_the_switches(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "Probe", Switches)
    monkeypatch.setattr(mirroring, "PROVEN_SECONDS", 0.05)
    config.write_text(PLAIN)
    install(*planned(config, Options(mode="none")), running())
    spots = [Spot(MAC, "sw1", 1, 100)]
    looking = looked_after(config, spots, monkeypatch, probe="127.0.0.1:6654", budget=1e9)
    with looking as (one, inbox):
        while not any("at no switch" in p for p in until(inbox, ev.Covered).problems):
            pass
        assert one.plan is not None
        Switches.there = {rule.cookie for rule in one.plan.stages.watches}
        assert len(Switches.there) == 1
        while any("at no switch" in p for p in until(inbox, ev.Covered).problems):
            pass
        assert one.problem is None


def test_a_probe_that_does_not_answer_is_begun_anew(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "Probe", Switches)
    monkeypatch.setattr(Switches, "away", True)
    config.write_text(PLAIN)
    install(*planned(config, Options(mode="none")), running())
    looking = looked_after(config, [], monkeypatch, probe="127.0.0.1:6654", budget=1e9)
    with looking as (one, inbox):
        until(inbox, ev.Mirrored)
        assert one.problem == "probe: does not answer"
        Switches.away = False
        while one.problem is not None:
            until(inbox, ev.Mirrored)
