from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from plugin.errors import CaptureError, ModelError, OptionError
from plugin.ml import devices as devices_in
from plugin.ml.features import device_rows
from plugin.ml.role import calibrate, predict_proba
from plugin.ml.store import save_model
from plugin.ml.verdict import to_document
from plugin.offline import classify as work
from plugin.offline.classify import (
    DEFAULTS,
    Options,
    classify,
    classify_capture,
)
from plugin.offline.features import Classic, features_of
from plugin.offline.read import read_capture
from plugin.settings import data_folder
from tests.models import tiny_forest, tiny_net

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
PRINTER = CAPTURES / "airprint_printer4.pcap"
HUE = CAPTURES / "HueBridge_Setup-C-12-STA.pcap"
FOUR = ("A", "B", "C", "D")
MODELS = {
    "session": tiny_net(FOUR, "networkml-4104"),
    "window": tiny_net(FOUR, "networkml-4104-window"),
    "net": tiny_net(FOUR),
    "forest": tiny_forest(),
    "host": tiny_net(FOUR, "halia-host"),
    "sent": tiny_net(FOUR, "halia-host-sent"),
}


def capture(path: Path = HUE, **options: Any) -> Any:
    return read_capture(path, **options)


def without_link(path: Path) -> bytes:
    """A classic capture's IP packets without their Ethernet headers (link type 101, raw IP)."""
    whole = path.read_bytes()
    found, at = [whole[:20] + (101).to_bytes(4, "little")], 24
    while at < len(whole):
        size = int.from_bytes(whole[at + 8 : at + 12], "little")
        frame = whole[at + 16 : at + 16 + size]
        if frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
            lengths = (
                (int.from_bytes(whole[k : k + 4], "little") - 14).to_bytes(4, "little")
                for k in (at + 8, at + 12)
            )
            found.append(whole[at : at + 8] + b"".join(lengths) + frame[14:])
        at += 16 + size
    return b"".join(found)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_confidences_are_those_of_each_device_alone(name: str) -> None:
    model = MODELS[name]._replace(
        manifest=MODELS[name].manifest._replace(temperature=0.5, min_packets=0)
    )
    read = capture(packets=True)
    verdicts = classify_capture(read, [model])
    assert len(verdicts) == 3
    mac_ids = devices_in.devices_of(read).mac_ids.tolist()
    for one, mac_id in zip(verdicts, mac_ids, strict=True):
        rows = device_rows(model.manifest.schema_name, read, mac_id)
        if name == "window":
            expected = calibrate(predict_proba(model, rows), 0.5).mean(axis=0)
        else:
            expected = calibrate(predict_proba(model, rows).mean(axis=0), 0.5)
        best = [(p, model.manifest.classes[k]) for k, p in enumerate(expected)]
        best = sorted(best, key=lambda pair: -pair[0])[:3]
        assert one.role.labels[: len(best)] == tuple(label for _, label in best)
        assert np.allclose(one.role.confidences[: len(best)], [p for p, _ in best], atol=1e-6)


def test_windows_are_averaged_with_equal_weight() -> None:
    read = capture()
    model = MODELS["session"]
    mac_id = int(devices_in.devices_of(read).mac_ids[0])
    start = read.sessions["start"][
        (read.sessions["orig_mac"] == mac_id) | (read.sessions["resp_mac"] == mac_id)
    ]
    number = (start - read.sessions["start"].min()) // (20 * 10**9)
    rows = predict_proba(model, device_rows("networkml-4104", read, mac_id))
    means = [rows[number == k].mean(axis=0) for k in np.unique(number)]
    assert len(means) > 2
    expected = np.mean(means, axis=0)
    one = classify_capture(read, [model], Options(window=20))[0]
    assert np.allclose(one.role.confidences, np.sort(expected)[::-1][:3], atol=1e-6)
    whole = classify_capture(read, [model], Options(window=1e6))[0]
    plain = classify_capture(read, [model])[0]
    assert whole.warnings == (*plain.warnings, "averaged over windows of 1e+06 seconds")
    assert whole._replace(warnings=plain.warnings) == plain


def test_windows_of_packets_are_rows_of_their_own() -> None:
    read = capture(packets=True)
    model = MODELS["host"]
    table = features_of(read, "halia-host", options=Classic(window=20))
    verdicts = classify_capture(read, [model], Options(window=20))
    assert len(verdicts) == 3
    for one in verdicts:
        each = predict_proba(model, table.matrix.rows(table.device == one.mac))
        best = np.sort(each.mean(axis=0))[::-1][:3]
        assert np.allclose(one.role.confidences, best, atol=1e-6)
    assert max(np.unique(table.device, return_counts=True)[1]) > 2


