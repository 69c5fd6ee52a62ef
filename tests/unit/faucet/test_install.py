"""Plans: exact there and back, idempotent, honest after foreign edits."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from plugin.faucet import install
from plugin.faucet.check import check, find_checker
from plugin.faucet.edits import digest
from plugin.faucet.hook import INCLUDE, Options, render
from plugin.faucet.install import Journal, Plan, Refusal, plan_install, plan_remove
from plugin.faucet.revlan import Revlan, RevlanPlan, plan_revlans
from tests.checker import environment

TEXT = """\
# The office.
vlans:
    office: {vid: 100}  # staff
acls:
  op:
  - rule: {actions: {allow: 1}}
dps:
  sw1:
    dp_id: 0x1
    interfaces:
      1:   # printer
        # the name
        name: h1
        native_vlan: office
        acl_in: op
      2: {native_vlan: office}
      9: {name: col, output_only: true}"""


def planned(text: str, **kwargs: object) -> Plan:
    plan = plan_install(text, Options(), **kwargs)  # type: ignore[arg-type]  # handed on
    assert isinstance(plan, Plan)
    return plan


def test_there_and_back() -> None:
    plan = planned(TEXT)
    assert plan.journal is not None
    assert "+        acls_in: [halia_hook, op]\n" in plan.diff
    assert "\\ No newline at end of file" in plan.diff
    assert (plan.journal.original, plan.journal.installed) == (digest(TEXT), digest(plan.new_text))
    back = plan_remove(plan.new_text, plan.journal)
    assert isinstance(back, Plan)
    assert back.new_text == TEXT
    assert not any("cut out" in note for note in back.notes)


def test_twice_is_once() -> None:
    plan = planned(TEXT)
    for journal in (plan.journal, None):
        again = planned(plan.new_text, journal=journal)
        assert (again.new_text, again.diff, again.notes) == (plan.new_text, "", ())
    assert planned(plan.new_text, journal=plan.journal).journal == plan.journal


def test_a_file_that_another_program_rewrote_is_left_if_it_means_the_same() -> None:
    plan = planned(TEXT)
    rewritten = yaml.safe_dump(yaml.safe_load(plan.new_text))  # as Poseidon does: no comments
    assert planned(rewritten, journal=plan.journal).new_text == rewritten
    back = plan_remove(rewritten, plan.journal)
    assert isinstance(back, Plan)
    assert "cut out of it as it is now" in back.notes[0]
    wanted = yaml.safe_load(TEXT.replace("acl_in: op", "acls_in: [op]"))
    assert yaml.safe_load(back.new_text) == wanted


def test_a_port_that_came_later_is_hooked_by_another_install() -> None:
    plan = planned(TEXT)
    edited = plan.new_text.replace("      9:", "      3: {native_vlan: office}\n      9:")
    renewed = planned(edited, journal=plan.journal)
    assert "+      3: {acls_in: [halia_hook, halia_tail], native_vlan: office}\n" in renewed.diff
    assert renewed.new_text.count("halia_hook, halia_tail") == 2
    back = plan_remove(renewed.new_text, renewed.journal)
    assert isinstance(back, Plan)
    assert "3: {native_vlan: office}" in back.new_text
    assert "halia" not in back.new_text


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "dps: 3"])
def test_no_configuration_is_refused(text: str) -> None:
    assert isinstance(plan_install(text, Options()), Refusal)


def test_a_broken_file_of_ours_cannot_be_removed_from() -> None:
    found = plan_remove("halia: [", None)
    assert isinstance(found, Refusal)
    assert "line 1" in found.reasons[0]


def test_removing_where_nothing_is_changes_nothing() -> None:
    plan = plan_remove(TEXT, None)
    assert isinstance(plan, Plan)
    assert (plan.new_text, plan.notes) == (TEXT, ())


def with_a_moved_port(text: str = TEXT) -> tuple[Plan, str, Journal]:
    plan = planned(text)
    assert plan.journal is not None
    one = Revlan("sw1", 2, "halia_quarantine", ((1, "0e:00:00:00:00:01"),))
    there = plan_revlans(plan.new_text, [one], None)
    assert isinstance(there, RevlanPlan)
    assert there.new_text != plan.new_text
    return plan, there.new_text, plan.journal._replace(revlans=there.record)


def test_a_removal_moves_ports_back() -> None:
    _, text, journal = with_a_moved_port()
    back = plan_remove(text, journal)
    assert isinstance(back, Plan)
    assert back.new_text == TEXT
    edited = plan_remove(f"# mine\n{text}", journal)
    assert isinstance(edited, Plan)
    assert "2: {native_vlan: office}" in edited.new_text
    assert "halia" not in edited.new_text


def test_a_renewal_leaves_moved_ports_moved() -> None:
    _, text, journal = with_a_moved_port()
    same = planned(text, journal=journal)
    assert (same.new_text, same.diff, same.journal) == (text, "", journal)
    # Somebody moved a port out of the hook meanwhile.
    edited = text.replace("[halia_hook, op]", "[op]")
    renewed = planned(edited, journal=journal)
    assert renewed.new_text == text
    assert renewed.journal is not None
    assert renewed.journal.revlans is not None
    assert journal.revlans is not None
    assert renewed.journal.revlans.moves == journal.revlans.moves
    back = plan_remove(renewed.new_text, renewed.journal)
    assert isinstance(back, Plan)
    assert "2: {native_vlan: office}" in back.new_text
    assert "halia" not in back.new_text


def test_the_example_is_what_an_installation_makes(root: Path) -> None:
    folder = root / "configs" / "faucet"
    plan = planned((folder / "faucet.yaml").read_text())
    assert plan.new_text == (folder / "installed.yaml").read_text()
    assert plan.journal is not None
    assert render(plan.journal.layout) == (folder / "halia_isolation.yaml").read_text()


def test_faucet_takes_the_example(root: Path) -> None:
    folder = root / "configs" / "faucet"
    texts = {folder / name: (folder / name).read_text() for name in ("installed.yaml", INCLUDE)}
    checker = find_checker(environment())
    assert check(checker, folder / "installed.yaml", texts) == (True, "")


def test_a_diff_is_cut_where_the_journal_would_take_no_more() -> None:
    line = "+ " + "x" * 98 + "\n"
    short = line * 10
    assert install.cut(short) == short
    kept, _, last = install.cut(line * 3000).removesuffix("\n").rpartition("\n")
    lines = kept.splitlines()
    assert len(kept) <= install.DIFF_MAX
    assert set(lines) == {line.rstrip()}
    assert last == f"... and {3000 - len(lines)} lines more"
