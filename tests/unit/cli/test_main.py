from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import plugin
from plugin.cli import main as frame
from plugin.errors import CaptureError, PeerError
from tests import frames as f


def stand_in(monkeypatch: pytest.MonkeyPatch, outcome: int | BaseException) -> None:
    """Put a command ``info`` in place of the real one."""

    def configure(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--number", type=int)

    def run(args: argparse.Namespace) -> int:
        assert args.number in {None, 5}
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    module = ModuleType("plugin.cli.info")
    vars(module).update(HELP="a stand-in", configure=configure, run=run)
    monkeypatch.setitem(sys.modules, "plugin.cli.info", module)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (0, 0),
        (4, 4),
        (CaptureError("x"), 2),
        (PeerError("x"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch, outcome: int | BaseException, code: int
) -> None:
    stand_in(monkeypatch, outcome)
    assert frame.main(["info", "--number", "5"]) == code


@pytest.mark.parametrize("command", ["info", "completion bash", "sessions", "features"])
def test_wrong_settings_stop_every_command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
) -> None:
    file = tmp_path / "halia.yaml"
    words = [*command.split(), "--config", str(file)]
    assert frame.main(words) == 2
    assert capsys.readouterr() == ("", f"halia: {file}: no such settings file\n")
    file.write_text("modle: x\n", encoding="utf-8")
    assert frame.main(words) == 2
    assert "1:1: modle: no such setting" in capsys.readouterr().err
    monkeypatch.setenv("HALIA_MODLE", "x")
    assert frame.main(command.split()) == 2
    assert "variable HALIA_MODLE: no such setting" in capsys.readouterr().err


def test_wrong_settings_do_not_stop_what_mends_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "halia").mkdir()
    (tmp_path / "halia" / "halia.yaml").write_text("modle: x\n", encoding="utf-8")
    assert frame.main(["config", "show"]) == 2
    assert frame.main(["config", "init", "--force"]) == 0
    assert frame.main(["config", "show"]) == 0


def test_settings_cost_no_yaml_without_a_file(root: Path) -> None:
    capture = "tests/data/captures/airprint_printer4.pcap"
    script = f"import sys, plugin.cli.main as m; m.main(['info', '{capture}']); print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert not {"numpy", "yaml"} & set(ended.stdout.split())


def test_a_bug_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        frame.main(["info"])


def test_an_error_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, CaptureError("torn", where="a.pcap", offset=7))
    frame.main(["info"])
    captured = capsys.readouterr()
    assert captured.err == "halia: a.pcap: byte 7: torn\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["clasify"], "halia: clasify: no such command; did you mean 'classify'?"),
        (["zzz"], "halia: zzz: no such command; see 'halia --help'"),
        (["foo"], "halia: foo: no such command; see 'halia --help'"),
        (["--josn", "info"], "halia: --josn: no such option before the command"),
        (["info", "--number", "five"], "invalid int value: 'five'"),
        (["info", "--numb", "5"], "unrecognized arguments: --numb 5"),
    ],
)
def test_wrong_command_lines_end_with_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    text: str,
) -> None:
    stand_in(monkeypatch, 0)
    assert frame.main(words) == 2
    assert text in capsys.readouterr().err


def test_help_and_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, 0)
    assert frame.main(["--version"]) == 0
    assert capsys.readouterr().out == f"halia {plugin.__version__}\n"
    assert frame.main(["--help"]) == 0
    assert capsys.readouterr().out == frame.top_help()
    assert frame.main([]) == 2
    capsys.readouterr()
    for words in (["help", "info"], ["info", "--help"]):
        assert frame.main(words) == 0
        assert capsys.readouterr().out.startswith("usage: halia info [-h] [--number NUMBER]")


def test_another_distributions_plugin_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plugin, "DISTRIBUTION", "poseidon")
    assert frame.main(["--version"]) == 2
    assert "is not Halia's" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["config init --out -", "config --help", "--help"])
