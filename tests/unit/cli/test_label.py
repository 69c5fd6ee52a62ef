"""``halia label``: by options, and by answering questions."""

from __future__ import annotations

import builtins
import json
import sys
from typing import TYPE_CHECKING

import pytest

from plugin.cli.main import main
from plugin.offline.training import read_listing
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path

MAC, OTHER = attacks.BAD_TEXT, f.B.hex(":")


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    folder.mkdir()
    for name in ("a.pcap", "b.pcap"):
        (folder / name).write_bytes(f.pcap(*attacks.visits()[:-1]))
    return folder


def labels(file: Path) -> list[tuple[str, str, str]]:
    return [(one.path, one.label, one.mac) for one in read_listing(file).samples]


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Somebody sits there, and gives these answers; then he leaves."""
    given = iter(answers)

    def answer(question: str) -> str:
        print(question)
        try:
            return next(given)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(builtins, "input", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)


def test_a_folder_is_labelled(captures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", str(captures), "--label", "PRINTER"]) == 0
    assert labels(captures / "labels.csv") == [
        ("a.pcap", "Printer", MAC),
        ("b.pcap", "Printer", MAC),
    ]
    assert f"{MAC} is Printer" in capsys.readouterr().out


def test_a_label_of_ones_own_stays_as_it_is(captures: Path) -> None:
    assert main(["label", str(captures / "a.pcap"), "--label", " Coffee  maker "]) == 0
    assert labels(captures / "labels.csv")[0][1] == "Coffee  maker"


def test_a_device_is_named_and_the_list_is_elsewhere(
    captures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    command = ["label", str(captures / "a.pcap"), "--list", str(file), "--json"]
    assert main([*command, "--label", "Printer", "--device", OTHER, "--network", "home"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["mac"], told["label"], told["before"]) == (OTHER, "Printer", None)
    assert labels(file) == [("captures/a.pcap", "Printer", OTHER)]
    assert main([*command, "--label", "Camera", "--device", OTHER]) == 0
    assert json.loads(capsys.readouterr().out)["before"] == "Printer"
    assert read_listing(file).samples[0].columns["network"] == "home"


def test_a_device_that_is_not_there_is_an_answer_too(captures: Path) -> None:
    command = ["label", str(captures), "--label", "Printer", "--device", "192.0.2.9"]
    assert main(command) == 4
    assert not (captures / "labels.csv").exists()


def test_each_device_is_asked_for(
    captures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "1", "", "camera", "y")
    assert main(["label", str(captures), "--model", "demo"]) == 0
    out = capsys.readouterr().out
    offered = next(line for line in out.splitlines() if line.startswith("    1  "))
    found = labels(captures / "labels.csv")
    assert found[0][1] in offered
    assert [path for path, _, _ in found] == ["a.pcap", "b.pcap"]
    assert len({mac for _, _, mac in found}) == 1


def test_the_shipped_models_make_suggestions(
    captures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --model: one of them needs the packets too."""
    answering(monkeypatch, "printer")
    assert main(["label", str(captures / "a.pcap")]) == 0
    assert "    1  " in capsys.readouterr().out
    assert len(labels(captures / "labels.csv")) == 1


def test_a_label_that_nobody_knows_is_asked_for_twice(
    captures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "s", "n", "toaster", "y", "", "TOASTER")
    assert main(["label", str(captures), "--model", "demo"]) == 0
    assert "s is a new label: is it meant" in capsys.readouterr().out
    # The second time it is in the list.
    assert [label for _, label, _ in labels(captures / "labels.csv")] == ["toaster", "TOASTER"]


def test_enough_is_enough(captures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "printer", "q", "camera")
    assert main(["label", str(captures), "--model", "demo"]) == 0
    assert len(labels(captures / "labels.csv")) == 1


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["-", "--label", "Printer"], "a list names files"),
        (["--label", "Printer"], "a list names files"),
        (["CAPTURES"], "give --label"),
        (["CAPTURES", "--label", "  "], "is empty"),
        (["CAPTURES/none", "--label", "x"], "none"),
    ],
)
def test_what_cannot_be_labelled_is_told(
    captures: Path, words: list[str], advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("CAPTURES", str(captures)) for word in words]
    assert main(["label", *given]) == 2
    assert advice in capsys.readouterr().err


def test_the_good_captures_are_labelled_when_some_are_bad(
    captures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = captures / "bad.pcap"
    bad.write_bytes(b"no capture")
    assert main(["label", str(bad), str(captures / "a.pcap"), "--label", "Printer"]) == 2
    assert len(labels(captures / "labels.csv")) == 1
    assert "bad.pcap" in capsys.readouterr().err
