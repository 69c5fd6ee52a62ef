"""The writer of our include, turn by turn, on files as an installation leaves them."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from plugin.actions import Action, Isolation, Place, Report, Service
from plugin.app import hooking as module
from plugin.app import planning
from plugin.app.inbox import Asked, Inbox
from plugin.app.worker import Worker
from plugin.engine import events as ev
from plugin.events import LoadedFile
from plugin.faucet.adapters import DryRun
from plugin.faucet.check import Checked
from plugin.faucet.hook import INCLUDE, Mode, Options
from plugin.faucet.isolate import read
from plugin.faucet.reach import Spot
from plugin.offline.faucet import install, read_place
from tests.apps import PATIENCE
from tests.fabric import Answering, Clock, Fabric, Parser, hooking
from tests.unit.offline.test_faucet import planned, running

MAC, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
PLAIN = """
vlans:
  office: {vid: 100}
  jail: {vid: 200}
dps:
  sw1:
    dp_id: 1
    hardware: Open vSwitch
    interfaces:
      1: {native_vlan: office}
      2: {native_vlan: office}
      9: {output_only: true}
"""
HERE = Place("sw1", 1, 100)
BLOCK = Isolation(cookie=7, mac=MAC, action=Action(kind="block"), place=HERE)
OTHERS = Isolation(cookie=8, mac=OTHER, action=Action(kind="block"), place=Place("sw1", 2, 100))
JAIL = Isolation(cookie=9, mac=MAC, action=Action(kind="revlan", vlan="jail"), place=HERE)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "faucet.yaml"
    file.write_text(PLAIN)
    return file


@cache
def _installed(mode: Mode) -> dict[str, str]:
    """What an installation makes of PLAIN: files by name. Faucet's checker takes a second."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "faucet.yaml"
        file.write_text(PLAIN)
        assert install(*planned(file, Options(mode=mode)), running()).written
        return {one.name: one.read_text() for one in Path(folder).iterdir()}


def installed(config: Path, mode: Mode = "none") -> None:
    for name, text in _installed(mode).items():
        (config.parent / name).write_text(text)


def sets(*found: frozenset[int]) -> tuple[set[int], ...]:
    return tuple(map(set, found))


