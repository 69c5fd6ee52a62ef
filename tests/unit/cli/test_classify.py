from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.cli.main import main
from plugin.ml.store import save_model
from tests import attacks
from tests import frames as f
from tests.flow_models import saved_flows
from tests.models import tiny_net
from tests.normals import tiny_normal

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
PRINTER = CAPTURES / "airprint_printer4.pcap"
MAC = "fc:15:b4:ab:2e:fd"


@pytest.fixture
def model(tmp_path: Path) -> str:
    made = tiny_net(("Printer", "Workstation", "Camera"), bias=(2.0, 0.0, 1.0))
    made = made._replace(manifest=made.manifest._replace(networkml={"Printer": "Printer"}))
    save_model(made, tmp_path / "tiny")
    return str(tmp_path / "tiny")


def test_json_is_one_object_a_device(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--json", "--model", model, str(PRINTER)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["mac"] for row in rows] == [MAC, "20:c9:d0:b1:9c:7b"]
    assert rows[0]["role"]["labels"] == ["Printer", "Camera", "Workstation"]
    assert rows[0]["role"]["decision"] == "known"


def test_text_shows_the_ranking_with_bars(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--model", model, str(PRINTER), "--device", MAC]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(PRINTER)
    assert lines[1] == f"  {MAC}  10.10.10.1, fe80::fe15:b4ff:feab:2efd  521 packets, 14 sessions"
    assert lines[2].startswith("    normal: ")
    assert lines[3] == "    known (model tiny)"
    assert lines[4] == "    0.67 " + "#" * 13 + " " * 7 + " Printer"
    assert lines[-1] == "    note: captured 25 seconds of the recommended 15 minutes"


def test_a_device_is_held_against_what_is_usual_for_its_role(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(tiny_normal(), tmp_path / "usual")
    words = ["classify", "--model", model, str(PRINTER), "--device", MAC]
    assert main([*words, "--normal", str(tmp_path / "usual"), "--json", "--explain"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["anomaly"]["verdict"], row["anomaly"]["novelty"]["name"]) == ("novel", "novelty")
    assert (row["explanation"]["role"], row["explanation"]["references"]) == ("Printer", 30)
    assert main([*words, "--normal", str(tmp_path / "usual"), "--explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("    novel: unlike 30 reference captures of Printer: at ")
    assert lines[3].startswith("    beside 30 references of Printer, the strangest features first;")
    assert len([line for line in lines if ", usual " in line and line.startswith(" " * 6)]) == 10
    assert main([*words, "--normal", "none", "--json", "--explain"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["anomaly"]["novelty"] is None
    assert "explanation" not in row
    assert main([*words, "--normal", "toaster"]) == 2
    assert "no such model" in capsys.readouterr().err


def test_shipped_models_run_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--json", str(PRINTER)]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert [role["model"] for role in row["roles"]] == ["device", "enterprise"]
    assert row["role"] in row["roles"]


def test_a_bad_capture_does_not_stop_the_good_ones(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture at all")
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(PRINTER.read_bytes()[:5000])
    assert main(["classify", "--json", "--model", model, str(bad), str(cut), str(PRINTER)]) == 2
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["source"] for row in rows} == {str(cut), str(PRINTER)}
    assert "cut short" in rows[0]["warnings"][-1]
    assert [line.split(":")[0] for line in err.splitlines()] == ["halia"] * 2


def test_a_device_that_is_nowhere_is_a_no(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--model", model, "--device", "1.2.3.4", str(PRINTER)]) == 4
    assert capsys.readouterr() == ("", "halia: 1.2.3.4: no such device in what was read\n")
    assert main(["classify", "--model", model, "--device", "foo", str(PRINTER)]) == 2
    assert "argument --device: 'foo' is no MAC or IP address; see " in capsys.readouterr().err


def test_networkml_files(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    words = ["classify", "--model", model, "--networkml", str(folder), str(PRINTER)]
    assert main(words) == 0
    result, end = json.loads((folder / "predict.json").read_text())
    assert result["data"]["mac_addresses"][MAC]["classification"]["labels"][0] == "Printer"
    assert end["data"] == ""
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0
    assert main([*words, str(CAPTURES / "Aria_Setup-A-2-STA.pcap")]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "Aria_Setup-A-2-STA.pcap.predict.json",
        "airprint_printer4.pcap.predict.json",
        "predict.json",
    ]


def test_a_folder_that_cannot_be_made_is_told(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    words = ["classify", "--model", model, "--networkml", str(tmp_path / "file"), str(PRINTER)]
    assert main(words) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_a_model_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--model", "toaster", str(PRINTER)]) == 2
    assert "toaster: no such model; there are: " in capsys.readouterr().err


def test_a_torn_capture_is_a_failure_though_its_devices_are_told(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(PRINTER.read_bytes()[:5000])
    assert main(["classify", "--json", "--model", model, str(cut)]) == 2
    out, err = capsys.readouterr()
    assert out.count("\n") > 0
    assert "cut short" in err


def test_networkml_files_of_captures_with_one_name(model: str, tmp_path: Path) -> None:
    """Each gets its own, and the numbers do not depend on which captures are bad."""
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        data = PRINTER.read_bytes() if number else b"no capture at all"
        (tmp_path / str(number) / "p.pcap").write_bytes(data)
    paths = [str(tmp_path / str(number) / "p.pcap") for number in range(3)]
    folder = tmp_path / "out"
    assert main(["classify", "--model", model, "--networkml", str(folder), *paths]) == 2
    found = {p.name: json.loads(p.read_text())[0]["file_path"] for p in folder.iterdir()}
    assert found == {"p.pcap.2.predict.json": paths[1], "p.pcap.3.predict.json": paths[2]}


def test_a_networkml_file_that_exists_is_told_before_any_work(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    kept = folder / "Aria_Setup-A-2-STA.pcap.predict.json"
    kept.write_text("kept")
    captures = [str(PRINTER), str(CAPTURES / "Aria_Setup-A-2-STA.pcap")]
    assert main(["classify", "--model", model, "--networkml", str(folder), *captures]) == 2
    out, err = capsys.readouterr()
    assert (out, "exists already" in err) == ("", True)
    assert list(folder.iterdir()) == [kept]


@pytest.fixture
def scan(tmp_path: Path) -> str:
    (tmp_path / "scan.pcap").write_bytes(f.pcap(*attacks.horizontal()))
    return str(tmp_path / "scan.pcap")


def test_bad_behaviour_is_told_of_the_device_that_did_it(
    model: str, scan: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "--json", "--model", model, scan]) == 0
    rows = {row["mac"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    (finding,) = rows[attacks.BAD_TEXT]["anomaly"]["behaviour"]
    assert (finding["name"], finding["score"]) == ("horizontal-scan", 25.0)
    assert {mac: row["anomaly"]["verdict"] for mac, row in rows.items()} == {
        attacks.BAD_TEXT: "anomalous",
        f.A.hex(":"): "undetermined",
    }
    assert main(["classify", "--model", model, scan]) == 0
    line = "    anomalous: horizontal scan: 25 hosts on TCP port 445 in 60 s, none answered"
    assert capsys.readouterr().out.splitlines().count(line) == 1


def test_behaviours_are_looked_for_as_a_file_says_or_not_at_all(
    model: str, scan: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "b.yaml"
    file.write_text("horizontal_scan: {targets: 41}\n")
    words = ["classify", "--json", "--model", model, "--device", attacks.BAD_TEXT, scan]
    words += ["--normal", "none"]
    # 25 hosts are not 41; that they are many all the same is a suspicion, which has no such name.
    for option, expected in ((str(file), {"suspicion"}), ("none", None)):
        assert main([*words, "--behaviours", option]) == 0
        anomaly = json.loads(capsys.readouterr().out)["anomaly"]
        assert (anomaly and {one["name"] for one in anomaly["behaviour"]}) == expected
    config = tmp_path / "halia.yaml"
    config.write_text(f"behaviours: {{file: {file}}}\n")
    assert main([*words, "--config", str(config)]) == 0
    (found,) = json.loads(capsys.readouterr().out)["anomaly"]["behaviour"]
    assert found["name"] == "suspicion"
    file.write_text("horizontal_scan: {target: 41}\n")
    assert main([*words, "--behaviours", str(file)]) == 2
    assert "did you mean 'targets'?" in capsys.readouterr().err


def test_the_text_about_good_devices_is_the_same_without_looking(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for more in ([], ["--behaviours", "none"]):
        assert main(["classify", "--model", model, str(PRINTER), *more]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_signs_are_weighed_by_the_model_that_is_named(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests import frames as f

    file = tmp_path / "x.pcap"
    file.write_bytes(f.pcap(*attacks.vertical(24)))  # one port fewer than a scan has
    words = ["classify", "--json", "--model", model, "--device", attacks.BAD_TEXT, str(file)]
    said = []
    for more in ([], ["--suspicion", "none"], ["--behaviours", "none"]):
        assert main([*words, *more]) == 0
        anomaly = json.loads(capsys.readouterr().out)["anomaly"]
        said.append(anomaly and [one["name"] for one in anomaly["behaviour"]])
    assert said[0] == ["suspicion"]
    assert not said[1]
    assert not said[2]
    assert main([*words, "--behaviours", "none", "--suspicion", "toaster"]) == 2
    assert "--suspicion: does not go with --behaviours none" in capsys.readouterr().err
    assert main([*words, "--suspicion", "toaster"]) == 2


def test_who_nothing_is_said_about_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few.pcap"
    few.write_bytes(f.pcap(f.tcp_frame(1, f.SYN)))
    words = ["classify", "--model", "demo", "--behaviours", "none", "--normal", "none", str(few)]
    assert main(words) == 0
    whole = capsys.readouterr().out
    assert "1 packet, 1 session\n" in whole
    assert "undetermined" in whole
    assert main([*words, "--brief"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("left out: too little was seen to say anything\n")
    assert len(out.splitlines()) == 1
    assert main([*words, "--brief", "--json"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "left out" in told.err


def test_models_of_flows_by_role_are_roles_and_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(f.tcp_frame(1, f.ACK)))
    assert main(["classify", str(path), "--flows", "Printer"]) == 2
    assert "--flows: ROLE=MODEL is expected" in capsys.readouterr().err
    assert main(["classify", str(path), "--flows", "*=none-of-that-name"]) == 2
    assert "--flows, role *: none-of-that-name: no such model" in capsys.readouterr().err
    model = saved_flows(tmp_path)
    assert main(["classify", str(path), "--flows", f"printer={model}"]) == 2
    assert "--flows, role printer: is no role" in capsys.readouterr().err


def test_a_setting_for_roles_of_other_models_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(f.tcp_frame(1, f.ACK)))
    monkeypatch.setenv("HALIA_DETECT_FLOWS", f"Printer={saved_flows(tmp_path)}")
    assert main(["classify", str(path), "--model", "device"]) == 0
    monkeypatch.setenv("HALIA_DETECT_FLOWS", "Printer=none-of-that-name")
    assert main(["classify", str(path), "--model", "device"]) == 2
    assert "detect.flows, role Printer: none-of-that-name" in capsys.readouterr().err
