from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.cli.main import main

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
NORMAL, ABNORMAL = CAPTURES / "zeek_kinit_kdc.pcap", CAPTURES / "zeek_smb3_server.pcap"
LABELLED = ["learn", "--pcap-normal", str(NORMAL), "--pcap-abnormal", str(ABNORMAL), "-q"]
GRID = "{features: [STATS, SIZE+header], algorithms: {kde: {bandwidth: [0.5, 2.0]}, knn: {}}}"


def test_one_process_or_two_or_a_folder_kept_give_one_file(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.dat", "b.dat", "c.dat", "d.dat")]
    words = ["learn", "extract", "-q", "-p", str(NORMAL), "-p", str(ABNORMAL), "--interval", "1s"]
    parts = ["--resume", str(tmp_path / "parts")]
    for file, more in zip(files, ([], ["--jobs", "2"], parts, parts), strict=True):
        assert main([*words, "-f", str(file), *more]) == 0
    assert len({file.read_bytes() for file in files}) == 1
    assert len(list((tmp_path / "parts").iterdir())) == 4


def test_the_best_of_a_grid_is_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model"
    words = [*LABELLED, "-o", str(model), "--grid", GRID, "--splits", "2"]
    assert main([*words, "--resume", str(tmp_path / "parts")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["feature", "algorithm", "AUC", "±"]
    assert sorted(line.split()[0] for line in lines[1:7]) == ["SIZE+header"] * 3 + ["STATS"] * 3
    feature, algorithm, *_ = lines[1].split()
    assert "draws of the test's flows" in lines[7]
    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["algorithm"] == algorithm
    assert manifest["spec"]["feature"] == feature.split("+")[0]
    assert main([*words, "--resume", str(tmp_path / "parts"), "--force", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[0])["search"]["points"]
    assert f"{found[0]['mean']:.3f}" in lines[1]
    assert found[0]["algorithm"] == algorithm


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--grid", "[a"], "--grid: is no YAML"),
        (["--grid", "7"], "--grid: is no file and no grid"),
        (["--grid", "{feature: [IAT]}"], "'feature' is neither features nor algorithms"),
        (["--grid", "{algorithms: 7}"], "--grid: is no grid"),
        (["--grid", "{algorithms: {kde: 7}}"], "--grid: is no grid"),
        (["--grid", "{features: IAT}"], "--grid: is no grid"),
        (["--grid", "{features: [IATS]}"], "did you mean"),
        (["--grid", "{algorithms: [kdee]}"], "kdee"),
        (["--grid", GRID, "--splits", "0"], "no number of trials"),
        (["--grid", GRID, "--param", "{nu: 1}"], "--param: does not go with --grid"),
        (["--jobs", "-1"], "--jobs: is less than 0"),
        (["--jobs", "1", "--dask", "tcp://127.0.0.1:1"], "--jobs: does not go with --dask"),
        (["--dask", "127.0.0.1"], "no address of a Dask scheduler"),
        (["--jobs", "1", "--dask-ca", "x"], "--dask-ca: is for --dask tls://"),
        (["--dask", "tcp://127.0.0.1:1", "--dask-ca", "x"], "--dask-ca: is for tls:// only"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LABELLED, "-o", str(tmp_path / "model"), *more]) == 2
    err = capsys.readouterr().err
    assert err.startswith("halia: ")
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--grid", "{algorithms: {ocsvm: {nu: [0.5, 9]}}}"], "nu = 9"),
        (["--grid", "{algorithms: [if]}", "--splits", "0"], "no number of trials"),
        (["--grid", "{algorithms: [knn]}", "--test-size", "2"], "--test-size"),
    ],
)
def test_what_is_wrong_with_a_search_is_told_before_captures_are_read(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = str(tmp_path / "none.pcap")
    words = ["learn", "--pcap-normal", none, "--pcap-abnormal", none, "-o", str(tmp_path / "m")]
    assert main([*words, *more]) == 2
    assert said in capsys.readouterr().err


def test_a_grid_is_for_both_steps_in_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["learn", "extract", "-p", str(NORMAL), "-f", str(tmp_path / "f"), "--grid", GRID]
    assert main(words) == 2
    assert "--grid: does not apply to 'extract'" in capsys.readouterr().err


def test_an_open_cluster_is_warned_of_and_one_that_is_away_is_exit_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("plugin.offline.dask_spread.create_connection", refused)
    words = [word for word in LABELLED if word != "-q"]
    assert main([*words, "-o", str(tmp_path / "m"), "--dask", "tcp://192.0.2.1:8786"]) == 3
    warning, error = capsys.readouterr().err.splitlines()
    assert "whoever can reach it can run programs there and here" in warning
    assert "no Dask scheduler answers" in error
