from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import plugin
from plugin.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
CAPTURE = ROOT / "tests" / "data" / "captures" / "HueBridge_Setup-C-12-STA.pcap"


def test_every_public_name_is_there() -> None:
    for name in plugin.__all__:
        assert getattr(plugin, name) is not None
    assert set(plugin._PUBLIC) < set(plugin.__all__)


def test_calls_work_without_further_imports() -> None:
    assert plugin.info(CAPTURE).totals == plugin.read_capture(CAPTURE).totals


def test_every_public_name_is_documented() -> None:
    text = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    assert [name for name in plugin._PUBLIC if f"`plugin.{name}(" not in text] == []


def test_the_documents_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # One point of the grid, for what is chosen is not the matter here.
    point = (("trees", 5.0), ("leaf", 1.0), ("share", 0.3))
    monkeypatch.setattr("plugin.offline.learning.GRIDS", {"forest": (point,)})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "capture.pcap").write_bytes(CAPTURE.read_bytes())
    (tmp_path / "captures").mkdir()
    rows = ["path,label,site"]
    for number, found in enumerate(sorted(CAPTURE.parent.glob("*_*.pcap"))):
        (tmp_path / "captures" / found.name).write_bytes(found.read_bytes())
        label = "iot" if "_Setup" in found.name else "server"
        rows += [f"{found.name},{label},s{number % 3}"]
    (tmp_path / "captures" / "labels.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "aside.csv").write_text("sha256\n")
    text = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for block in blocks:
        alone: dict[str, object] = {}
        exec(compile(block, "docs/library.md", "exec"), alone)  # noqa: S102 - our own document
    out = capsys.readouterr().out
    assert "TCP sessions," in out
    assert "00:17:88:24:76:ff known HueBridge" in out
    assert "\nserver " in out
    assert "\n10.10.10." in out or "\n192.168." in out


def test_what_can_be_called_is_listed(root: Path) -> None:
    script = "import plugin; print(*dir(plugin))"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert set(plugin.__all__) <= set(ended.stdout.split())


def test_without_scapy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scapy.utils", None)
    with pytest.raises(InputError, match=r"from_scapy: needs scapy; pip install 'halia\[scapy\]'"):
        plugin.from_scapy([])


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="nothing_such"):
        plugin.nothing_such  # noqa: B018 - the access is the test
