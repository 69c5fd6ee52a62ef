from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from plugin.cli.main import main
from plugin.netml import load_data
from tests import frames as f
from tests.netml_files import DNS, FLOWS, HEADER, SMALL, write_capture, write_labels


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write_labels(tmp_path / "labels.csv")


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line that a command ends with, and nothing else."""
    assert main([*map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    return lines[0]


def test_features_without_labels_and_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, features = tmp_path / "new" / "model", tmp_path / "other" / "f.dat"
    words = ["learn", "-p", SMALL, "-o", out, "-f", features, "--feat-type", "SAMP_NUM", "--json"]
    words += ["--fft", "--header", "--interval", "2s", "--sampling", "1s", "--algorithm", "KDE"]
    words += ["--param", "{bandwidth: 2.5}", "--alarms", "0.2", "--name", "mine", "--timeout", "9m"]
    assert main([*map(str, words)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["options"]["bandwidth"] == 2.5
    assert (told["test"], told["abnormal"], told["alarms"]) == (None, None, 0.2)
    assert (told["spec"]["sampling"], told["spec"]["interval"]) == (1.0, 2.0)
    assert told["spec"]["timeouts"] == [540.0, 540.0]
    assert json.loads((out / "manifest.json").read_text())["name"] == "mine"
    found, known = load_data(features)
    assert found.shape == (told["flows"], told["columns"])
    assert known is None


def test_captures_that_are_all_normal_or_abnormal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.pcap"
    frames = [f.udp_frame(k + j / 10, sport=1000 + k) for k in range(9) for j in range(3)]
    bad.write_bytes(f.pcap(*frames))
    words: list[str | Path] = [
        "learn",
        "--pcap-normal",
        SMALL,
        "--pcap-abnormal",
        bad,
        "-o",
        tmp_path / "m",
    ]
    assert main([*map(str, words), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["abnormal"] == 9
    assert told["test"]["score"] is not None


def test_one_file_of_labels_for_two_captures(
    tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = write_capture(tmp_path / "again.pcap")
    words: list[str | Path] = [
        "learn",
        "extract",
        "-p",
        SMALL,
        "-p",
        again,
        "-l",
        labels,
        "-f",
        tmp_path / "f.dat",
    ]
    assert main([*map(str, words), "--last=drop"]) == 0
    assert f"{2 * FLOWS} flows, {2 * (FLOWS - DNS)} normal" in capsys.readouterr().out


def test_a_report_of_the_test(
    tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "r.html"
    words: list[str | Path] = [
        "learn",
        "-p",
        SMALL,
        "-l",
        labels,
        "-o",
        tmp_path / "m",
        "--report",
        page,
    ]
    assert main([*map(str, words)]) == 0
    assert "ROC" in page.read_text(encoding="utf-8")
    assert "AUC" in capsys.readouterr().out
    assert "r.html: exists already" in refused(capsys, *words, "-o", tmp_path / "n")
    assert not (tmp_path / "n").exists()


def test_models_and_features_are_replaced_only_by_force(
    tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, features = tmp_path / "m", tmp_path / "f.dat"
    words: list[str | Path] = ["learn", "-p", SMALL, "-o", model, "-f", features]
    assert main([*map(str, words)]) == 0
    capsys.readouterr()
    assert "--force" in refused(capsys, *words)
    assert "--force" in refused(capsys, *words[:4], tmp_path / "n", *words[5:])
    assert main([*map(str, words), "--force"]) == 0
    capsys.readouterr()
    kept = labels.read_bytes()
    said = refused(capsys, "learn", "extract", "-p", SMALL, "-l", labels, "-f", labels, "--force")
    assert "input of this command" in said
    assert labels.read_bytes() == kept
    said = refused(capsys, "learn", "train", "-f", features, "-o", features, "--force")
    assert "no model, so it is not replaced" in said


def test_a_place_that_is_taken_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "m"
    assert main(["learn", "-p", str(SMALL), "-o", str(model)]) == 0
    capsys.readouterr()
    said = refused(capsys, "learn", "-p", tmp_path / "none.pcap", "-o", model)
    assert "--force" in said


@pytest.mark.parametrize("more", [[], ["--jobs", "1"]], ids=["one by one", "jobs"])
def test_what_is_left_out_is_told(
    more: list[str], tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = labels.read_text().splitlines(keepends=True)
    labels.write_text("".join(lines[:40]))
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(f.pcap())
    words: list[str | Path] = ["learn", "extract", "-p", SMALL, "-l", labels, *more]
    words += ["--pcap-normal", empty, "-f", tmp_path / "f.dat", "--last=drop"]
    assert main([*map(str, words)]) == 0
    err = capsys.readouterr().err
    assert "of 70 flows have no label and are left out" in err
    assert "empty.pcap: no TCP or UDP flow of 2 packets" in err
    assert main([*map(str, words), "--force", "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_a_model_that_tells_nothing_apart_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["learn", "-p", str(SMALL), "--algorithm", "if", "-o", str(tmp_path / "m"), "--force"]
    assert main([*words, "--param", "{max_samples: 1, n_estimators: 3}"]) == 0
    assert "score the same" in capsys.readouterr().err
    assert main([*words, "--param", "{n_estimators: 3}"]) == 0
    assert capsys.readouterr().err == ""


def test_wrong_inputs_each_end_in_one_line(
    tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, none = tmp_path / "empty.pcap", tmp_path / "none.pcap"
    empty.write_bytes(f.pcap())
    none.write_bytes(f.pcap(f.udp_frame(1), f.udp_frame(2, sport=9)))
    other = tmp_path / "other.csv"
    other.write_text(f"{HEADER}0,1.1.1.1,1,2.2.2.2,2,6,BENIGN\n")
    out: list[str | Path] = ["-o", tmp_path / "m"]
    assert "has no packets" in refused(capsys, "learn", "-p", empty, *out)
    assert "no TCP or UDP flow" in refused(capsys, "learn", "-p", none, *out)
    assert "none.pcap2" in refused(capsys, "learn", "-p", tmp_path / "none.pcap2", *out)
    assert "none of its 1 labels" in refused(capsys, "learn", "-p", SMALL, "-l", other, *out)
    assert "labels.csv" in refused(capsys, "learn", "-p", labels, *out)
    assert "no file of flow features" in refused(capsys, "learn", "train", "-f", labels, *out)
    other.write_bytes(b"\x80\x04K\x01.")
    assert "pickle" in refused(capsys, "learn", "train", "-f", other, *out)
    assert not (tmp_path / "m").exists()


def test_numbers_that_are_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.dat"
    assert main(["learn", "extract", "-p", str(SMALL), "-f", str(path)]) == 0
    capsys.readouterr()
    with np.load(path) as arrays:
        content = {name: arrays[name].copy() for name in arrays}
    content["features"][0, 0] = np.nan
    with path.open("wb") as stream:
        np.savez(stream, **content)
    said = refused(capsys, "learn", "train", "-f", path, "-o", tmp_path / "m")
    assert "features holds a number that is not finite" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("learn", "no capture was named"),
        ("learn -p a.pcap", "no place for the model"),
        ("learn extract -p a.pcap", "needs --feature"),
        ("learn train -o m", "needs --feature"),
        ("learn train -f f -o m -p a", "does not apply to 'train'"),
        ("learn extract -p a -f f -o m", "makes no model"),
        ("learn -l a.csv --pcap-normal a -o m", "--pcap, and there is none"),
        ("learn -p a -p b -p c -l a.csv -l b.csv -o m", "2 files of labels for 3 captures"),
        ("learn -p a -o m --algorithm ocvsm", "ocvsm"),
        ("learn -p a -o m --param {nuu:1}", "nuu:1"),
        ('learn -p a -o m --param {"nu":9}', "nu = 9"),
        ('learn -p a -o m --param {"nu":true}', "nu is true"),
        ("learn -p a -o m --random-state -1", "--random-state"),
        ("learn -p a -o m --test-size 2", "--test-size"),
        ("learn -p a -o m --report r.txt", ".html or .png"),
        ("learn -p a -o m --label-mapping", "--label-mapping"),
    ],
)
def test_wrong_options_are_told_before_the_work(
    words: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--timeout", "0x"], ["--sampling", "1ns"], ["--output", ""]])
def test_a_value_that_cannot_be_read_is_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "learn", "-p", "a", "-o", "m", *words)
    assert words[0] in said


def test_learning_needs_no_scikit_learn(tmp_path: Path, labels: Path) -> None:
    """Its import alone takes several times as long as all of this."""
    code = (
        "import sys\nfrom plugin.cli.main import main\n"
        f"assert main(['learn', '-q', '-p', {str(SMALL)!r}, '-l', {str(labels)!r},"
        f" '-o', {str(tmp_path / 'm')!r}]) == 0\n"
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