class Site:
    """A site on which the hook is installed, and its writer, turned by hand."""

    def __init__(self, config: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
        if not (config.parent / INCLUDE).exists():
            installed(config)
        self.config, self.include = config, config.parent / INCLUDE
        self.clock, self.inbox, self.parser = Clock(), Answering(), Parser()
        self.fabric = more.pop("fabric", None) or Fabric(config)
        if more.pop("load", True):
            self.fabric.load()
        words: dict[str, Any] = {"clock": self.clock, "inbox": self.inbox, "parser": self.parser}
        self.one = hooking(config, self.fabric, monkeypatch, **words, **more)
        self.told: list[Any] = []

    def turn(self, seconds: float = 0.1, times: int = 1) -> Report:
        """Take turns; gives the last report there ever was."""
        for _ in range(times):
            self.clock.now += seconds
            self.one._turn()
            self.told += self.inbox.take(0)
        return self.reports()[-1]

    def reports(self) -> list[Report]:
        return [one.report for one in self.told if isinstance(one, ev.Reported)]

    def notes(self) -> list[str]:
        return [one.text for one in self.told if isinstance(one, ev.Noticed)]

    def isolates(self) -> set[str]:
        return {one.mac for one in read(self.include.read_text())}


@pytest.fixture
def site(config: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(config, monkeypatch)


def test_a_wish_is_written_loaded_and_proven_and_so_is_its_end(site: Site) -> None:
    site.turn()
    site.one.want((BLOCK,), frozenset())
    first = site.turn()
    assert sets(first.wanted, first.written) == ({7}, {7})
    assert not first.loaded
    assert not first.proven
    assert site.isolates() == {MAC}
    (written,) = [one for one in site.told if isinstance(one, ev.Written)]
    assert (written.file, written.macs) == (INCLUDE, (MAC,))
    second = site.turn()
    assert sets(second.loaded, second.proven) == ({7}, {7})
    assert second.unproven == {}
    assert second.probing
    site.one.want((), frozenset())
    ended = site.turn()
    assert not ended.absent  # a second has not passed since the last write
    assert site.isolates() == {MAC}
    assert not site.turn(1.0).absent  # written just now
    assert site.turn().absent == {7}
    assert site.isolates() == set()
    assert site.fabric.reloads == 2


def test_equal_bytes_are_not_written(site: Site) -> None:
    site.turn()
    site.one.want((BLOCK, OTHERS), frozenset())
    site.turn(5.0, 3)
    site.one.want((OTHERS, BLOCK), frozenset())
    assert site.turn(5.0).proven == {7, 8}
    assert site.fabric.written == [site.include]


def test_twenty_wishes_at_once_are_two_writes_a_second_apart(site: Site) -> None:
    site.turn()
    for number in range(20):
        site.one.want((BLOCK, OTHERS)[: 1 + number % 2], frozenset())
        site.turn(0.04)
    assert site.fabric.written == [site.include]
    site.turn(1.0)
    assert site.fabric.written == [site.include] * 2
    assert site.turn().proven == {7, 8}


def test_nothing_is_written_before_the_first_wish_and_strangers_are_reported(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.one.want((BLOCK, OTHERS), frozenset())
    site.turn(5.0, 2)
    again = Site(config, monkeypatch, fabric=site.fabric)
    report = again.turn(5.0)
    assert [(one.mac, one.cookie) for one in report.strangers] == [(MAC, 7), (OTHER, 8)]
    again.turn(5.0, 3)
    assert again.isolates() == {MAC, OTHER}
    again.one.want((OTHERS,), frozenset())
    assert again.turn().wanted == {8}
    assert again.turn().absent == {7}
    assert again.isolates() == {OTHER}


def test_what_was_wanted_before_the_first_look_is_no_stranger(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.one.want((BLOCK, OTHERS), frozenset())
    site.turn(5.0, 2)
    again = Site(config, monkeypatch, fabric=site.fabric)
    again.one.want((BLOCK,), frozenset())
    again.turn()
    first = again.reports()[0]
    assert first.wanted == {7}
    assert [one.mac for one in first.strangers] == [OTHER]


def test_the_answer_to_strangers_is_waited_for(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The main thread adopts a stranger in the step after the report; nothing is freed before."""
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 2)
    again = Site(config, monkeypatch, fabric=site.fabric)
    again.one.want((), frozenset())
    asked: list[float] = []

    def adopting(question: Any, timeout: float) -> Any:
        asked.append(timeout)
        if len(asked) == 1:
            raise TimeoutError
        if len(asked) == 3:
            again.one.want((BLOCK,), frozenset())
        return question()

    monkeypatch.setattr(again.inbox, "ask", adopting)
    for _ in range(4):
        again.turn(5.0)
        assert again.isolates() == {MAC}
    assert again.fabric.written == [again.include]


def test_a_released_stranger_that_is_still_wanted_nowhere_is_taken_out(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 2)
    again = Site(config, monkeypatch, fabric=site.fabric)
    again.one.want((), frozenset())
    again.turn(5.0)
    assert again.isolates() == set()
    assert again.turn().absent == {7}


def test_what_an_earlier_run_was_releasing_is_seen_gone_though_it_is_in_no_file(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.one.want((BLOCK, OTHERS), frozenset())
    site.turn(5.0, 2)
    site.one.want((OTHERS,), frozenset())
    site.turn(5.0)
    assert site.isolates() == {OTHER}
    again = Site(config, monkeypatch, fabric=site.fabric)
    again.one.want((OTHERS,), frozenset(), frozenset({7}))
    assert again.turn(5.0, 2).absent == {7}


def test_a_foreign_edit_is_put_aside_and_repaired_at_the_next_turn(site: Site) -> None:
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 3)
    ours = site.include.read_text()
    theirs = ours.replace(MAC, "02:00:00:00:00:99")
    site.include.write_text(theirs)
    site.fabric.load()
    report = site.turn(1.0)
    assert site.include.read_text() == ours
    assert report.written == {7}
    kept = list(site.include.parent.glob("*.kept"))
    assert [one.read_text() for one in kept] == [theirs]
    assert any(kept[0].name in note for note in site.notes())
    assert site.turn().proven == {7}


def test_lost_proof_is_told_at_once_and_not_called_proven(site: Site) -> None:
    site.one.want((BLOCK,), frozenset())
    assert site.turn(5.0, 3).proven == {7}
    site.fabric.rules = [one for one in site.fabric.rules if one["in_port"] != 2]
    report = site.turn(1.0)
    assert not report.proven
    assert "sw1 port 2" in report.unproven[7]


def test_a_gap_while_faucet_loads_is_doubted_once(site: Site) -> None:
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 3)
    site.one.want((BLOCK, OTHERS), frozenset())
    site.turn()
    rules, site.fabric.rules = site.fabric.rules, []
    assert 7 in site.turn(0.1).proven
    assert 7 not in site.turn(0.1).proven
    site.fabric.rules = rules
    site.fabric.load()
    assert site.turn(0.1).proven == {7, 8}


@pytest.mark.parametrize("pause", [False, True])
def test_what_became_something_else_is_not_proven_by_what_it_was(
    site: Site, *, pause: bool
) -> None:
    """The same cookie, other rules: what was read back is of the old ones."""
    action = Action(kind="quarantine", allow=(Service("host", "192.0.2.1"),))
    first = replace(BLOCK, action=action)
    second = replace(first, action=replace(action, allow=(Service("host", "192.0.2.2"),)))
    site.one.want((first,), frozenset())
    assert site.turn(5.0, 3).proven == {7}
    site.fabric.alive = False
    if pause:
        site.one.want((), frozenset())
        site.turn(5.0)
    site.one.want((second,), frozenset())
    assert not any(site.turn(5.0).proven for _ in range(3))
    site.fabric.alive = True
    assert site.turn(5.0, 9).proven == {7}


def test_what_an_installation_wrote_in_our_files_place_is_no_foreign_edit(site: Site) -> None:
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 3)
    installed(site.config, "tail")
    site.fabric.load()
    site.turn(6.0, 3)
    assert site.isolates() == {MAC}
    assert site.notes() == []
    assert not list(site.include.parent.glob("*.kept"))


def test_a_set_back_file_an_empty_one_and_a_missing_one_are_repaired(site: Site) -> None:
    site.turn()
    before = site.include.read_text()
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 3)
    ours = site.include.read_text()
    for harm, told in (
        (lambda: site.include.write_text(before), ""),
        (lambda: site.include.write_text(""), "set back"),
        (site.include.unlink, "is gone"),
        (lambda: site.include.write_text(ours[: len(ours) // 2]), "changed by somebody else"),
    ):
        harm()
        site.turn(6.0)
        assert site.include.read_text() == ours
        assert told in site.notes()[-1]


def test_a_removed_hook_is_told_and_nothing_is_called_isolated(site: Site) -> None:
    site.one.want((BLOCK,), frozenset())
    assert site.turn(5.0, 3).proven == {7}
    text = site.config.read_text()
    site.config.write_text(text.replace("  2: {acls_in: [halia_hook, halia_tail], ", "  2: {"))
    assert site.config.read_text() != text
    site.fabric.load()
    site.turn(0.3)
    covered = [one for one in site.told if isinstance(one, ev.Covered)]
    assert any("port 2 is not hooked" in problem for problem in covered[-1].problems)
    kinds = [one for one in site.told if isinstance(one, ev.Ports)]
    assert [one.kinds["sw1", 2].hooked for one in kinds] == [True, False]
    moved = BLOCK.__class__(cookie=7, mac=MAC, action=BLOCK.action, place=Place("sw1", 2, 100))
    site.one.want((moved,), frozenset())
    report = site.turn()
    assert not report.proven
    assert "not hooked" in report.unproven[7]
    site.config.write_text(PLAIN)
    gone = site.turn()
    assert gone.problem is not None
    assert "not installed" in gone.problem
    assert not gone.written


def test_a_root_file_that_is_half_written_stops_nothing(site: Site) -> None:
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 3)
    text = site.config.read_text()
    site.config.write_text("dps: {")
    report = site.turn()
    assert report.proven == {7}
    assert report.problem is not None
    site.config.write_text(text)
    assert site.turn().problem is None


def test_what_an_earlier_run_moved_is_not_gone_before_the_switch_has_it_back(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faucet died, the port was let out in its file, Halia died and is here again."""
    text = site.config.read_text()
    site.one.want((JAIL,), frozenset())
    site.turn(5.0, 3)
    site.fabric.alive = False
    site.one.want((), frozenset())
    site.turn(5.0, 3)
    assert site.config.read_text() == text
    assert not site.turn(5.0).absent
    again = Site(config, monkeypatch, fabric=site.fabric, load=False)
    again.one.want((), frozenset(), frozenset({9}))
    assert not any(again.turn(5.0).absent for _ in range(4))
    why = {9: "sw1 port 1: its frames come into VLAN 200, not 100"}
    assert again.turn().unproven == why
    assert again.one.shown is not None
    assert (again.one.shown.wanted, again.one.shown.leaving) == (0, 1)
    site.fabric.alive = True
    done = again.turn(6.0, 4)
    assert done.absent == {9}
    assert done.unproven == {}
    assert again.one.shown.leaving == 0


def test_a_port_is_moved_and_moved_back_to_the_byte(site: Site) -> None:
    text = site.config.read_text()
    site.turn()
    site.one.want((JAIL,), frozenset())
    first = site.turn()
    assert first.written == {9}
    assert not first.proven
    assert "1: {acls_in: [halia_hook, halia_tail], native_vlan: jail}" in site.config.read_text()
    assert site.turn().proven == {9}
    journal = read_place(site.config).journal
    assert journal is not None
    assert journal.revlans is not None
    site.one.want((), frozenset())
    site.turn(1.0)
    assert site.config.read_text() == text
    assert site.turn().absent == {9}
    after = read_place(site.config).journal
    assert after is not None
    assert after.revlans is None


def test_who_came_to_a_port_just_now_keeps_it_from_being_moved(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spots: list[Spot] = []
    site, text = Site(config, monkeypatch, spots=spots), config.read_text()
    site.turn()
    site.one.want((), frozenset())
    site.turn()
    spots.append(Spot("02:00:00:00:00:77", "sw1", 1, 100))
    site.one.want((JAIL,), frozenset())
    assert "02:00:00:00:00:77 is at sw1 port 1" in site.turn().refused[9]
    assert config.read_text() == text


def test_a_moved_port_outlives_a_restart_as_a_stranger_with_its_place(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.one.want((JAIL,), frozenset())
    site.turn(5.0, 3)
    again = Site(config, monkeypatch, fabric=site.fabric)
    (stranger,) = again.turn().strangers
    assert (stranger.cookie, stranger.mac, stranger.action) == (9, MAC, JAIL.action)
    assert stranger.place == Place("sw1", 1, 200)
    again.one.want((stranger,), frozenset())
    assert again.turn(5.0).proven == {9}
    assert again.fabric.written == site.fabric.written


def test_a_full_disk_is_told_and_tried_again(site: Site) -> None:
    site.turn()
    site.fabric.full = {site.include}
    site.one.want((BLOCK,), frozenset())
    report = site.turn()
    assert report.problem is not None
    assert "No space left" in report.problem
    assert not report.written
    site.turn(0.5)
    asked = len(site.parser.asked)
    site.turn(0.1, 5)
    assert len(site.parser.asked) == asked  # not at every turn
    site.fabric.full = set()
    site.turn(2.0)
    assert site.turn().proven == {7}


def test_a_refusing_or_dead_parser_is_told_and_nothing_is_written(site: Site) -> None:
    site.turn()
    before = site.include.read_text()
    site.parser.says = Checked(ok=False, said="unknown field")
    site.one.want((BLOCK,), frozenset())
    report = site.turn()
    assert report.problem is not None
    assert "unknown field" in report.problem
    site.parser.fails = True
    report = site.turn(3.0)
    assert report.problem is not None
    assert "no answer" in report.problem
    assert site.include.read_text() == before
    site.parser.fails, site.parser.says = False, Checked(ok=True, said="")
    site.turn(3.0)
    assert site.turn().proven == {7}


def test_a_dead_faucet_is_told_after_its_patience(site: Site) -> None:
    site.turn()
    site.fabric.alive = False
    site.one.want((BLOCK,), frozenset())
    assert site.turn(1.0, 8).problem is None
    report = site.turn(1.0, 5)
    assert report.problem is not None
    assert "no Faucet is seen" in report.problem
    assert sets(report.written, report.loaded, report.proven) == ({7}, set(), set())
    site.fabric.alive = True
    assert site.turn(6.0, 2).problem is None
    assert site.turn().proven == {7}


def test_a_dead_probe_proves_nothing(site: Site) -> None:
    site.one.want((BLOCK,), frozenset())
    assert site.turn(5.0, 3).proven == {7}
    site.fabric.probing = False
    report = site.turn()
    assert not report.probing
    assert sets(report.proven, report.loaded) == (set(), {7})
    assert site.one.probed.problem == "probe: does not answer"
    site.fabric.probing = True
    assert site.turn(6.0).proven == {7}


def test_without_a_probe_absence_is_what_faucet_has_loaded(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(config, monkeypatch, probe=None)
    site.one.want((BLOCK,), frozenset())
    report = site.turn(5.0, 3)
    assert sets(report.loaded, report.proven) == ({7}, set())
    assert not report.probing
    site.one.want((), frozenset())
    assert site.turn(5.0, 2).absent == {7}


def test_a_load_that_faucet_tells_of_is_believed_when_its_page_is_away(site: Site) -> None:
    site.turn()
    site.one.want((BLOCK,), frozenset())
    site.turn()
    found = site.fabric.found
    site.fabric.alive = False
    assert not site.turn().loaded
    site.one.heard([LoadedFile(path="elsewhere", sha256="0"), *found])
    assert site.turn().loaded == {7}


def test_a_dry_run_writes_nothing_and_says_so(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(config)
    before = (config.parent / INCLUDE).read_bytes()
    inbox = Answering()
    adapter = DryRun(config, pid=None, page="http://127.0.0.1:1")
    one = hooking(config, adapter, monkeypatch, inbox=inbox, probe=None)
    one.want((BLOCK,), frozenset())
    one._turn()
    report = inbox.taken(ev.Reported)[-1].report
    assert sets(report.written, report.loaded, report.proven) == (set(), set(), set())
    assert report.refused == {7: "dry run: nothing is written"}
    assert (config.parent / INCLUDE).read_bytes() == before


def test_what_a_decision_watches_is_written_too(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(config, monkeypatch, spots=[Spot(MAC, "sw1", 1, 100)])
    site.turn()
    site.one.want((), frozenset({MAC}))
    site.turn()
    assert MAC in site.include.read_text()
    assert site.isolates() == set()


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff\xfe",
        b"[" * 5000,
        b"a: &a [*a]",
        b"acls: {halia_hook: 5}",
        b"acls: {halia_hook: [5, {rule: 7}, {rule: {actions: [1], cookie: 7}}]}",
        b"acls: {halia_hook: [{rule: {dl_src: 5, cookie: 7, actions: {}}}]}",
        b"meters: 5",
        b"!!python/object:os.system x",
        b"- a",
    ],
)
def test_whatever_stands_in_our_file_is_put_aside_and_repaired(site: Site, content: bytes) -> None:
    site.one.want((BLOCK,), frozenset())
    site.turn(5.0, 3)
    ours = site.include.read_text()
    site.include.write_bytes(content)
    site.turn(1.0)
    assert site.include.read_text() == ours
    (kept,) = site.include.parent.glob("*.kept")
    assert kept.read_bytes() == content
    assert site.turn().proven == {7}


@pytest.mark.parametrize("content", [b"\x00\xff", b"[" * 5000, b"acls: 5", b"- a"])
def test_whatever_stands_there_at_the_start_is_no_stranger(
    config: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    installed(config)
    (config.parent / INCLUDE).write_bytes(content)
    monkeypatch.setattr(Fabric, "load", lambda _: None)
    site = Site(config, monkeypatch)
    assert not site.turn().strangers
    assert site.include.read_bytes() == content
    site.one.want((BLOCK,), frozenset())
    site.turn()
    assert site.isolates() == {MAC}


# The mirror


def test_what_is_wrong_with_the_hook_is_told(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Answering()
    one = hooking(config, Fabric(config), monkeypatch, inbox=inbox)
    one._turn()
    assert "not installed" in inbox.taken(ev.Covered)[-1].problems[0]
    installed(config, "vlan")
    one.want((), frozenset())
    one._turn()
    assert inbox.taken(ev.Covered)[-1].problems == ()


def test_whom_the_mirror_does_not_show_is_told(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(config, "vlan")
    nowhere, inbox = [Spot(MAC, "sw1", 4711, 100)], Answering()
    one = hooking(config, Fabric(config), monkeypatch, inbox=inbox, spots=nowhere)
    one._turn()
    found = inbox.taken(ev.Mirrored)[-1]
    assert found.uncovered == {MAC: "sw1 port 4711 is not in faucet.yaml"}
    assert one.plan is not None
    ignored = frozenset({100})
    one = hooking(
        config, Fabric(config), monkeypatch, inbox=inbox, spots=nowhere, ignore_vlans=ignored
    )
    one._turn()
    assert inbox.taken(ev.Mirrored)[-1].ignored == {MAC}


def test_a_budget_without_a_probe_is_a_problem(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(config, "tail")
    inbox = Answering()
    one = hooking(config, Fabric(config), monkeypatch, inbox=inbox, probe=None, budget=1e6)
    one._turn()
    problems = inbox.taken(ev.Covered)[-1].problems
    assert any("mirror.budget is set, but everything is mirrored" in p for p in problems)
    assert one.probed.problem == "faucet.probe is not set: no port is measured"


def test_watches_are_read_back_from_the_switches(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PROVEN_SECONDS", 8.0)
    site = Site(config, monkeypatch, spots=[Spot(MAC, "sw1", 1, 100)], budget=1e9)
    site.fabric.slow = True
    site.one.want((), frozenset())

    def problems() -> tuple[str, ...]:
        found: list[ev.Covered] = [one for one in site.told if isinstance(one, ev.Covered)]
        return found[-1].problems

    site.turn(5.0, 2)
    assert not any("at no switch" in p for p in problems())
    site.turn(5.0, 3)
    assert any("at no switch" in p for p in problems())
    site.fabric.slow = False
    site.turn(11.0, 2)
    assert problems() == ()


def test_watches_that_change_at_each_plan_are_looked_for_before_they_do(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    macs = [f"02:00:00:00:00:{number:02x}" for number in range(10)]
    spots = [Spot(mac, "sw1", 1, 100) for mac in macs]
    site = Site(config, monkeypatch, spots=spots)
    site.fabric.slow = True
    for number in range(1, 10):
        site.fabric.load()  # what was written at the turn before
        site.one.want((), frozenset(macs[:number]))
        site.turn(5.0)
    site.turn(5.0)
    problems = [one.problems for one in site.told if isinstance(one, ev.Covered)]
    assert len(problems) == 10
    assert not any("at no switch" in text for some in problems for text in some)


# The thread


def test_a_wish_wakes_the_thread_and_a_real_parser_judges(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Faucet's own parser in its process; the thread is otherwise idle for minutes."""
    monkeypatch.setattr(module, "TURN_SECONDS", 300.0)
    installed(config)
    fabric, inbox = Fabric(config), Inbox()
    one = hooking(config, fabric, monkeypatch, inbox=inbox, clock=time.monotonic)
    one._bringing._environment = running().environment
    worker = Worker("hooking", inbox, one.run)
    worker.start()
    found: list[Any] = []
    stopping = threading.Event()

    def main() -> None:
        while not stopping.is_set():
            for item in inbox.take(0.05):
                if isinstance(item, Asked):
                    item.answer.set_result(item.question())
                else:
                    found.append(item)

    reader = threading.Thread(target=main)
    reader.start()
    try:
        one.want((), frozenset())
        checking = one._bringing
        _until(lambda: checking._checking is not None and checking._checking.ready)
        _until(lambda: one.shown is not None and checking.loaded)
        one.want((BLOCK,), frozenset())
        began = time.monotonic()
        _until(lambda: any(isinstance(i, ev.Reported) and i.report.proven for i in found))
        assert time.monotonic() - began < 5.0
    finally:
        worker.stopping.set()
        assert worker.stop(PATIENCE)
        stopping.set()
        reader.join()
    assert one.shown is not None
    assert (one.shown.writes, one.shown.proven) == (1, 1)


def _until(there: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)
