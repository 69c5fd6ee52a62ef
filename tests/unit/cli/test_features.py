from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from plugin.cli.features import SETS
from plugin.cli.main import main
from plugin.ml.schema import SCHEMAS

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
PRINTER = CAPTURES / "airprint_printer4.pcap"
MAC = "fc:15:b4:ab:2e:fd"


def test_the_choices_are_the_schemas() -> None:
    assert set(SETS) == set(SCHEMAS)


def test_a_summary_without_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", str(PRINTER)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [str(PRINTER), "2", "26", "4104", "98"]


def test_json_gives_what_is_not_zero(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["features", "--json", "--set", "service-ports", "--device", MAC, str(PRINTER)]
    assert main(words) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["device"], row["session"], row["set"]) == (MAC, -1, "service-ports")
    assert row["values"]["serves_tcp_631"] > 0
    assert 0 not in row["values"].values()


def test_several_captures_go_into_one_file(tmp_path: Path) -> None:
    out = tmp_path / "features.npz"
    other = CAPTURES / "Aria_Setup-A-2-STA.pcap"
    assert main(["features", str(PRINTER), str(other), "--out", str(out)]) == 0
    found = np.load(out, allow_pickle=False)
    assert set(found["source"].tolist()) == {str(PRINTER), str(other)}
    assert found["shape"].tolist() == [35, 4104]


def test_outputs_are_guarded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "features.csv"
    out.write_text("precious")
    words = ["features", "--set", "service-ports", str(PRINTER), "--out", str(out)]
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert main([*words, "--force"]) == 0
    assert out.read_text().startswith("source,device,session,serves_tcp_20")
    assert main(["features", str(PRINTER), "--out", str(tmp_path / "x.txt")]) == 2


def test_classic_options(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["features", "--json", "--set", "networkml-4104-window", "--device", MAC, str(PRINTER)]
    assert main([*words, "--window", "5s"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["session"] for row in rows] == list(range(len(rows)))
    assert len(rows) > 2
    assert main([*words, "--threshold", "1h"]) == 0
    assert json.loads(capsys.readouterr().out)["values"] == {}


def test_a_bad_capture_does_not_stop_the_good_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture at all")
    out = tmp_path / "f.npz"
    assert main(["features", str(bad), str(PRINTER), "--out", str(out)]) == 2
    assert np.load(out)["shape"][0] == 26
    assert str(bad) in capsys.readouterr().err


def test_a_device_is_there_or_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for device, code in ((MAC, 0), ("1.2.3.4", 4), ("foo", 2)):
        assert main(["features", "--device", device, str(PRINTER)]) == code
    err = capsys.readouterr().err
    assert "halia: 1.2.3.4: no such device in what was read\n" in err
    assert "argument --device: 'foo' is no MAC or IP address; see " in err
    out = tmp_path / "f.npz"
    assert main(["features", "--device", "1.2.3.4", str(PRINTER), "--out", str(out)]) == 4
    assert np.load(out)["shape"][0] == 0


@pytest.mark.parametrize("option", ["--window", "--threshold"])
def test_what_does_not_apply_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", option, "1h", str(PRINTER)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"halia: {option}: does not apply to networkml-4104; add --set netw")


def test_windows_of_the_host_sets(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["features", "--json", "--set", "halia-host", "--device", MAC, str(PRINTER)]
    assert main(words) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main([*words, "--window", "5s"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 2
    assert main([*words, "--threshold", "5s"]) == 2
    assert "does not apply to halia-host; add --set networkml" in capsys.readouterr().err
