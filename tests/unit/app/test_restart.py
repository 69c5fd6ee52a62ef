"""What a new run knows of the one before: from the store, else what was judged from the journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from plugin.app.restart import left, remember
from plugin.engine import Engine
from plugin.ml.verdict import judge, to_document
from tests import journals
from tests.playbook import START, found, role, verdict

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
    assert engine.step(known.restored, START) == []
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
    assert known.restored == ((), ())


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
    assert known == (((), ()), frozenset(), None, None)
    assert not store.exists()


def test_what_nobody_judged_is_left(tmp_path: Path) -> None:
    found = left(tmp_path, [FIRST, TORN, NEW], frozenset({FIRST}))
    assert [(one.capture, one.mac) for one in found] == [(TORN, None), (NEW, PRINTER)]
    assert {one.why for one in found} == {"left"}
    assert found[0].path == str(tmp_path / TORN)
    assert {one.missed for one in found} == {0}
