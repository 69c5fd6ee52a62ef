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
