from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from plugin.cli.main import main
from tests import frames as f


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "c.pcap"
    path.write_bytes(
        f.pcap(
            f.tcp_frame(1, f.SYN),
            f.tcp_frame(1.1, f.SYN | f.ACK, back=True),
            f.tcp_frame(1.2, f.ACK),
            f.udp_frame(2),
            f.udp_frame(90),
        )
    )
    return path


@pytest.mark.usefixtures("core")
def test_json_lines(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", str(capture), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["end_reason"] for r in rows] == ["idle", "open", "open"]
    assert [r["id"] for r in rows] == [1, 0, 2]
    assert rows[1]["history"] == "ShA"
    assert rows[1]["orig_mac"] == "0e:00:00:00:00:01"
    assert rows[1]["file"] == str(capture)


@pytest.mark.usefixtures("core")
def test_csv_and_json_say_the_same(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["sessions", str(capture), "--json"])
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    main(["sessions", str(capture), "--csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows == [{k: "" if v is None else str(v) for k, v in o.items()} for o in objects]


@pytest.mark.usefixtures("core")
def test_zeek(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", str(capture), "--zeek"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "#separator \\x09"
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert [row[11] for row in rows] == ["S0", "S1", "S0"]


@pytest.mark.usefixtures("core")
def test_parquet(capture: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra halia[parquet]")
    out = tmp_path / "s.parquet"
    assert main(["sessions", str(capture), "--parquet", "--out", str(out)]) == 0
    table = pq.read_table(out).to_pylist()
    assert [row["resp_port"] for row in table] == [53, 80, 53]
    assert main(["sessions", str(capture), "--parquet", "--out", str(out)]) == 2


def test_text_for_people(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", str(capture)]) == 0
    assert "10.0.0.1:40000 > 10.0.0.2:80  2/1 packets" in capsys.readouterr().out


def test_one_form_at_a_time(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", str(capture), "--json", "--csv"]) == 2
    assert main(["sessions", str(capture), "--parquet"]) == 2
    assert "--out" in capsys.readouterr().err


def test_bad_files_are_named_and_good_ones_listed(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / "torn.pcap"
    torn.write_bytes(capture.read_bytes()[:-1])
    assert main(["sessions", str(tmp_path / "none"), str(torn), "--json"]) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "none" in err
    assert "torn.pcap: byte" in err
