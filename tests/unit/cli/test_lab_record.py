from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.cli import lab_record as command
from plugin.cli.main import command_parser, main
from plugin.errors import InputError, OptionError
from plugin.lab.offices import office
from plugin.lab.record import Bad
from tests.labs import QUIET

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

# Labs are recorded in tests/e2e/test_demo.py.


def parsed(*words: str) -> argparse.Namespace:
    return command_parser("lab").parse_args(["record", "--out", "x", *words])


def test_what_is_standard() -> None:
    args = parsed()
    assert (args.seeds, args.seconds, args.windows, args.jobs) == ((1,), 30.0, 1, 1)
    assert command._topology(args, 5) == office(5)


def test_offices_as_asked_for() -> None:
    args = parsed("--gadgets", "0", "--strangers", "4", "--seeds", "1-3")
    assert args.seeds == (1, 2, 3)
    assert command._topology(args, 2) == office(2, gadgets=0, strangers=4)
    args = parsed("--machines", "40")
    assert command._topology(args, 2) == office(2, machines=40)
    assert command._bad("ben:fan-out", None, office(2, machines=40)).kind == "fan-out"


def test_a_topology_gets_the_seeds(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(QUIET, encoding="utf-8")
    topology = command._topology(parsed(str(file)), 12)
    assert (topology.name, topology.seed) == ("quiet", 12)


def test_who_turns_bad() -> None:
    assert command._bad("ben:scan", None, office(1)) == Bad("ben", "scan", 10.0, None)
    assert command._bad("ben:scan@1.5m", 50.0, office(1)) == Bad("ben", "scan", 90.0, 50.0)
    for text in ("ben", "ben:", ":scan", "ben:scan@", "ben:scan@soon"):
        with pytest.raises(OptionError, match="is not HOST:KIND"):
            command._bad(text, None, office(1))
    with pytest.raises(InputError, match="no such host"):
        command._bad("bem:scan", None, office(1))
    with pytest.raises(InputError, match="no such kind"):
        command._bad("ben:scam", None, office(1))


@pytest.mark.parametrize(
    "words",
    [
        ["--seeds", "3-1"],
        ["--windows", "0"],
        ["--jobs", "0"],
        ["--jobs", "65"],
        ["--seconds", "0"],
        ["--strangers", "-1"],
        ["--rate", "0"],
    ],
)
def test_what_cannot_be_is_refused(words: list[str]) -> None:
    assert main(["lab", "record", "--out", "x", *words]) == 2


def test_a_folder_that_cannot_be_made_is_told_before_a_lab_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "x"
    assert main(["lab", "record", "--out", str(place)]) == 2
    assert f"{place}: the folder cannot be made: Not a directory" in capsys.readouterr().err
    assert main(["lab", "record", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be made: File exists" in capsys.readouterr().err


@pytest.mark.parametrize("bad", ["nosuch:scan", "ben:foo", "ben:brute"])
def test_a_wrong_bad_host_is_wrong_input(bad: str, tmp_path: Path) -> None:
    assert main(["lab", "record", "--out", str(tmp_path / "x"), "--bad", bad]) == 2
    assert not (tmp_path / "x").exists()


def test_a_folder_with_something_in_it_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").touch()
    assert main(["lab", "record", "--out", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