def test_devices_without_link_addresses_have_rows_by_packets_too(tmp_path: Path) -> None:
    path = tmp_path / "raw.pcap"
    path.write_bytes(without_link(HUE))
    read = capture(path, packets=True)
    assert set(devices_in.devices_of(read).mac_ids) == {-1}
    found = features_of(read, "halia-host")
    linked = features_of(capture(packets=True), "halia-host")
    names = linked.schema.names
    assert found.matrix.n_rows > 1
    mac = "00:17:88:24:76:ff"
    (bridge,) = classify_capture(capture(packets=True), [MODELS["host"]], Options(device=mac))
    mine = found.matrix.rows(found.device == bridge.ips[0]).to_dense()[0]
    theirs = linked.matrix.rows(linked.device == mac).to_dense()[0]
    for name in ("sent_kind_dns", "sent_tcp_opening_mean", "uses_udp_53", "session_two_way"):
        place = names.index(name)
        assert mine[place] > 0
        assert np.isclose(mine[place], theirs[place], rtol=0.2), name


def test_what_is_no_address_and_no_window_is_refused() -> None:
    with pytest.raises(OptionError, match="'foo' is no MAC or IP address"):
        classify(PRINTER, device="foo")
    for window in (0, -1.0, float("nan")):
        with pytest.raises(OptionError, match="is no length of a window"):
            classify(PRINTER, window=window)


@pytest.mark.parametrize("name", ["session", "net", "forest"])
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = classify_capture(capture(), [MODELS[name]], Options(window=15))
    monkeypatch.setattr(devices_in, "_VIEWS_MAX", 7)
    assert classify_capture(capture(), [MODELS[name]], Options(window=15)) == before


def test_one_device_by_mac_or_ip() -> None:
    read = capture(PRINTER)
    everyone = classify_capture(read, [MODELS["net"]])
    wanted = everyone[1]
    assert wanted.mac is not None
    for name in (wanted.mac, wanted.mac.upper().replace(":", "-"), wanted.ips[0]):
        assert classify_capture(read, [MODELS["net"]], Options(device=name)) == [wanted]
    assert classify_capture(read, [MODELS["net"]], Options(device="1.2.3.4")) == []


def test_several_models_are_all_told() -> None:
    sure = tiny_net(("Printer", "Camera"), bias=(3.0, 0.0))
    sure = sure._replace(manifest=sure.manifest._replace(name="enterprise"))
    unsure = tiny_net(("X", "Y"), bias=(0.0, 0.0))
    unsure = unsure._replace(manifest=unsure.manifest._replace(name="device", threshold=0.9))
    (one, *_) = classify_capture(capture(PRINTER), [unsure, sure])
    assert [role.model for role in one.roles] == ["device", "enterprise"]
    assert one.role == one.roles[1]
    assert one.role.labels == ("Printer", "Camera", "Unknown")
    assert one.role.decision == "known"


def test_a_short_capture_is_a_warning_and_too_few_packets_a_refusal() -> None:
    model = MODELS["net"]
    (one, *_) = classify_capture(capture(PRINTER), [model])
    assert "captured 25 seconds of the recommended 15 minutes" in one.warnings
    assert one.role.decision != "undetermined"
    needy = model._replace(manifest=model.manifest._replace(min_packets=10_000))
    (one, *_) = classify_capture(capture(PRINTER), [needy])
    assert (one.role.decision, one.role.reason) == (
        "undetermined",
        f"{one.packets} packets, the model needs 10000",
    )


def test_a_gateway_is_never_known() -> None:
    models = [m._replace(manifest=m.manifest._replace(threshold=0.0)) for m in (MODELS["net"],) * 2]
    found = {v.mac: v for v in classify_capture(capture(), models)}
    gateway, bridge = found["00:b5:6d:06:08:ba"], found["00:17:88:24:76:ff"]
    for role in (gateway.role, *gateway.roles):
        assert role.decision == "undetermined"
        assert role.reason is not None
        assert "a router or gateway" in role.reason
    assert gateway.role.labels == bridge.role.labels  # the ranking stays
    assert bridge.role.decision == "known"


def test_the_public_call(tmp_path: Path) -> None:
    save_model(MODELS["window"], tmp_path / "m")
    verdicts = classify(PRINTER, model=str(tmp_path / "m"), window=10)
    assert [v.source for v in verdicts] == [str(PRINTER)] * 2
    with pytest.raises(CaptureError):
        classify(tmp_path / "none.pcap", model=str(tmp_path / "m"))
    with pytest.raises(ModelError):
        classify(PRINTER, model=str(tmp_path))


