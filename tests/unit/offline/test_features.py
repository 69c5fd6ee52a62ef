from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plugin.errors import OptionError
from plugin.ml import devices
from plugin.ml.features import device_rows
from plugin.ml.schema import SCHEMAS
from plugin.offline.features import Classic, features, features_of, has_device, joined
from plugin.offline.read import read_capture

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
HUE = CAPTURES / "HueBridge_Setup-C-12-STA.pcap"
BRIDGE = "00:17:88:24:76:ff"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_devices_rows_are_those_of_the_device_alone(name: str) -> None:
    read = read_capture(HUE, packets=True)
    table = features_of(read, name)
    found = devices.devices_of(read)
    for mac, mac_id in zip(found.macs, found.mac_ids.tolist(), strict=True):
        mine = table.device == mac
        assert np.array_equal(
            table.matrix.rows(mine).to_dense(), device_rows(name, read, mac_id).to_dense()
        )
        alone = features_of(read, name, device=mac)
        assert set(alone.device) == {mac}
        assert alone.matrix.n_rows == mine.sum() > 0
    assert set(table.source) == {str(HUE)}


def test_rows_carry_the_ids_of_their_sessions() -> None:
    table = features(HUE, device=BRIDGE)
    read = read_capture(HUE)
    assert len(table.session) == 176
    first = read.sessions[table.session[0]]
    assert BRIDGE in {
        read.macs["mac"][first[f"{end}_mac"]].tobytes().hex(":") for end in ("orig", "resp")
    }
    assert set(features(HUE, set="service-ports").session) == {-1}


@pytest.mark.parametrize("name", ["networkml-4104", "service-ports"])
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = features(HUE, set=name).matrix.to_dense()
    monkeypatch.setattr(devices, "_VIEWS_MAX", 5)
    assert np.array_equal(features(HUE, set=name).matrix.to_dense(), before)


def test_a_device_without_sessions_has_an_empty_row(tmp_path: Path) -> None:
    arp = "ffffffffffff0e000000000a0806" + "0001080006040001" + "0e000000000a0a000001" + "00" * 10
    frame = bytes.fromhex(arp)
    header = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
    size = len(frame).to_bytes(4, "little")
    path = tmp_path / "arp.pcap"
    path.write_bytes(header + bytes(8) + size + size + frame)
    table = features(path, set="service-ports")
    assert table.device.tolist() == ["0e:00:00:00:00:0a"]
    assert (table.matrix.n_rows, table.matrix.nnz) == (1, 0)
    assert features(path).matrix.n_rows == 0


def test_options_of_the_classic_set() -> None:
    def rows(window: float, threshold: float = 0) -> int:
        table = features(
            HUE,
            set="networkml-4104-window",
            device=BRIDGE,
            options=Classic(window, threshold),
        )
        return int((table.matrix.counts() > 0).sum())

    assert rows(900) == 1
    assert rows(20) > 2
    assert rows(900, 1e6) == 0


def test_windows_of_the_host_sets() -> None:
    whole = features(HUE, set="halia-host", device=BRIDGE)
    assert whole.session.tolist() == [-1]
    cut = features(HUE, set="halia-host", device=BRIDGE, options=Classic(window=20))
    assert len(cut.session) > 2
    assert (np.diff(cut.session) > 0).all()
    place = cut.schema.names.index("sent_packets")
    packets = [10 ** float(row[place]) - 1 for row in cut.matrix.to_dense()]
    assert round(sum(packets)) == round(10 ** float(whole.matrix.to_dense()[0, place]) - 1)


def test_an_unknown_set_is_refused_before_the_capture_is_read(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="colours: no such feature set; one of networkml-4104"):
        features(tmp_path / "none.pcap", set="colours")


def test_joined_tables() -> None:
    schema = SCHEMAS["service-ports"]
    one = features(HUE, set="service-ports")
    both = joined([one, one], schema)
    assert both.matrix.n_rows == 6
    assert both.device.tolist() == one.device.tolist() * 2
    none = joined([], schema)
    assert (none.matrix.n_rows, none.matrix.n_columns) == (0, schema.n_columns)


def test_a_device_is_in_a_capture_or_not() -> None:
    read = read_capture(HUE)
    assert has_device(read, BRIDGE)
    assert not has_device(read, "1.2.3.4")
    with pytest.raises(OptionError, match="is no MAC or IP address"):
        features(HUE, device="bridge")
