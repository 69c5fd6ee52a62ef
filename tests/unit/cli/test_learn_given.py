"""Options of `halia learn` that would do nothing are told, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.cli.main import main

GRID = "learn -p a -l b -o m --grid"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("learn -p a -o m --label-mapping y", "--label-mapping: tells how to read a file of"),
        ("learn extract -p a -f f --label-mapping y", "--label-mapping: tells how"),
        ("learn train -f f -o m --label-mapping y", "--label-mapping: does not apply to 'train'"),
        ("learn train -f f -o m --feat-type SIZE", "--feat-type: does not apply to 'train'"),
        ("learn train -f f -o m --fft", "--fft: does not apply"),
        ("learn train -f f -o m --header", "--header: does not apply"),
        ("learn train -f f -o m --q-interval 0.5", "--q-interval: does not apply"),
        ("learn train -f f -o m --interval 1s", "--interval: does not apply"),
        ("learn train -f f -o m --sampling 1s", "--sampling: does not apply"),
        ("learn train -f f -o m --flow-pkts-threshold 3", "--flow-pkts-threshold: does not"),
        ("learn train -f f -o m --timeout 1s", "--timeout: does not apply"),
        ("learn train -f f -o m --last drop", "--last: does not apply"),
        ("learn train -f f -o m --jobs 2", "--jobs: does not apply"),
        ("learn train -f f -o m --resume r", "--resume: does not apply"),
        ("learn train -f f -o m --dask tcp://a:1", "--dask: does not apply"),
        ("learn extract -p a -f f --name n", "--name: 'extract' makes no model"),
        ("learn extract -p a -f f --algorithm pca", "--algorithm: 'extract' makes no model"),
        ("learn extract -p a -f f --param {nu:1}", "--param: 'extract' makes no model"),
        ("learn extract -p a -f f --test-size 0.5", "--test-size: 'extract' makes no model"),
        ("learn extract -p a -f f --seed 7", "--random-state: 'extract' makes no model"),
        ("learn extract -p a -f f --alarms 0.2", "--alarms: 'extract' makes no model"),
        ("learn extract -p a -f f --report r.html", "--report: 'extract' makes no model"),
        ("learn -p a -o m --splits 3", "--splits: is for --grid"),
        ("learn -p a -o m --dask-ca c", "--dask-ca: is for --dask"),
        ("learn -p a -o m --jobs 1 --dask-key c", "--dask-key: is for --dask"),
        ("learn -p a -o m --sampling 1s", "--sampling: is for SAMP_NUM and SAMP_SIZE"),
        ("learn -p a -o m --feat-type STATS --sampling 1s", "--sampling: is for SAMP_NUM"),
        (f"{GRID} {{features:[IAT]}} --sampling 1s", "--sampling: is for SAMP_NUM"),
        (f"{GRID} {{algorithms:{{pca:{{}}}}}} --sampling 1s", "--sampling: is for SAMP_NUM"),
        (f"{GRID} {{features:[IAT]}} --fft", "--fft: does not go with features in --grid"),
        (f"{GRID} {{features:[IAT]}} --feat-type SIZE", "--feat-type: does not go with features"),
        (f"{GRID} {{algorithms:[pca]}} --algorithm if", "--algorithm: does not go with algorithms"),
    ],
)
def test_an_option_that_would_do_nothing_is_told(
    words: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main([word.replace(":", ": ") if "{" in word else word for word in words.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"halia: {said}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        "learn train -f f -o m --feat-type IAT --timeout 600s --algorithm pca --seed 7",
        "learn extract -p none -f f --feat-type SAMP_NUM --sampling 1s --jobs 1 --test-size 0.33",
        f"{GRID} {{features:[SAMP_SIZE]}} --sampling 1s --algorithm if --splits 3",
        f"{GRID} {{algorithms:[pca]}} --feat-type SIZE --fft",
    ],
)
def test_options_that_do_something_are_taken(
    words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.replace(":", ": ") if "{" in word else word for word in words.split()]) == 2
    said = capsys.readouterr().err
    assert "No such file" in said or "no such file" in said