def test_a_reader_that_leaves_early_is_no_error(root: Path, words: str) -> None:
    # The reader is gone before the first byte: the writer waits for that. A buffered stdout is
    # what people have: it fails at the flush, not at the print.
    buffered = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    ended = subprocess.run(
        ["bash", "-c", f"{{ sleep 0.2; {sys.executable} -m plugin {words}; }} | true"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        env=buffered,
    )
    assert ended.stderr == ""


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("words", ["--version", "--help", "config --help", "config show"])
def test_a_full_stdout_is_one_line(root: Path, words: str, buffered: bool) -> None:
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, *([] if buffered else ["-u"]), "-m", "plugin", *words.split()],
            cwd=root,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environ,
        )
    assert ended.stderr == "halia: standard output: No space left on device\n"
    assert ended.returncode == 2


def test_a_closed_stdout_is_one_line(root: Path) -> None:
    ended = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m plugin --version >&-"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (2, "halia: standard output is closed\n")


def test_help_is_printed_in_any_encoding(root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "plugin", "--help"],
        cwd=root,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert ended.returncode == 0
    assert b"classify" in ended.stdout


def test_the_frame_imports_only_what_it_needs(root: Path) -> None:
    heavy = {"numpy", "yaml", "logging", "importlib.metadata", "dataclasses", "inspect", "difflib"}
    script = "import sys, plugin.cli.main as m; m.main(['--version']); print(*sys.modules)"
    # -I -S: what site and .pth files import is not ours.
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {script}"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not heavy & set(ended.stdout.split())
    assert "plugin.cli.main" in ended.stdout.split()


@pytest.mark.parametrize(
    ("call", "own"), [("m.main()", True), ("m.main(['--version'])", False)], ids=["process", "call"]
)
def test_only_a_process_of_its_own_spares_looking_for_cycles(
    root: Path, call: str, own: bool
) -> None:
    script = (
        "import gc, sys, plugin.cli.main as m; before = gc.get_threshold();"
        f" sys.argv = ['halia', '--version']; code = {call};"
        " print(code, gc.get_threshold() != before, gc.get_freeze_count() > 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == f"0 {own} {own}"


@pytest.mark.parametrize("words", [["info"], ["sessions"], ["classify"], ["features"]])
def test_a_bad_path_does_not_keep_the_others_from_being_done(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.pcap").write_bytes(f.pcap(f.udp_frame(1)))
    out = tmp_path / "out.npz"
    paths = [str(tmp_path / name) for name in ("empty", "good.pcap", "nope.pcap", "good.pcap")]
    if words[0] != "features":
        words = [*words, "--json"]
    assert frame.main([*words, *paths, "--out", str(out)]) == 2
    err = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in err] == [paths[0], paths[2]]
    expected = {"info": 4, "sessions": 2, "classify": 2}
    if words[0] == "features":
        assert np.load(out)["shape"][0] == 2
    else:
        assert len(out.read_text().splitlines()) == expected[words[0]]


@pytest.mark.parametrize(
    "words",
    [
        ["info", "--json", "--out", "o.json"],
        ["sessions", "--json", "--out", "o.json"],
        ["sessions", "--csv", "--out", "o.csv"],
        ["sessions", "--parquet", "--out", "o.parquet"],
        ["features", "--json", "--out", "o.json"],
        ["features", "--set", "service-ports", "--out", "o.csv"],
        ["features", "--set", "service-ports", "--out", "o.parquet"],
        ["features", "--set", "service-ports", "--out", "o.npz"],
        ["classify", "--json", "--out", "o.json"],
    ],
    ids=" ".join,
)
def test_names_that_are_no_text_are_escaped(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"a\xff\n.pcap")
    Path(name).write_bytes(f.pcap(f.udp_frame(1)))
    assert frame.main([*words, name]) == 0
    assert shown(tmp_path / words[-1]) == "a\\udcff\\n.pcap"


def shown(file: Path) -> str:
    """The capture's name in an output."""
    if file.suffix == ".json":
        row = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
        return str(row.get("file") or row["source"])
    if file.suffix == ".csv":
        return file.read_text(encoding="utf-8").splitlines()[1].partition(",")[0]
    if file.suffix == ".npz":
        return str(np.load(file)["source"][0])
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra halia[parquet]")
    return str(parquet.read_table(file).column(0)[0].as_py())