def test_auto_takes_the_shipped_models_it_finds(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(ModelError, match="no models come with this Halia"):
        work.load_models("auto", tmp_path)
    save_model(MODELS["net"], tmp_path / "models" / "enterprise")
    save_model(MODELS["forest"], tmp_path / "models" / "device")
    save_model(MODELS["forest"], tmp_path / "models" / "other")
    assert [m.manifest.algorithm for m in work.load_models("auto", tmp_path)] == ["forest", "net"]
    assert len(work.load_models("other", tmp_path)) == 1


LINK_LESS = """
d4c3b2a1 02000400 00000000 00000000 ffff0000 65000000
00000000 00000000 1c000000 1c000000
4500001c 00000000 40110000 0a000001 08080808 c3500035 00080000
"""


def test_a_capture_without_link_addresses_goes_by_ip(tmp_path: Path) -> None:
    path = tmp_path / "raw.pcap"
    path.write_bytes(bytes.fromhex("".join(LINK_LESS.split())))
    (one,) = classify_capture(capture(path), [MODELS["net"]])
    assert (one.mac, one.ips, one.packets, one.sessions) == (None, ("10.0.0.1",), 1, 1)


def test_every_shared_capture_gives_verdicts_that_fit_the_schema() -> None:
    folder = Path(os.environ.get("HALIA_SHARED", "../shared")) / "data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not here")
    text = (data_folder("configs") / "schema" / "verdict-v1.schema.json").read_text()
    validator = jsonschema.Draft202012Validator(json.loads(text))
    models = [MODELS["session"], MODELS["forest"]]
    found = 0
    for place in ("hostile", "devices/enterprise", "devices/other", "attacks/misc"):
        for path in sorted((folder / place).glob("*.pcap*")):
            try:
                read = capture(path)
            except CaptureError:
                continue
            for one in classify_capture(read, models):
                validator.validate(to_document(one))
                found += 1
    assert found > 200


def test_start_up_imports_nothing_heavy() -> None:
    code = (
        "import sys; from plugin.cli.main import main; "
        f"code = main(['classify', '-q', {str(PRINTER)!r}]); "
        "heavy = {'scipy', 'sklearn', 'pandas', 'joblib', 'pika', 'sqlalchemy', 'yaml',"
        " 'numpy.ma', 'dataclasses', 'pyarrow', 'matplotlib', 'scapy'} & set(sys.modules); "
        "sys.exit(f'{code} {sorted(heavy)}' if code or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_recommended_time_is_that_of_the_most_demanding_model() -> None:
    models = [
        MODELS["net"]._replace(manifest=MODELS["net"].manifest._replace(window_seconds=seconds))
        for seconds in (1.0, 7200.0, 60.0)
    ]
    (warning,) = classify_capture(capture(PRINTER), models)[0].warnings
    assert warning == "captured 25 seconds of the recommended 120 minutes"


def test_a_window_longer_than_any_clock_is_the_whole_capture() -> None:
    for name in ("net", "window"):
        read = capture(packets=True)
        whole = classify_capture(read, [MODELS[name]], Options(window=1e9))
        for window in (1e18, 1e300, float("inf")):
            found = classify_capture(read, [MODELS[name]], Options(window=window))
            assert [one.role for one in found] == [one.role for one in whole]


def test_a_flood_of_small_devices_is_answered_without_asking_the_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, model = capture(), MODELS["forest"]
    most = max(one.packets for one in classify_capture(read, [model]))
    model = model._replace(manifest=model.manifest._replace(min_packets=most, min_sessions=1))
    ranked = classify_capture(read, [model])
    small = [one for one in ranked if one.packets < most]
    assert 0 < len(small) < len(ranked)
    monkeypatch.setattr(work, "MANY", len(small))
    assert classify_capture(read, [model]) == ranked
    monkeypatch.setattr(work, "MANY", len(small) - 1)
    found = classify_capture(read, [model])
    for one, before in zip(found, ranked, strict=True):
        if one.packets < most:
            assert one.role.labels == ("Unknown",) * 3
            assert before.role.labels != one.role.labels
            assert one.role.decision == before.role.decision == "undetermined"
            assert one.role.reason == before.role.reason
        else:
            assert one == before


def test_without_link_addresses_nobody_is_accused(tmp_path: Path) -> None:
    path = tmp_path / "raw.pcap"
    path.write_bytes(bytes.fromhex("".join(LINK_LESS.split())))
    (one,) = classify_capture(
        capture(path, watched=True), [MODELS["net"]], Options(behaviours=DEFAULTS)
    )
    assert one.anomaly is None
