from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.main import main
from tests import frames as f

DATA = Path(__file__).resolve().parents[2] / "data"
FIELDS = {
    "file",
    "packets",
    "bytes",
    "first",
    "last",
    "linktypes",
    "sessions",
    "devices",
    "truncated",
    "errors",
}


def info(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["info", *words, "--json"])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def expected(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def compare(capsys: pytest.CaptureFixture[str], folder: Path, rows: list[dict[str, str]]) -> None:
    """capinfos' count where the tools had nothing to say, else one line with file and offset."""
    assert len(rows) > 50
    for row in rows:
        code, (told,), err = info(capsys, str(folder / row["path"]))
        assert told.keys() >= FIELDS
        if not row["tool_message"]:
            assert told["packets"] == int(row["capinfos_packets"] or 0), row["path"]
            assert (code, told["errors"]) == (0, []), row["path"]
            # All that may be said of it is that there is nothing in it, or nothing for us.
            assert all(
                ": is empty: " in line or ": not decoded, " in line for line in err.splitlines()
            )
        else:
            assert code == 2
            assert err.count("\n") == 1
            assert row["path"] in err
            assert "byte " in err
            if row["capinfos_packets"]:
                assert told["packets"] <= int(row["capinfos_packets"])


@pytest.mark.usefixtures("core")
def test_hostile_captures_of_the_tests(capsys: pytest.CaptureFixture[str]) -> None:
    compare(capsys, DATA / "hostile", expected(DATA / "hostile" / "expected.csv"))


@pytest.mark.usefixtures("core")
def test_hostile_captures_of_the_shared_data(
    shared_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_dir / "data" / "hostile"
    compare(capsys, folder, expected(folder / "expected.csv"))


def test_every_capture_of_the_shared_data_has_its_packets(
    shared_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        row
        for row in expected(shared_dir / "data" / "labels.csv")
        if row["kind"] == "pcap" and not row["path"].startswith("hostile/")
    ]
    assert len(rows) > 300
    for row in rows:
        code, (told,), _ = info(capsys, str(shared_dir / "data" / row["path"]))
        assert (code, told["packets"]) == (0, int(row["capinfos_packets"])), row["path"]


@pytest.mark.usefixtures("core")
def test_a_cut_capture_is_truncated_and_exit_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(f.pcap(f.udp_frame(1), f.udp_frame(2))[:-3])
    code, (told,), err = info(capsys, str(path))
    assert (code, told["packets"], told["truncated"]) == (2, 1, True)
    assert told["errors"][0]["offset"] == 24 + 16 + 43
    assert err == f"halia: {path}: byte 83: cut short: the file ends within a record\n"


def test_good_files_are_told_beside_bad_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = tmp_path / "good.pcap"
    good.write_bytes(f.pcap(f.udp_frame(1)))
    code, told, err = info(capsys, str(tmp_path / "missing"), str(good))
    assert code == 2
    assert [t["packets"] for t in told] == [None, 1]
    assert "missing" in err


def test_the_table_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "good.pcap"
    good.write_bytes(f.pcap(f.udp_frame(1), f.udp_frame(2.5)))
    assert main(["info", str(good)]) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["packets", "bytes"]
    assert line.split()[:5] == ["2", "86", "1970-01-01T00:00:01Z", "1.500", "1"]


@pytest.mark.parametrize("command", ["info", "sessions", "classify", "features"])
def test_link_types_that_are_not_decoded_are_told(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.pcap").write_bytes(f.pcap(f.udp_frame(1), link=127))
    (tmp_path / "notes.txt").write_text("hello")
    assert main([command, str(tmp_path)]) == 0
    link = f"{tmp_path}/x.pcap: link type ieee802.11-radiotap: not decoded, so there are no"
    assert sorted(capsys.readouterr().err.splitlines()) == [
        f"halia: {link} sessions or devices of its packets",
        f"halia: {tmp_path}: 1 file that is no capture skipped",
    ]
    assert main([command, str(tmp_path), "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_an_empty_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_bytes(b"")
    code, (told,), err = info(capsys, str(tmp_path / "x"))
    assert (code, told["packets"]) == (0, 0)
    assert err == f"halia: {tmp_path}/x: is empty: no packets, no link type\n"


def test_what_is_no_capture_has_no_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_text("no capture at all")
    code, (told,), _ = info(capsys, str(tmp_path / "x"))
    assert (code, told["packets"], told["errors"][0]["offset"]) == (2, None, 0)
    assert main(["info", str(tmp_path / "x")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "not a pcap or pcapng file" in err


def test_out_is_never_the_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(f.udp_frame(1)))
    before = path.read_bytes()
    assert main(["info", str(path), "--out", str(path), "--force"]) == 2
    assert path.read_bytes() == before
    assert "input" in capsys.readouterr().err
