"""Letting people out while no daemon runs: real files, a real journal, the real ledger after it."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Any

import pytest

from plugin.audit.journal import Fault, Journal, entries, segments
from plugin.errors import DeniedError, FaucetFileError
from plugin.faucet.isolate import read
from plugin.offline import freeing
from plugin.offline.faucet import JOURNAL, Applied, Running, apply_files, read_place
from plugin.offline.freeing import isolated
from plugin.offline.release import Done, Ways, Wish, release
from plugin.policy.ledger import Ledger
from plugin.policy.remembered import from_document
from plugin.policy.rules import EMPTY
from tests.grounds import isolation, mac, site
from tests.isolated import fill, include, journal, on_disk, running, switch
from tests.services import case

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.actions import Isolation
    from plugin.faucet.flows import Flow
    from plugin.policy.cases import Case

NOW = 1_800_000_000.0
ME = pwd.getpwuid(os.getuid()).pw_name
SITE = site()
STANDING = (isolation("block", 1), isolation("quarantine", 2), isolation("revlan", 5, port=3))
END = {"until": NOW + 600, "deadline": NOW + 600}
CASES = (
    case(1, mac(1), action={**case()["action"], "kind": "block"}, **END),
    case(2, mac(2), cookie=2, state="isolating", name="desk", addresses=["10.0.0.2"], **END),
    case(3, mac(3), cookie=0, state="pending", addresses=[], until=None),
    case(4, mac(4), cookie=4, state="over", addresses=[]),
    case(5, mac(5), action={**case()["action"], "kind": "revlan", "vlan": "cellar"}, **END),
)


@pytest.fixture
def ways(tmp_path: Path) -> Ways:
    """Three that are isolated, and a switch that shows it as soon as they are out."""
    config = on_disk(tmp_path, SITE, *STANDING)
    place = journal(tmp_path / "state" / "journal", *CASES)
    probe = switch(tmp_path / "flows", SITE.flows(include(SITE)))
    return Ways(config, place, running(), lambda: probe, 0.0, lambda: NOW)


def everybody(**more: Any) -> Wish:
    return Wish(None, "the daemon hangs", **more)


def last(ways: Ways) -> dict[int, Case]:
    """Each case as the next start will read it."""
    found = {}
    for entry in entries(ways.journal):
        assert not isinstance(entry, Fault), entry
        if entry.kind == "decision":
            one = from_document(entry.body["case"])
            found[one.number] = one
    return found


def told(ways: Ways, kind: str) -> list[dict[str, Any]]:
    some = entries(ways.journal)
    return [dict(one.body) for one in some if not isinstance(one, Fault) and one.kind == kind]


def wanted_after(ways: Ways) -> set[str]:
    """Whom the next start isolates."""
    ledger = Ledger(EMPTY, began=0.0, look=lambda _: None, mates=lambda _: ())
    ledger.restore(last(ways).values(), NOW + 5)
    return {one.mac for one in ledger.desired()}


def test_the_journal_would_bring_them_back_without(ways: Ways) -> None:
    assert wanted_after(ways) == {mac(1), mac(2), mac(5)}


def test_all_and_nothing_comes_back(ways: Ways) -> None:
    done = release(ways, everybody())
    assert done.macs == (mac(1), mac(2), mac(5))
    assert (done.cases, done.unnoted) == (4, None)
    assert done.absence == (True, "proven: no switch has a rule about it any more")
    place = read_place(ways.config)
    assert isolated(place) == frozenset()
    assert place.include.read_text() == include(SITE)
    assert place.root.read_text() == SITE.root
    states = {number: (one.state, one.actor) for number, one in last(ways).items()}
    assert states == {
        1: ("released", "halia"), 2: ("released", "halia"), 3: ("over", ME),
        4: ("over", "scanners"), 5: ("released", "halia"),
    }  # fmt: skip
    assert last(ways)[1].deadline == NOW + 600.0, "the grace of the rule"
    (said,) = told(ways, "release")
    assert (said["macs"], said["all"]) == ([mac(1), mac(2), mac(5)], True)
    assert mac(1) in said["diff"]
    assert wanted_after(ways) == set()


def test_who_let_them_out_and_why_is_in_every_step(ways: Ways) -> None:
    release(ways, everybody())
    steps = [one for one in told(ways, "decision") if one["why"] == "the daemon hangs"]
    assert {(one["before"], one["case"]["state"], one["case"]["actor"]) for one in steps} == {
        ("isolated", "releasing", ME), ("isolating", "releasing", ME), ("pending", "over", ME),
    }  # fmt: skip


def test_one(ways: Ways) -> None:
    done = release(ways, Wish("desk", "my desk"))
    assert (done.macs, done.cases, done.absence.gone) == ((mac(2),), 1, True)
    place = read_place(ways.config)
    assert isolated(place) == {mac(1), mac(5)}
    assert wanted_after(ways) == {mac(1), mac(5)}
    assert last(ways)[3].state == "pending"


def test_what_is_not_proven_the_next_start_finishes(ways: Ways, tmp_path: Path) -> None:
    fill(tmp_path / "flows", SITE.flows(include(SITE, STANDING[0])))
    done = release(ways, everybody())
    assert not done.absence.gone
    assert done.absence.words.startswith("not gone: rules of 1 isolations stand at a switch still;")
    assert last(ways)[1].state == "releasing"
    assert last(ways)[1].deadline == NOW + 10
    assert wanted_after(ways) == set()
    fill(tmp_path / "flows", SITE.flows(include(SITE)))
    done = release(ways, everybody())
    assert (done.cases, done.macs, done.absence.gone) == (0, (), True)
    assert last(ways)[1].state == "released"


@pytest.mark.parametrize("loaded", [True, False, None])
def test_where_no_switch_is_read_faucets_word_is_all(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, loaded: bool | None
) -> None:
    def applied(*words: Any) -> Applied:
        return apply_files(*words)._replace(loaded=loaded)

    monkeypatch.setattr(freeing, "apply_files", applied)
    done = release(ways._replace(probe=None), everybody())
    assert done.absence.gone is (loaded is True)
    assert done.absence.words.startswith("not proven: ")
    assert last(ways)[1].state == ("released" if loaded else "releasing")
    assert wanted_after(ways) == set()


def in_the_cellar(*standing: Isolation) -> dict[int, list[Flow]]:
    """The switch as long as Faucet has not moved port 3 back."""
    flows = SITE.flows(include(SITE, *standing))
    return {
        dp: [one._replace(vid=300) if (one.in_port, one.vid) == (3, 200) else one for one in some]
        for dp, some in flows.items()
    }


def test_a_moved_port_is_not_gone_before_the_switch_has_it_back(ways: Ways, tmp_path: Path) -> None:
    still = "sw1 port 3 (printer): its frames come into VLAN 300, not 200"
    fill(tmp_path / "flows", in_the_cellar(STANDING[0]))
    first = release(ways, everybody())
    assert not first.absence.gone
    assert first.absence.words.startswith(
        f"not gone: rules of 1 isolations stand at a switch still; {still}; no running Faucet"
    )
    fill(tmp_path / "flows", in_the_cellar())
    for wish in (everybody(), Wish(mac(5), "again")):
        again = release(ways, wish)
        assert (again.cases, again.macs) == (0, ())
        assert not again.absence.gone, "its own file says it, and no switch"
        assert again.absence.words.startswith(f"not gone: {still}")
        assert last(ways)[5].state == "releasing"
    fill(tmp_path / "flows", SITE.flows(include(SITE)))
    assert release(ways, everybody()).absence.gone
    assert last(ways)[5].state == "released"


def test_who_was_not_moved_is_not_held_up_by_a_port_that_was(ways: Ways, tmp_path: Path) -> None:
    fill(tmp_path / "flows", in_the_cellar())
    assert release(ways, Wish("desk", "x")).absence.gone


def test_that_no_faucet_runs_or_answers_is_said(ways: Ways, tmp_path: Path) -> None:
    fill(tmp_path / "flows", in_the_cellar())
    said = release(ways, everybody()).absence.words
    assert said.endswith(f"no running Faucet is found that reads {ways.config}: start it")
    page = Running(environment=ways.running.environment, reload=False, page="127.0.0.1:1")
    said = release(ways._replace(running=page), everybody()).absence.words
    assert "; Faucet does not answer: " in said


def test_faucet_that_has_loaded_it_later_is_asked(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = ways._replace(probe=None)
    assert not release(blind, everybody()).absence.gone
    monkeypatch.setattr("plugin.offline.release.lists", lambda *_: True)
    assert release(blind, everybody()).absence.gone
    assert last(ways)[1].state == "released"


def test_a_daemon_that_lives_is_not_worked_against(ways: Ways) -> None:
    before = read_place(ways.config).include.read_text()
    for anyway in (False, True):
        with Journal(ways.journal), pytest.raises(DeniedError, match="a Halia that lives") as no:
            release(ways, everybody(anyway=anyway))
        assert f"process {os.getpid()}" in no.value.reason
        assert "--socket" in str(no.value.advice)
    assert read_place(ways.config).include.read_text() == before


def test_what_breaks_in_between_the_next_start_finishes(ways: Ways) -> None:
    place = read_place(ways.config)
    place.include.write_text("acls: {halia_hook: hello}\n")
    with pytest.raises(FaucetFileError, match="not as Halia writes it"):
        release(ways, everybody())
    assert last(ways)[1].state == "releasing"
    assert wanted_after(ways) == set()
    assert release(ways, everybody(anyway=True)).absence.gone
    assert read(place.include.read_text()) == ()


def test_who_may_not_is_told_who_may_and_nothing_is_begun(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for folder in (ways.journal, ways.config.parent):
        monkeypatch.setattr(os, "access", lambda path, _, shut=folder: path != shut)
        for anyway in (False, True):
            with pytest.raises(DeniedError, match="may not write there") as no:
                release(ways, everybody(anyway=anyway))
            assert no.value.where == str(folder)
            assert "as root" in str(no.value.advice)
            assert "--anyway" not in str(no.value)
    assert last(ways)[1].state == "isolated"


def damaged(ways: Ways) -> None:
    (file,) = segments(ways.journal)
    file.write_bytes(file.read_bytes().replace(b"scanners", b"scammers"))


def test_a_damaged_journal(ways: Ways) -> None:
    damaged(ways)
    before = read_place(ways.config).include.read_text()
    for wish in (everybody(), Wish(mac(1), "x"), Wish(mac(1), "x", anyway=True)):
        with pytest.raises(DeniedError, match="what the journal cannot say is not done") as no:
            release(ways, wish)
        assert "--anyway" in str(no.value.advice)
    assert read_place(ways.config).include.read_text() == before
    done = release(ways, everybody(anyway=True))
    assert done.macs == (mac(1), mac(2), mac(5))
    assert done.cases == 0
    assert "isolates them again" in str(done.unnoted)
    assert isolated(read_place(ways.config)) == frozenset()


def test_isolations_that_the_journal_does_not_know_go_too(ways: Ways, tmp_path: Path) -> None:
    other = ways._replace(journal=journal(tmp_path / "other", CASES[3]))
    done: Done = release(other, everybody())
    assert done.macs == (mac(1), mac(2), mac(5))
    assert done.cases == 0
    (said,) = told(other, "release")
    assert len(said["macs"]) == 3


@pytest.mark.parametrize("device", ["nobody", mac(4), mac(9), "10.9.9.9"])
def test_whom_nobody_isolates(ways: Ways, device: str) -> None:
    with pytest.raises(DeniedError, match="is not isolated"):
        release(ways, Wish(device, "x"))
    assert told(ways, "release") == []


def test_without_an_installation(ways: Ways) -> None:
    (ways.config.parent / JOURNAL).unlink()
    with pytest.raises(FaucetFileError, match="not installed"):
        release(ways, everybody())
    assert last(ways)[1].state == "isolated"
