"""What a new run knows of the one before: from the store, else what was judged from the journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.clock import now
from plugin.app.restart import Memory, left, remember
from plugin.engine import Engine
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.ml.verdict import judge, relay_reason, to_document
from plugin.policy.remembered import to_document as to_case_document
from tests import journals
from tests.ledgers import policy
from tests.playbook import START, case, found, role, verdict

if TYPE_CHECKING:
    from pathlib import Path

PRINTER, LAPTOP = journals.mac(1), journals.mac(2)
FIRST, SECOND, TORN, NEW = (
    f"trace_{ident}_2023-11-14_22_13_2{i}.pcap"
    for i, ident in enumerate(("020000000001", "020000000002", "a" * 40, "020000000001"))
)


def said(number: int, capture: str, label: str = "Printer") -> journals.Told:
    """A verdict as a run writes it."""
    one = verdict(journals.mac(number), role=role(label=label), anomaly=judge([found().finding]))
    kind, body = journals.verdict(number, capture)
    return kind, {**body, "verdict": to_document(one)}


def write(folder: Path) -> Path:
    journals.write(
        folder,
        ("started", {"version": "1", "pid": 1}),
        journals.device(1, name="printer-1", vendor="Brother"),
        journals.device(2),
        journals.device(3),
        said(1, FIRST),
        said(2, SECOND, "Workstation"),
        journals.unjudged(2, TORN),
        journals.gone(3),
        ("stopped", {"why": "SIGTERM"}),
    )
    return folder


def test_the_store_knows_devices_verdicts_and_what_was_judged(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal")
    known = remember(tmp_path / "state.sqlite", journal, [FIRST, SECOND, TORN, NEW])
    assert known.problem is None
    assert known.judged == {FIRST, SECOND, TORN}
    devices = {one.mac: (one.name, one.vendor) for one in known.restored.devices}
    assert devices == {PRINTER: ("printer-1", "Brother"), LAPTOP: (None, "Maker")}
    verdicts = {one.mac: one for one in known.restored.verdicts}
    assert verdicts[LAPTOP].role == role(label="Workstation")
    assert (verdicts[PRINTER].capture, verdicts[PRINTER].captures) == (FIRST, 1)
    assert verdicts[PRINTER].anomaly == judge([found().finding])
    engine = Engine()
    assert engine.step(known.restored, START) == [do.Enforce((), frozenset())]
    one = engine.view(PRINTER)
    assert one is not None
    assert (one.state, one.vendor, one.name, one.dp) == ("suspect", "Brother", "printer-1", "sw1")


def test_a_capture_of_too_little_does_not_take_the_role_away(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal")
    too_little = verdict(PRINTER, role=role("undetermined"), source=f"captures/{NEW}")
    kind, body = journals.verdict(1, NEW)
    journals.write(journal, (kind, {**body, "verdict": to_document(too_little)}))
    known = remember(tmp_path / "state.sqlite", journal, [NEW])
    one = next(one for one in known.restored.verdicts if one.mac == PRINTER)
    assert one.role == role(label="Printer")
    assert one.role_capture == "trace_a.pcap"
    assert (one.capture, one.captures, one.anomaly) == (NEW, 2, None)


def test_a_gateway_stays_one_though_an_older_capture_had_a_role(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal")
    why = relay_reason(1, 8)
    relays = verdict(PRINTER, role=role("undetermined")._replace(reason=why))
    kind, body = journals.verdict(1, NEW)
    journals.write(journal, (kind, {**body, "verdict": to_document(relays)}))
    known = remember(tmp_path / "state.sqlite", journal, [NEW])
    engine = Engine()
    engine.step(ev.PolicyRead(policy()), START)
    engine.step(known.restored, START)
    reason = engine.deciding.protected(PRINTER)
    assert reason is not None
    assert "taken for a gateway" in reason
    assert "taken for a gateway" not in (engine.deciding.protected(LAPTOP) or "")


@pytest.mark.parametrize(
    "wrong",
    [{"role": {}}, {"anomaly": True}, {"window": ""}, {"sessions": "many"}, {"source": None}],
)
def test_a_verdict_of_another_version_does_not_keep_a_run_from_starting(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    journal = write(tmp_path / "journal")
    kind, body = journals.verdict(1, NEW)
    whole = to_document(verdict(PRINTER))
    odd = {name: value for name, value in {**whole, **wrong}.items() if value is not None}
    journals.write(journal, (kind, {**body, "verdict": odd}))
    known = remember(tmp_path / "state.sqlite", journal, [FIRST, NEW])
    assert LAPTOP in {one.mac for one in known.restored.verdicts}
    Engine().step(known.restored, START)


def test_only_what_is_asked_for_is_told_to_be_judged(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal")
    assert remember(tmp_path / "state.sqlite", journal, [NEW]).judged == frozenset()


def test_without_the_store_no_capture_is_judged_twice(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal")
    store = tmp_path / "state.sqlite"
    store.mkdir()
    known = remember(store, journal, [FIRST, SECOND, TORN, NEW])
    assert known.problem is not None
    assert str(store) in known.problem
    assert known.judged >= {FIRST, SECOND, TORN}
    assert NEW not in known.judged
    assert (known.restored.devices, known.restored.verdicts) == ((), ())


def test_a_damaged_store_forgets_nothing(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal")
    store = tmp_path / "state.sqlite"
    expected = remember(store, journal, [FIRST, NEW])
    store.write_bytes(b"this is no database" * 100)
    known = remember(store, journal, [FIRST, NEW])
    assert known._replace(anew=None) == expected
    assert known.anew is not None
    assert "set aside as" in known.anew


def test_a_damaged_row_of_the_store_forgets_nothing(tmp_path: Path) -> None:
    journal = write(tmp_path / "journal")
    store = tmp_path / "state.sqlite"
    expected = remember(store, journal, [FIRST, NEW])
    with closing(sqlite3.connect(store)) as other, other:
        other.execute("UPDATE halia_devices SET document = 'no JSON'")
    known = remember(store, journal, [FIRST, NEW])
    assert known._replace(anew=None) == expected
    assert known.anew is not None
    assert "another hand" in known.anew


def test_a_first_run_knows_nothing_and_makes_no_store(tmp_path: Path) -> None:
    store = tmp_path / "state.sqlite"
    known = remember(store, tmp_path / "journal", [FIRST])
    assert known == (ev.Restored((), ()), frozenset(), None, None)
    assert not store.exists()


def decided(state: str, **changed: Any) -> journals.Told:
    """A step of a case as a run writes it."""
    body = {"case": to_case_document(case(state, **changed)), "before": None, "why": "-"}  # type: ignore[arg-type] # any state
    return "decision", body


def cases(memory: Memory) -> list[tuple[int, str]]:
    return [(one.number, one.state) for one in memory.restored.cases]


STEPS = (
    decided("isolating", number=1),
    decided("pending", number=2, cookie=0, mac=PRINTER),
    decided("isolated", number=1),
    decided("simulated", number=3, cookie=0, mac=LAPTOP, grace=0.0),
    decided("over", number=3, cookie=0, mac=LAPTOP, grace=0.0, deadline=None),
    decided("over", number=2, cookie=0, mac=PRINTER, deadline=None, grace=600.0),
    decided("simulated", number=4, cookie=0, mac=LAPTOP, grace=0.0),
    decided("over", number=4, cookie=0, mac=LAPTOP, grace=0.0, deadline=None),
)


def test_store_and_journal_know_the_same_of_who_is_isolated(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    start = now() - 1_000
    journals.write(journal, ("started", {}), *STEPS, journals.caps("caps.devices"), start=start)
    store = tmp_path / "state.sqlite"
    known = remember(store, journal, [])
    # 3 was only simulated, and 2 is an answer that counts; the last one tells how far they count.
    assert cases(known) == [(1, "isolated"), (2, "over"), (4, "over")]
    assert known.restored.cases[0] == case("isolated", number=1)
    assert known.restored.frozen == "caps.devices"
    assert known.restored.began == pytest.approx(start, abs=2)
    (tmp_path / "broken").mkdir()
    alone = remember(tmp_path / "broken", journal, [])
    assert alone.problem is not None
    assert sorted(alone.restored.cases, key=lambda one: one.number) == list(known.restored.cases)
    assert alone.restored.frozen == known.restored.frozen
    assert alone.restored.began == known.restored.began
    store.unlink()  # the store is only a projection of the journal
    assert remember(store, journal, []).restored == known.restored


def test_who_was_isolated_and_nobody_else_is_so_after_a_restart(tmp_path: Path) -> None:
    start = now() - 1_000
    later = decided("isolated", number=5, cookie=5, mac=LAPTOP, until=start + 9, deadline=start + 9)
    forever = decided("isolated", number=6, cookie=6, mac=PRINTER, until=None, origin="operator")
    journals.write(tmp_path / "journal", later, forever, start=start)
    engine = Engine()
    known = remember(tmp_path / "state.sqlite", tmp_path / "journal", [])
    commands = engine.step(known.restored, start + 100)
    (wish,) = [one for one in commands if isinstance(one, do.Enforce)]
    assert [(one.mac, one.cookie) for one in wish.isolations] == [(PRINTER, 6)]
    states = {one.mac: one.state for one in engine.deciding.cases()}
    assert states == {LAPTOP: "releasing", PRINTER: "isolating"}


def test_a_case_that_cannot_be_read_is_told_and_the_others_are_known(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    _, body = decided("isolated", number=8)
    odd = ("decision", {**body, "case": {**body["case"], "action": {"kind": "shout"}}})
    journals.write(journal, odd, decided("isolated", number=9, mac=LAPTOP))
    known = remember(tmp_path / "state.sqlite", journal, [])
    assert cases(known) == [(9, "isolated")]
    assert known.problem is not None
    assert known.problem.startswith("cases 8 of the journal cannot be read")


def test_what_nobody_judged_is_left(tmp_path: Path) -> None:
    found = left(tmp_path, [FIRST, TORN, NEW], frozenset({FIRST}))
    assert [(one.capture, one.mac) for one in found] == [(TORN, None), (NEW, PRINTER)]
    assert {one.why for one in found} == {"left"}
    assert found[0].path == str(tmp_path / TORN)
    assert {one.missed for one in found} == {0}
