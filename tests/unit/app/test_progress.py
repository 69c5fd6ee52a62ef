"""How far each isolation has come; nothing is ever called proven that was not read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plugin.actions import Isolation
from plugin.app.desired import Desired, Wish, desired
from plugin.app.looking import Looked, Looking
from plugin.app.progress import Progress, Stage
from plugin.app.proving import Read
from plugin.faucet.flows import Query
from plugin.faucet.hook import INCLUDE, NOTHING
from tests.fabric import Fabric
from tests.unit.app.test_hooking import BLOCK, OTHERS, config, installed, sets

__all__ = ["config"]
NOBODY = Wish((), frozenset())
BOTH = Wish((BLOCK, OTHERS), frozenset())


class There:
    """Files that hold both isolations, and the flows that follow from them."""

    def __init__(self, config: Path) -> None:
        installed(config)
        self.looked: Looked = Looking(config).look()
        self.want: Desired = desired(self.looked, BOTH.isolations, NOTHING)
        self.nothing: Desired = desired(self.looked, (), NOTHING)
        (config.parent / INCLUDE).write_text(self.want.text)
        self.fabric = Fabric(config)
        self.fabric.load()
        self.progress = Progress()

    def prove(
        self, want: Desired | None = None, *, reloads: bool = False, without: int = 0
    ) -> None:
        flows = self.fabric.flows(Query(1))
        read = Read(probing=True, flows={1: tuple(f for f in flows if f.cookie != without)})
        self.progress.prove(want or self.want, self.looked.ground, read, reloads=reloads)

    def doubts(self) -> bool:
        return self.progress.doubts

    def blind(self) -> None:
        self.progress.prove(self.want, self.looked.ground, Read(), reloads=False)


@pytest.fixture
def there(config: Path) -> There:
    return There(config)


def stage(standing: tuple[Isolation, ...], *, loaded: bool = True, deaf: bool = False) -> Stage:
    return Stage({one.cookie: one for one in standing}, loaded, deaf, None)


def test_one_step_after_another(there: There) -> None:
    nothing = there.progress.report(BOTH, there.want, stage((), loaded=False))
    assert sets(nothing.wanted, nothing.written) == ({7, 8}, set())
    written = there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS), loaded=False))
    assert sets(written.written, written.loaded, written.proven) == ({7, 8}, set(), set())
    loaded = there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    assert sets(loaded.loaded, loaded.proven) == ({7, 8}, set())
    there.prove()
    assert there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS))).proven == {7, 8}


def test_what_stands_otherwise_is_not_written(there: There) -> None:
    other = replace(BLOCK, addresses=("10.0.0.1",))
    report = there.progress.report(BOTH, there.want, stage((other, OTHERS)))
    assert report.written == {8}


def test_a_written_change_leaves_the_others_loaded(there: There) -> None:
    there.progress.report(BOTH, there.want, stage((BLOCK,)))
    report = there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS), loaded=False))
    assert report.loaded == {7}


def test_a_doubt_is_for_a_reload_alone_and_for_one_read(there: There) -> None:
    there.prove()
    there.prove(without=7, reloads=True)
    assert there.doubts()
    assert 7 in there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS))).proven
    there.prove(without=7, reloads=True)
    assert not there.doubts()
    report = there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    assert report.proven == {8}
    assert "no flow" in report.unproven[7]
    there.prove()
    there.prove(without=7)
    assert there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS))).proven == {8}


def test_a_proof_of_something_else_is_forgotten(there: There) -> None:
    there.prove()
    there.progress.forget_proofs({7})
    assert there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS))).proven == {8}
    there.prove()
    there.prove(without=7, reloads=True)
    there.progress.forget_proofs({7})
    assert not there.doubts()


def test_who_cannot_read_proves_nothing_and_finds_nothing_absent(there: There) -> None:
    there.prove()
    there.blind()
    report = there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    assert not report.probing
    assert sets(report.proven, report.loaded) == (set(), {7, 8})


def test_a_silent_switch_is_named(there: There) -> None:
    read = Read(probing=True, silent={1: "it has not called our probe"})
    there.progress.prove(there.want, there.looked.ground, read, reloads=False)
    report = there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    assert "sw1: it has not called our probe" in report.unproven[7]
    # What it does not tell is not known to be gone.
    there.progress.prove(there.nothing, there.looked.ground, read, reloads=False)
    assert not there.progress.report(NOBODY, there.nothing, stage(())).absent


def test_absent_is_what_no_switch_holds_and_faucet_has_not_loaded(there: There) -> None:
    there.prove()
    there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    one = Wish((OTHERS,), frozenset())
    left = desired(there.looked, (OTHERS,), NOTHING)
    there.prove(left)
    assert not there.progress.report(one, left, stage((OTHERS,), loaded=False)).absent
    assert not there.progress.report(one, left, stage((OTHERS,))).absent  # its flows are there
    there.prove(left, without=7)
    there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    unread = there.progress.report(one, left, stage((OTHERS,), loaded=False))
    assert not unread.absent  # Faucet has the file with it, and may put its flows in again
    assert not there.progress.report(one, left, stage((BLOCK, OTHERS))).absent  # in the file
    assert there.progress.report(one, left, stage((OTHERS,))).absent == {7}


def test_absence_where_faucet_cannot_be_asked(there: There) -> None:
    there.prove()
    there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS), loaded=False, deaf=True))
    there.prove(there.nothing)
    gone = stage((), loaded=False, deaf=True)
    assert not there.progress.report(NOBODY, there.nothing, gone).absent
    there.fabric.rules = []
    there.prove(there.nothing)
    assert there.progress.report(NOBODY, there.nothing, gone).absent == {7, 8}


def test_absence_of_what_an_earlier_run_left(there: There) -> None:
    there.progress.knows({5})
    there.prove()
    assert there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS))).absent == {5}


def test_who_cannot_read_takes_what_an_earlier_run_left_for_gone_once_it_is_loaded(
    there: There,
) -> None:
    there.progress.knows({5})
    there.blind()
    written = there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS), loaded=False))
    assert not written.absent
    assert there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS))).absent == {5}


def test_a_port_that_may_have_been_moved_is_back_only_when_all_tables_say_so(there: There) -> None:
    there.progress.knows({5})
    both = stage((BLOCK, OTHERS))
    flows = {1: there.fabric.flows(Query(1))}
    for whole, absent in ((False, set()), (True, {5})):
        read = Read(probing=True, flows=flows)
        there.progress.prove(there.want, there.looked.ground, read, reloads=False, whole=whole)
        assert there.progress.report(BOTH, there.want, both).absent == absent


def test_where_there_is_no_switch_nothing_stands_at_one(there: There) -> None:
    there.progress.knows({5})
    there.progress.prove(there.want, there.looked.ground, Read(probing=True), reloads=False)
    assert there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS))).absent == {5}


def test_why_something_is_not_gone_is_said(there: There) -> None:
    leaving = Wish((OTHERS,), frozenset(), frozenset({7}))
    left = desired(there.looked, (OTHERS,), NOTHING)

    def why(*standing: Isolation, loaded: bool = True) -> str | None:
        found = there.progress.report(leaving, left, stage(standing, loaded=loaded))
        return found.unproven.get(7)

    there.prove()
    there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    assert why(BLOCK, OTHERS, loaded=False) == "it stands in Faucet's files still"
    there.prove(left)
    assert why(OTHERS, loaded=False) == "a switch has rules of it still"
    there.prove(left, without=7)
    there.progress.report(BOTH, there.want, stage((BLOCK, OTHERS)))
    assert why(OTHERS, loaded=False) == "Faucet has not loaded the files without it yet"
    assert why(OTHERS) is None
