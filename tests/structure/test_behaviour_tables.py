"""The tables of what is named: good devices, attacks, and what was missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.ml.behaviour import NAMES
from scripts.tables import behaviours as tables
from scripts.tables.behaviours import EXPECTED, MISSES, Attack, attack_lines, attacks_in, main
from tests import attacks
from tests import frames as f


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["path,attack,attack_type"]
    for place, attack, kind, frames in (
        ("attacks/scan/b.pcap", "yes", "TCP SYN port scan", attacks.vertical()),
        ("attacks/scan/a.pcap", "yes", "ICMP sweep", attacks.ping_sweep(3)),
        ("attacks/misc/c.pcap", "yes", "something new", attacks.visits()),
        ("devices/d.pcap", "no", "", attacks.visits()),
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f.pcap(*frames))
        rows.append(f"{place},{attack},{kind}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_attacks_are_held_against_their_names(folder: Path) -> None:
    c, a, b = attacks_in(folder)
    assert (c.expected, c.named, c.right) == (frozenset(), frozenset(), False)
    assert (a.expected, a.named, a.right) == (frozenset({"icmp-sweep"}), frozenset(), False)
    assert (b.named, b.right) == (frozenset({"vertical-scan"}), True)
    lines = attack_lines([c, a, b])
    assert lines[-1] == (
        "Of 3 attack captures 1 have a device that is named; of the 2 whose kind has a name here,"
        " 1 are."
    )
    assert not any("something new" in line for line in lines)
    assert "| not looked into |" in lines[2]


def test_a_miss_tells_why() -> None:
    (kind,) = [kind for kind in MISSES if "ARP" in kind]
    missed = Attack("attacks/x.pcap", kind, frozenset(EXPECTED[kind]), frozenset({"beacon"}))
    assert MISSES[kind] in attack_lines([missed])[2]
    assert attack_lines([missed._replace(named=frozenset({"arp-spoofing"}))])[2].endswith("|  |")


def test_what_is_expected_are_behaviours_that_there_are() -> None:
    assert set().union(*EXPECTED.values()) <= NAMES
    assert set(MISSES) <= set(EXPECTED)


def test_both_tables_are_printed_or_written(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tables, "shared_folder", lambda: folder)
    document = tmp_path / "d.md"
    document.write_text(
        f"before\n{tables.BEGIN}stale figures\n{tables.END}\nafter\n", encoding="utf-8"
    )
    monkeypatch.setattr(tables, "DOCUMENT", document)
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "| devices/d.pcap | no | 1 |" in printed
    assert main(["--write"]) == 0
    text = document.read_text(encoding="utf-8")
    assert printed in text
    assert "stale figures" not in text
    assert text.startswith("before\n")
    assert text.endswith(f"{tables.END}\nafter\n")
    monkeypatch.setattr(tables, "shared_folder", lambda: None)
    assert main([]) == 2
