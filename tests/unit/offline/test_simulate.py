from __future__ import annotations

from pathlib import Path

import pytest

from plugin.broker.message import message_id
from plugin.errors import InputError
from plugin.ml.behaviour.finding import Finding
from plugin.ml.verdict import Anomaly
from plugin.offline.classify import DEFAULTS, load_models, load_usual
from plugin.offline.flow_novelty import load_flow_models
from plugin.offline.judges import Judges
from plugin.offline.simulate import Simulated, from_captures, from_journal, journal_in, simulate
from plugin.policy.document import read_policy
from tests import journals
from tests import sayings as say
from tests.flow_models import saved_flows

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "configs" / "behaviours"
SCAN = Finding("vertical-scan", 4.0, 2.0, ("30 ports",), ("c1",))
POLICY = read_policy(
    """\
halia-policy: 1
caps: {devices: 100, percent: 100, per_switch: 100, per_hour: 100}
rules:
  - {name: scans, match: {behaviours: [vertical-scan]}, action: quarantine, duration: 1h}
  - {name: changed, match: {anomalies: [changed]}, action: block, duration: 2h}
""",
    "p.yaml",
)
CHANGED = Anomaly("changed", None, Finding("change", 3.0, 2.0, (), ()), ())


def _rows(found: Simulated) -> list[tuple[str, str, float, float]]:
    return [(one.mac, one.rule, one.began, one.seconds) for one in found.tried.deeds]


def test_a_finding_acts_at_once_and_a_change_in_two_captures_of_three() -> None:
    other = "02:00:00:00:00:08"
    found = simulate(
        POLICY,
        [
            say.device(100.0),
            say.device(101.0, mac=other, port=8),
            say.verdict(200.0, "c1", mac=other, anomaly=CHANGED),
            say.finding(300.0, SCAN),
            say.verdict(400.0, "c2", mac=other),
            say.verdict(500.0, "c3", mac=other, anomaly=CHANGED),
        ],
    )
    assert _rows(found) == [
        (say.MAC, "scans", 300.0, 3600.0),
        (other, "changed", 500.0, 7200.0),
    ]
    assert (found.began, found.ended, found.devices, found.verdicts) == (100.0, 500.0, 2, 3)
    assert found.tried.most == 2
    told = [message_id("verdict", other, capture) for capture in ("c3", "c1")]
    assert list(found.tried.deeds[1].evidence) == told
    assert found.tried.deeds[0].evidence == (message_id("finding:vertical-scan", say.MAC, "c"),)


def test_what_ends_by_itself_has_ended_when_the_next_thing_is_said() -> None:
    found = simulate(
        POLICY, [say.device(0.0), say.finding(10.0, SCAN), say.finding(90_000.0, SCAN)]
    )
    assert _rows(found) == [
        (say.MAC, "scans", 10.0, 3600.0),
        (say.MAC, "scans", 90_000.0, 3600.0),
    ]
    assert found.tried.most == 1


def test_one_mac_on_two_ports_is_isolated_by_nobody() -> None:
    said = [say.device(0.0), say.twice(5.0), say.finding(10.0, SCAN)]
    assert _rows(simulate(POLICY, said)) == []


def test_nothing_was_said() -> None:
    found = simulate(POLICY, [])
    assert (found.began, found.devices, found.tried.deeds) == (None, 0, ())


def test_a_journal_is_found_where_it_is_or_below(tmp_path: Path) -> None:
    assert journal_in(tmp_path) is None
    journals.write(tmp_path / "journal", journals.device(1))
    assert journal_in(tmp_path) == tmp_path / "journal"
    assert journal_in(tmp_path / "journal") == tmp_path / "journal"


def test_a_journal_says_what_it_holds(tmp_path: Path) -> None:
    told = [say.device(0.0), say.finding(10.0, SCAN), say.gone(20.0)]
    journals.write(tmp_path, *[(one.kind, dict(one.body)) for one in told], start=50.0)
    faults: list[str] = []
    said = list(from_journal(tmp_path, faults.append))
    assert [(one.time, one.kind) for one in said] == [
        (51.0, "device"), (52.0, "finding"), (53.0, "gone"),
    ]  # fmt: skip
    assert _rows(simulate(POLICY, said)) == [(say.MAC, "scans", 52.0, 3600.0)]
    assert faults == []


def test_what_was_changed_in_a_journal_is_told(tmp_path: Path) -> None:
    journals.write(tmp_path, journals.device(1), journals.device(2), journals.device(3))
    (file,) = tmp_path.glob("journal-*.jsonl")
    file.write_text(file.read_text().replace("10.0.0.2", "10.0.0.9"))
    faults: list[str] = []
    assert len(list(from_journal(tmp_path, faults.append))) == 2
    assert len(faults) == 1
    with pytest.raises(InputError, match="no journal here"):
        list(from_journal(tmp_path / "gone", faults.append))


def test_captures_are_judged_in_order_of_time(tmp_path: Path) -> None:
    faults: list[str] = []
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture at all")
    models = load_models("auto")
    paths = [SAMPLES / "vertical-scan.pcap.gz", bad, SAMPLES / "brute-force.pcap.gz"]
    said = from_captures(paths, Judges(models, DEFAULTS), faults.append)
    assert len(faults) == 1
    assert [one.time for one in said] == sorted(one.time for one in said)
    found = simulate(POLICY, said)
    assert [deed.rule for deed in found.tried.deeds] == ["scans"]
    assert found.unreadable == 0
    assert found.verdicts == len(said) > 2
    assert not [one for one in said if one.body["verdict"]["anomaly"]["novelty"]]
    held = from_captures(paths, Judges(models, DEFAULTS, load_usual("normal")), faults.append)
    assert [one for one in held if one.body["verdict"]["anomaly"]["novelty"]]


def test_captures_are_judged_by_flows_too(tmp_path: Path) -> None:
    printer = ROOT / "tests" / "data" / "captures" / "airprint_printer4.pcap"
    flows = load_flow_models([f"Printer={saved_flows(tmp_path)}"])
    judges = Judges(load_models("enterprise"), DEFAULTS, flows=flows)
    said = {one.body["mac"]: one.body["verdict"] for one in from_captures([printer], judges, print)}
    novel = [mac for mac, one in said.items() if one["anomaly"]["verdict"] == "novel"]
    assert novel == ["fc:15:b4:ab:2e:fd"]
    assert "that tiny has learned" in said[novel[0]]["anomaly"]["novelty"]["reasons"][0]
