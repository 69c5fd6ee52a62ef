"""``halia policy`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.main import main
from tests.services import LAPTOP, Office, case, serving

POLICY = """\
halia-policy: 1
protect: {vlans: [200]}
rules:
  - {name: scans, match: {behaviours: [vertical-scan]}, action: block, mode: enforce}
  - {name: new, match: {anomalies: [novel]}, action: notify}
"""
SAMPLES = """\
- name: a scanner
  subject: {mac: "02:00:00:00:00:07", behaviours: [vertical-scan]}
  expect: {enforced: scans}
- name: nobody
  subject: {mac: "02:00:00:00:00:08"}
  expect: {enforced: none}
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "p.samples.yaml").write_text(SAMPLES)
    (tmp_path / "d.yaml").write_text('{mac: "02:00:00:00:00:07", behaviours: [vertical-scan]}')
    return tmp_path


def halia(words: str) -> int:
    return main(["policy", *words.split()])


def _lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("folder")
def test_check_says_what_is_enforced(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("check p.yaml p.samples.yaml") == 0
    said = capsys.readouterr()
    assert said.out == "p.yaml: good: 2 rules, enforced: scans\n"
    assert said.err == ""
    assert halia("check p.yaml --json") == 0
    (document,) = _lines(capsys)
    assert document["enforced"] == ["scans"]
    assert (document["ok"], document["rules"], document["warnings"]) == (True, 2, [])
    assert len(document["digest"]) == 64


def test_check_says_all_that_is_wrong_in_all_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text("halia-policy: 1\nrule: []\nrules: [{}]\n")
    assert halia("check bad.yaml gone.yaml p.yaml") == 2
    said = capsys.readouterr()
    assert "bad.yaml:2:1: rule: no such field; did you mean 'rules'?" in said.err
    assert "bad.yaml:3:9: rules[0].name: is missing" in said.err
    assert "gone.yaml: cannot be read" in said.err
    assert said.out == "p.yaml: good: 2 rules, enforced: scans\n"
    assert halia("check bad.yaml --json") == 2
    (document,) = _lines(capsys)
    assert document["ok"] is False
    assert document["problems"][0].startswith("bad.yaml:2:1: ")


def test_check_warns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.yaml").write_text("halia-policy: 1")
    assert halia("check p.yaml") == 0
    said = capsys.readouterr()
    assert said.out == "p.yaml: good: 0 rules, enforced: none\n"
    assert "protect names nothing" in said.err
    assert halia("check p.yaml --quiet") == 0
    assert capsys.readouterr().err == ""


def test_test_tells_what_is_not_as_expected(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert halia("test p.yaml") == 0
    assert capsys.readouterr().out == "p.yaml: 2 of 2 samples are as expected\n"
    assert halia("test p.samples.yaml --verbose") == 0
    assert "p.samples.yaml:4:3: nobody: as expected\n" in capsys.readouterr().out
    (folder / "p.samples.yaml").write_text(SAMPLES.replace("enforced: none", "enforced: new"))
    assert halia("test p.yaml") == 4
    assert capsys.readouterr().out == (
        "p.samples.yaml:4:3: nobody: enforced: new was expected; it is none\n"
        "p.yaml: 1 of 2 samples are as expected\n"
    )
    assert halia("test p.yaml --json") == 4
    good, bad = _lines(capsys)
    assert (good["ok"], good["enforced"], good["protected"]) == (True, "scans", None)
    assert (bad["ok"], bad["sample"], bad["place"]) == (False, "nobody", "p.samples.yaml:4:3")


def test_a_mistake_outweighs_a_sample(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.samples.yaml").write_text(SAMPLES.replace("enforced: none", "enforced: new"))
    (folder / "q.yaml").write_text(POLICY)
    assert halia("test p.yaml q.yaml") == 2
    assert "q.yaml: has no samples" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_explain_says_why_and_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("explain p.yaml --subject d.yaml") == 0
    said = capsys.readouterr().out
    assert "the rule scans decides" in said
    assert "because it did vertical-scan" in said
    assert "new: notify, simulate: does not apply" in said
    assert halia("explain p.yaml --subject d.yaml --json") == 0
    (document,) = _lines(capsys)
    assert (document["enforced"], document["simulated"]) == ("scans", None)


def test_a_verdict_as_a_device_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = json.dumps({"schema": 1, "role": {}, "anomaly": None, "window": {}, "mac": "x"})
    for lines in (1, 2):
        (folder / "v.json").write_text(f"{verdict}\n" * lines)
        assert halia("explain p.yaml --subject v.json") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "v.json: is a verdict of 'halia classify --json'" in line


@pytest.mark.usefixtures("folder")
def test_a_policy_without_a_device_is_said_to_lack_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("explain p.yaml") == 2
    assert "--subject says which device it is tried on" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_explain_names_the_file_that_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("explain p.yaml --subject p.yaml") == 2
    assert "p.yaml:1:1: halia-policy: no such field" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_policy_without_a_device_is_no_device(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("explain p.yaml") == 2
    assert "--subject" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_no_input_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        "check p.yaml --out p.yaml",
        "explain p.yaml --subject d.yaml --out d.yaml",
        "explain p.yaml --subject d.yaml --out p.yaml",
    ):
        assert halia(f"{words} --force") == 2
        assert "input" in capsys.readouterr().err


def test_the_schema_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert halia("schema") == 0
    file = Path(capsys.readouterr().out.strip())
    assert json.loads(file.read_text("utf-8"))["$id"] == "urn:halia:policy:1"


def test_the_policies_that_come_along_are_good(capsys: pytest.CaptureFixture[str]) -> None:
    files = " ".join(map(str, sorted((ROOT / "configs" / "policies").glob("*.yaml"))))
    assert halia(f"check {files}") == 0
    assert halia(f"test {files}") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count(": good: ") == said.out.count("are as expected") == 4


EXPLAINED: dict[str, Any] = {
    "mac": LAPTOP, "name": "ann\x1b[2J", "enforced": "scans", "simulated": None, "held": None,
    "notes": [], "case": None,
    "rules": [
        {
            "rule": "scans", "place": "p.yaml:3:5", "action": "block", "mode": "enforce",
            "applies": True, "reasons": ["it did vertical-scan"], "evidence": ["f-1"],
            "missing": None, "outcome": "it decides: it reaches nobody", "words": None,
        }
    ],
}  # fmt: skip


def live(folder: Path, *words: str, case: dict[str, Any] | None = None) -> int:
    office = Office()
    office.explained = {**EXPLAINED, "case": case}
    with serving(folder / "s", office):
        return main(["policy", "explain", *words, "--socket", str(folder / "s")])


def test_explain_asks_the_daemon_about_a_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live(tmp_path, "ann-laptop", case=case(7)) == 0
    said = capsys.readouterr().out
    assert "because it did vertical-scan" in said
    assert "decision    case 7, quarantine: it is isolated" in said
    assert "\x1b" not in said
    assert live(tmp_path, "10.0.0.12") == 0
    assert "decision" not in capsys.readouterr().out
    assert live(tmp_path, LAPTOP, "--json", case=case(7)) == 0
    (document,) = _lines(capsys)
    assert (document["enforced"], document["case"]["number"]) == ("scans", 7)


def test_explain_of_whom_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert live(tmp_path, "10.9.9.9") == 4
    assert "no such device is known" in capsys.readouterr().err
    assert main(["policy", "explain", "10.9.9.9", "--socket", str(tmp_path / "none")]) == 3
