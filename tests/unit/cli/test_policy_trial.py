"""``halia policy simulate`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.cli.main import main
from plugin.ml.behaviour.finding import Finding
from tests import journals
from tests import sayings as say
from tests.flow_models import saved_flows

ROOT = Path(__file__).resolve().parents[3]
SCAN = Finding("vertical-scan", 4.0, 2.0, ("30 ports",), ("c1",))
OTHER = "02:00:00:00:00:08"
POLICY = """\
halia-policy: 1
protect: {macs: ["02:00:00:00:00:08"]}
rules:
  - {name: scans, match: {behaviours: [vertical-scan]}, action: quarantine, approve: true}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(POLICY)
    told = [
        say.device(0.0, name="cam\x1b[31m"),
        say.device(0.0, mac=OTHER, port=8),
        say.finding(0.0, SCAN),
        say.finding(0.0, SCAN, mac=OTHER),
    ]
    journals.write(tmp_path / "state" / "journal", *[(one.kind, dict(one.body)) for one in told])
    return tmp_path


def halia(words: str) -> int:
    return main(["policy", "simulate", *words.split()])


@pytest.mark.usefixtures("folder")
def test_a_table_says_whom_how_long_and_what_was_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert halia("--from state --policy p.yaml") == 0
    said = capsys.readouterr()
    header, first, second, *rest = said.out.splitlines()
    assert header.split() == ["time", "device", "where", "rule", "action", "for"]
    for part in (
        "2023-11-14T22:13:23Z", say.MAC, "(cam\\x1b[31m)", "sw1:7", "scans", "quarantine",
        "1 hour", "once approved: it did vertical-scan: 30 ports",
    ):  # fmt: skip
        assert part in first
    assert "not done: protected by p.yaml (protect: MAC address 02:00:00:00:00:08)" in second
    assert rest == [
        "from 2023-11-14T22:13:21Z to 2023-11-14T22:13:24Z: 2 devices, 0 judged captures",
        (
            "would have been isolated: 1 device, 1 at a time at most (caps.devices: 10);"
            " wanted and not done: 1 more"
        ),
        "rule scans (simulate): 1 time",
    ]
    assert said.err == ""


@pytest.mark.usefixtures("folder")
def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("--from state/journal --policy p.yaml --json") == 0
    done, stopped, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert (done["kind"], done["mac"], done["seconds"], done["done"]) == (
        "deed", say.MAC, 3600.0, True,
    )  # fmt: skip
    assert done["place"] == {"dp": "sw1", "port": 7, "vid": 100}
    assert (stopped["mac"], stopped["done"], stopped["seconds"]) == (OTHER, False, 0.0)
    assert summary["kind"] == "summary"
    assert (summary["isolated"], summary["most"], summary["seconds"]) == (1, 1, 3600.0)
    assert summary["frozen"] is None


def test_what_may_not_be_enforced_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = POLICY.replace("behaviours: [vertical-scan]", "anomalies: [novel]")
    (folder / "p.yaml").write_text(text)
    assert halia("--from state --policy p.yaml") == 0
    said = capsys.readouterr()
    assert "may not be enforced as it stands: scans: would isolate every new device" in said.err
    assert "would have been isolated: 0 devices" in said.out


def test_caps_that_froze_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = POLICY.replace('protect: {macs: ["02:00:00:00:00:08"]}', "caps: {devices: 1}")
    (folder / "p.yaml").write_text(text)
    assert halia("--from state --policy p.yaml") == 0
    said = capsys.readouterr().out
    assert "not done: isolations by rules are frozen: caps.devices: 1 of 1" in said
    assert "the caps were first breached at 2023-11-14T22:13:24Z: caps.devices: 1 of 1" in said


@pytest.mark.usefixtures("folder")
def test_a_journal_that_is_not_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = (folder / "state" / "journal").glob("journal-*.jsonl")
    file.write_text(file.read_text().replace("sw1", "sw2", 1))
    assert halia("--from state --policy p.yaml") == 2
    said = capsys.readouterr()
    assert "line 1" in said.err
    assert "would have been isolated" in said.out


@pytest.mark.usefixtures("folder")
def test_captures(capsys: pytest.CaptureFixture[str]) -> None:
    captures = ROOT / "configs" / "behaviours" / "vertical-scan.pcap.gz"
    assert halia(f"--from {captures} --policy p.yaml --json") == 0
    *deeds, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert [one["rule"] for one in deeds] == ["scans"]
    assert deeds[0]["place"] is None
    assert summary["verdicts"] == summary["devices"] > 1


@pytest.mark.usefixtures("folder")
def test_captures_are_judged_by_the_settings_models_of_flows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    printer = ROOT / "tests" / "data" / "captures" / "airprint_printer4.pcap"
    match = "{novelty: 3, windows: {at_least: 1, of: 1}}"
    rule = f"{{name: odd, match: {match}, action: block, accept_novelty_alone: true}}"
    Path("novel.yaml").write_text(f"halia-policy: 1\nrules: [{rule}]\n")
    words = f"--from {printer} --policy novel.yaml --json"
    assert halia(words) == 0
    assert not json.loads(capsys.readouterr().out)["isolated"]
    monkeypatch.setenv("HALIA_DETECT_FLOWS", f"Printer={saved_flows(tmp_path)}")
    assert halia(words) == 0
    deed, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert (deed["mac"], deed["rule"]) == ("fc:15:b4:ab:2e:fd", "odd")
    monkeypatch.setenv("HALIA_DETECT_FLOWS", "Printer=none-such")
    assert halia(words) == 2
    assert "detect.flows, role Printer: none-such: no such model" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_what_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("--from state p.yaml --policy p.yaml") == 2
    assert "one journal at a time" in capsys.readouterr().err
    assert halia("--from gone --policy p.yaml") == 2
    assert halia("--from state --policy gone.yaml") == 2
    assert halia("--from state --policy p.yaml --out p.yaml --force") == 2
    capsys.readouterr()
    assert halia("--from state --policy p.yaml --out new.txt") == 0
    assert "would have been isolated" in Path("new.txt").read_text()
