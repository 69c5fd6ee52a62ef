"""``halia audit`` on real journals."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plugin.audit.journal import Journal, segments
from plugin.cli.main import main
from tests import journals
from tests.services import case, step

if TYPE_CHECKING:
    from pathlib import Path

MAC = "02:00:00:00:00:01"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    with Journal(tmp_path / "j") as writer:
        writer.append(time=0, kind="device", actor="halia", body={"mac": MAC})
        writer.append(time=60, kind="note", actor="ann", body={"text": "é"})
    return tmp_path / "j"


def test_show(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "show", str(journal)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("1970-01-01T00:00:00Z")
    assert MAC in first
    assert "ann" in second


@pytest.mark.parametrize(
    ("options", "numbers"),
    [([], [1, 2]), (["--kind", "note"], [2]), (["--device", MAC.upper()], [1])],
)
def test_show_some(
    journal: Path, options: list[str], numbers: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "show", str(journal), "--json", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == numbers


A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    """Two devices, one isolated by a rule and let out by ann."""
    known = [{"mac": A, "addresses": ["10.0.0.1"], "name": "Printer"}, {"mac": B, "addresses": []}]
    first = case(1, A, state="isolating", proof="none")
    with Journal(tmp_path / "state" / "journal") as writer:
        for body in known:
            writer.append(time=0, kind="device", actor="halia", body=body)
        let_out = first | {"state": "releasing", "actor": "ann"}
        steps = [
            ("scanners", step(first, None, "2 of 3 captures")),
            ("ann", step(let_out, "isolating", "my printer")),
            ("ben", step(case(2, B, rule=None, origin="operator", actor="ben"), None, "by hand")),
        ]
        for actor, body in steps:
            writer.append(time=60, kind="decision", actor=actor, body=body)
    return tmp_path / "state" / "journal"


@pytest.mark.parametrize("device", [A, A.upper().replace(":", "-"), "10.0.0.1", "printer"])
def test_the_trail_of_a_device(
    trail: Path, device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "show", device, "--journal", str(trail)]) == 0
    begun, ended = capsys.readouterr().out.splitlines()
    assert f"decision  {A}  case 1 begins as isolating" in begun
    assert "evidence f-1" in begun
    assert ended.endswith(
        "case 1 isolating -> releasing (quarantine, rule scanners, by ann); my printer; it scans;"
        " evidence f-1; policy abababababab"
    )


def test_the_trail_stands_where_the_settings_say(
    trail: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HALIA_RUN_STATE", str(trail.parent))
    assert main(["audit", "show", B, "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["body"]["case"]["number"] == 2
    assert main(["audit", "show", A, "--kind", "device", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["body"]["name"] == "Printer"
    assert main(["audit", "show"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert main(["audit", "verify"]) == 0
    assert "whole: 5 entries" in capsys.readouterr().out


def test_whom_nobody_knows_has_no_trail(trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--journal", str(trail)]
    assert main(["audit", "show", "10.9.9.9", *words]) == 2
    assert "no device that the journal knows" in capsys.readouterr().err
    assert main(["audit", "show", "02:00:00:00:00:ff", *words]) == 0
    assert "nothing was decided about it" in capsys.readouterr().err
    assert main(["audit", "show", A, "--device", B, *words]) == 2
    assert "named twice" in capsys.readouterr().err


def test_what_was_written_is_shown_if_wanted(
    trail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diff = "--- old\n+++ new\n@@ -1 +1 @@\n-a\n+\x1b[2Jb\n"
    with Journal(trail) as writer:
        for kind, macs in (("config", [A]), ("release", [A, B]), ("config", [B])):
            body = {"file": "f.yaml", "macs": macs, "diff": diff, "all": True, "reason": "x"}
            writer.append(time=90, kind=kind, actor="halia", body=body)
    words = ["audit", "show", A, "--journal", str(trail)]
    assert main(words) == 0
    kinds = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["decision", "decision", "release"]
    assert main([*words, "--diffs"]) == 0
    out = capsys.readouterr().out
    assert out.count(" config ") == 1
    assert f"f.yaml written: 1 line more, 1 fewer; about {A}" in out
    assert out.count("    +\\x1b[2Jb\n") == 2
    assert "\x1b" not in out
    assert main([*words, "--diffs", "--json"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["kind"] for one in entries] == ["decision", "decision", "config", "release"]
    assert entries[2]["body"]["diff"] == diff


def test_verify(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", str(journal), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["entries"], document["faults"]) == (2, [])
    (file,) = segments(journal)
    file.write_bytes(file.read_bytes().replace(b"ann", b"bob"))
    assert main(["audit", "verify", str(journal)]) == 4
    said = capsys.readouterr().out
    assert f"{file}: line 2: was changed" in said
    assert "not whole" in said
    assert main(["audit", "show", str(journal)]) == 4
    assert "was changed" in capsys.readouterr().err


def test_no_journal_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", str(tmp_path)]) == 2
    assert "no journal here" in capsys.readouterr().err


def test_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journals.write(tmp_path / "j", journals.device(1), journals.device(2), journals.gone(2))
    words = ["audit", "project", str(tmp_path / "j"), "--store", str(tmp_path / "s")]
    for more in ([], [], ["--anew"]):
        assert main([*words, *more]) == 0
        said = capsys.readouterr()
        assert (said.out, said.err) == ("the store is at entry 3; devices: 1\n", "")
    journals.write(tmp_path / "k", ("device", {}))
    words[2] = str(tmp_path / "k")
    assert main(words) == 0
    said = capsys.readouterr()
    assert "made anew" in said.err
    assert "made no row: 1" in said.err
    assert main([*words[:3], "--store", f"sqlite:///{tmp_path / 's'}", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"entries": 1, "devices": 0, "unreadable": 0, "anew": None}


def test_project_without_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journals.write(tmp_path / "j", journals.device(1))
    words = ["audit", "project", str(tmp_path / "j"), "--store"]
    assert main([*words, "postgresql://u:secret@127.0.0.1:1/d"]) == 2
    said = capsys.readouterr().err
    assert "look whether the server is up" in said
    assert "secret" not in said
    code = "import sys; sys.modules['sqlalchemy'] = None; from plugin.cli.main import main; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code} sys.exit(main({[*words, 's']}))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'halia[live]'" in done.stderr


def test_a_kind_that_is_not_there_is_told(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "show", str(journal), "--kind", "nonsense"]) == 0
    assert "kinds in this journal: device, note" in capsys.readouterr().err


def test_the_journal_of_a_state_folder_is_hinted_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal(tmp_path / "journal") as writer:
        writer.append(time=0, kind="note", actor="ann", body={})
    assert main(["audit", "verify", str(tmp_path)]) == 2
    assert f"it stands in {tmp_path / 'journal'}" in capsys.readouterr().err


def test_a_line_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(tmp_path) as writer:
        writer.append(time=0, kind="gone", actor="halia", body={"mac": MAC})
    assert main(["audit", "show", str(tmp_path)]) == 0
    line = capsys.readouterr().out
    assert line == f"1970-01-01T00:00:00Z  gone      {MAC}  it left the network\n"
