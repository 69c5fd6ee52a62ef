from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest

from plugin.cli.inputs import inputs_of
from plugin.cli.main import main
from plugin.ml.store import save_model
from tests import frames as f
from tests.models import tiny_net


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of everything that a command reads."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c").mkdir()
    for name in ("a", "b", "left-out"):
        (tmp_path / "c" / f"{name}.pcap").write_bytes(f.pcap(f.udp_frame(1)))
    rows = "c/a.pcap,Printer,x\nc/b.pcap,Camera,x\nc/left-out.pcap,Camera,y\n"
    (tmp_path / "labels.csv").write_text("path,label,site\n" + rows)
    (tmp_path / "cfg.yaml").write_text("train:\n  seed: 2\nbehaviours:\n  file: b.yaml\n")
    (tmp_path / "b.yaml").write_text("beacon: {intervals: 9}\n")
    (tmp_path / "h.csv").write_text("sha256\n")
    save_model(tiny_net(("Printer", "Camera")), tmp_path / "m")
    return tmp_path


EVALUATE = "evaluate m labels.csv --where site=x --jobs 1"


@pytest.mark.parametrize(
    "words",
    [
        "info c --out c/a.pcap",
        "info c --out ./c/../c/b.pcap",
        "info c/a.pcap --config cfg.yaml --out cfg.yaml",
        "sessions c --out c/a.pcap",
        "sessions c --parquet --out c/a.pcap",
        "features c/a.pcap --json --out c/a.pcap",
        "features c/a.pcap --config cfg.yaml --out x.csv",
        "classify c/a.pcap --model m --out m/manifest.json",
        "classify c/a.pcap --model m --out m/arrays.npz",
        "classify c/a.pcap --model m --config cfg.yaml --out cfg.yaml",
        "classify predict.json --model m --networkml .",
        "classify a.pcap b/a.pcap b.pcap --model m --networkml . --out a.pcap.predict.json",
        "classify c/a.pcap --model m --behaviours b.yaml --out b.yaml",
        "classify c/a.pcap --model m --config cfg.yaml --out b.yaml",
        "models show m --out m/manifest.json",
        "models verify m --out m/arrays.npz",
        "config show --config cfg.yaml --out cfg.yaml",
        f"{EVALUATE} --out labels.csv",
        f"{EVALUATE} --out c/left-out.pcap",
        f"{EVALUATE} --report page.html",
        f"{EVALUATE} --picture picture.png",
        f"{EVALUATE} --picture arrays.png",
        f"{EVALUATE} --config cfg.yaml --report cfg.html",
        f"{EVALUATE} --report x.html --out x.html",
    ],
)
def test_no_output_stands_on_an_input(
    words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    links = {  # one file by another name
        "x.csv": "cfg.yaml",
        "cfg.html": "cfg.yaml",
        "page.html": "c/a.pcap",
        "picture.png": "c/a.pcap",
        "arrays.png": "m/arrays.npz",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    shutil.copy(folder / "c" / "a.pcap", folder / "predict.json")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main([*words.split(), "--force"]) == 2
    said = capsys.readouterr()
    assert "is an input of this command" in said.err or "is named for two outputs" in said.err
    assert not said.out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_all_kinds_of_inputs_are_named(folder: Path) -> None:
    args = argparse.Namespace(
        paths=[Path("c/a.pcap"), Path("-")],
        hold_out=[Path("h.csv")],
        data=Path("labels.csv"),
        root=None,
        label_column="label",
        config=Path("cfg.yaml"),
        model="m",
    )
    args.folder = Path("journal")
    found = inputs_of(args)
    named = ["c/a.pcap", "h.csv", "labels.csv", "c/b.pcap", "c/left-out.pcap", "cfg.yaml", "m"]
    named.append("journal")
    assert {Path(name) for name in named} <= set(found)
    assert Path("-") not in found
    assert any(path.name == "models" for path in found)  # those that come with Halia
    assert folder.is_dir()


def test_settings_that_come_by_themselves_are_inputs_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALIA_CONFIG", str(folder / "cfg.yaml"))
    assert folder / "cfg.yaml" in inputs_of(argparse.Namespace())
    assert main(["config", "show", "--out", "cfg.yaml", "--force"]) == 2
    monkeypatch.delenv("HALIA_CONFIG")
    assert main(["config", "init", "--out", "cfg.yaml", "--force"]) == 0
