from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.cli.main import main
from tests import frames as f
from tests.netml_files import SMALL


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("models") / "m"
    assert main(["learn", "-q", "-p", str(SMALL), "-o", str(place), "--feat-type", "STATS"]) == 0
    return str(place)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.pcap"
    asks = [f.tcp_frame(k / 10, f.ACK) for k in range(40)]
    answers = [f.tcp_frame(k + 0.05, f.ACK, back=True) for k in range(3)]
    path.write_bytes(f.pcap(*sorted(asks + answers)))
    return path


def test_an_object_a_flow_then_one_a_device(
    model: str, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "-m", model, "-p", str(other), "--json", "--explain"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["kind"] for one in told] == ["flow", "flow", "device", "device"]
    assert all(one["source"] == str(other) for one in told)
    assert told[0]["reasons"]
    abnormal = sum(one["abnormal"] for one in told[:2])
    assert sum(one["abnormal"] for one in told[2:]) == abnormal
    assert main(["classify", "-m", model, str(other), "--json", "--no-report-all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 + abnormal


def test_anomalies_and_devices_for_people(
    model: str, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "--model", model, str(other), "--report-all", "--explain"]) == 0
    text = capsys.readouterr().out
    assert "10.0.0.1:" in text
    assert "[TCP] 40 packets" in text
    assert "usually" in text
    assert "of 2 flows score above" in text
    assert main(["classify", "--model", model, str(other)]) == 0
    assert " normal\n" not in capsys.readouterr().out


def test_one_device(model: str, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["classify", "--model", model, str(other), "--json", "--device"]
    assert main([*words, "10.0.0.2"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["device"] for one in told} == {"0e:00:00:00:00:02"}
    assert main([*words, "10.0.0.3"]) == 4
    assert "no such device" in capsys.readouterr().err


def test_bad_captures_are_told_and_the_others_scored(
    model: str, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, torn = tmp_path / "empty.pcap", tmp_path / "torn.pcap"
    empty.write_bytes(f.pcap())
    torn.write_bytes(other.read_bytes()[:-3])
    assert main(["classify", "--model", model, "--json", str(empty), str(torn), str(other)]) == 2
    captured = capsys.readouterr()
    assert "empty.pcap: has no packets" in captured.err
    assert "torn.pcap" in captured.err
    told = [json.loads(line) for line in captured.out.splitlines()]
    assert {Path(one["source"]).name for one in told} == {"torn.pcap", "other.pcap"}


@pytest.mark.parametrize(
    "option", [["--window", "5m"], ["--networkml", "x"], ["--behaviours", "none"],
               ["--normal", "none"], ["--suspicion", "none"]],
)  # fmt: skip
def test_options_of_roles_do_not_apply(
    model: str, other: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "--model", model, str(other), *option]) == 2
    assert "does not apply to a model of flows" in capsys.readouterr().err


def test_wrong_models_each_end_in_one_line(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "model.dat"
    theirs.write_bytes(b"\x80\x04K\x01.")
    for name, said in ((str(theirs), "pickles"), (str(tmp_path), "manifest"), ("none", "no such")):
        assert main(["classify", "--model", name, str(other)]) == 2
        err = capsys.readouterr().err
        assert said in err
        assert len(err.splitlines()) == 1
    assert main(["classify", "--report-all", str(other)]) == 2
    assert "models of flows" in capsys.readouterr().err


def test_scoring_needs_no_scikit_learn(model: str, other: Path) -> None:
    code = (
        "import sys\nfrom plugin.cli.main import main\n"
        f"assert main(['classify', '-m', {model!r}, {str(other)!r}]) == 0\n"
        "print([m for m in ('sklearn', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
