from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from plugin.cli import train
from plugin.cli.main import main
from plugin.ml.algorithms import GRIDS
from plugin.ml.schema import SCHEMAS
from plugin.settings import load_settings
from tests import frames as f


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Two roles: one uses a web server, one a name server; each in four files."""
    folder = tmp_path / "data"
    folder.mkdir()
    for i in range(4):
        web = [f.tcp_frame(1 + i, f.SYN), f.tcp_frame(1.1 + i, f.SYN | f.ACK, back=True)]
        (folder / f"Web-d{i}-x.pcap").write_bytes(f.pcap(*web, f.tcp_frame(2 + i, f.ACK)))
        asks = [f.udp_frame(k) for k in range(2 + i)]
        (folder / f"Asks-d{i}-x.pcap").write_bytes(f.pcap(*asks))
    return folder


def test_from_a_folder_to_a_model(
    captures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m"
    command = ["train", str(captures), "--out", str(out), "--jobs", "1", "--seed", "3", "--json"]
    command += ["--algorithm", "forest", "--features", "service-ports", "--window", "30s"]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["test"]["captures"] == 8
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["classes"] == ["Asks", "Web"]
    assert manifest["name"] == "m"
    assert manifest["window_seconds"] == 30.0
    assert main(command) == 2  # it is there already
    assert "--force" in capsys.readouterr().err
    # The model knows its own training files again.
    assert main(["evaluate", str(out), str(captures), "--jobs", "1"]) == 0
    captured = capsys.readouterr()
    assert "WARNING: 8 of these 8 captures" in captured.err
    assert "majority" in captured.out


def test_a_model_is_adapted(
    captures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, out = tmp_path / "base", tmp_path / "ours"
    command = ["train", str(captures), "--out", str(base), "--jobs", "1"]
    command += ["--algorithm", "trees", "--features", "service-ports"]
    assert main(command) == 0
    for i in range(4):
        (captures / f"Asks-d{i}-x.pcap").rename(captures / f"Calls-d{i}-x.pcap")
    capsys.readouterr()
    command = ["train", str(captures), "--adapt", str(base), "--out", str(out), "--jobs", "1"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "taught 8 captures, new: Calls" in shown
    assert "right before: 4 of 8; 8 of them" in shown
    assert "rightly called known before: " in shown
    assert main([*command, "--force", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["new"] == ["Calls"]
    assert json.loads((out / "manifest.json").read_text())["classes"] == ["Asks", "Web", "Calls"]
    for more in (["--algorithm", "net"], ["--features", "service-ports"], ["--window", "5m"]):
        capsys.readouterr()
        assert main([*command, "--force", *more]) == 2
        assert f"{more[0]}: does not apply with --adapt" in capsys.readouterr().err
    # An adapted model's recipe is not what was adapted.
    again = ["evaluate", str(out), str(captures), "--leave-out", "group", "--folds", "2"]
    assert main([*again, "--jobs", "1"]) == 0
    assert "no test of the adaptation" in capsys.readouterr().err
    assert main(["train", str(captures), "--adapt", "none", "--out", str(tmp_path / "x")]) == 2


def test_a_place_that_cannot_be_is_refused_before_any_work(
    captures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(train, "read_material", never)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("dear")
    for out, words in ((tmp_path / "mine", "is no model"), (tmp_path / "no" / "m", "not there")):
        assert main(["train", str(captures), "--out", str(out), "--force"]) == 2
        assert words in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "dear"


def test_the_readme_lines_work_on_one_folder(
    captures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two roles of two devices with two captures each, and the default net."""
    folder, out = tmp_path / "captures", tmp_path / "my-model"
    for path in sorted(captures.iterdir()):
        role, device, _ = path.name.split("-")
        place = folder / role / f"dev{int(device[1]) % 2}" / f"{device}.pcap"
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)
    assert main(["train", str(folder), "--out", str(out), "--jobs", "1"]) == 0
    captured = capsys.readouterr()
    assert "8 in 4 groups" in captured.out
    assert "halia: step 1 of 3, test, fold 1 of " in captured.err  # no terminal: lines
    assert "halia: step 3 of 3, final model: " in captured.err
    for column in ("device", "group"):
        command = ["evaluate", str(out), str(folder), "--leave-out", column, "--jobs", "1"]
        assert main([*command, "-q"]) == 0
        captured = capsys.readouterr()
        assert f"leave one {column} out (4)" in captured.out
        assert captured.err == ""


def test_out_is_needed(captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(captures)]) == 2
    assert "--out DIRECTORY" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--where", "x"], ["--jobs", "-1"], ["--algorithm", "magic"], ["--seed", "x"]]
)
def test_wrong_options(captures: Path, tmp_path: Path, options: list[str]) -> None:
    assert main(["train", str(captures), "--out", str(tmp_path / "m"), *options]) == 2
    assert not (tmp_path / "m").exists()


def test_the_option_lists_what_there_is() -> None:
    assert set(train.FEATURES) == set(SCHEMAS)
    assert set(train.ALGORITHMS) == set(GRIDS)


def test_never_more_processes_than_cpus() -> None:
    def jobs(count: int | None) -> int:
        args = argparse.Namespace(jobs=count, seed=None, config=None)
        return train.jobs_of(train.settings_of(args))

    cpus = len(os.sched_getaffinity(0))
    assert jobs(None) == cpus
    assert jobs(1) == 1
    assert jobs(10_000) == cpus


def test_no_more_processes_than_there_are_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    for asked, used in ((0, 3), (2, 2), (3, 3), (64, 3)):
        loaded = load_settings(flags={"train.jobs": asked}, environ={})
        assert train.jobs_of(loaded) == used


def test_a_seed_that_no_generator_takes_is_refused(
    captures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(captures), "--out", str(tmp_path / "m"), "--seed", str(2**32)]
    assert main(words) == 2
    assert "--seed: is more than 4294967295" in capsys.readouterr().err
