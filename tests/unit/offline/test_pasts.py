"""Files of devices' pasts: kept over restarts, bounded, and of no harm when they are damaged."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugin.errors import OutputError
from plugin.ml.behaviour.finding import Finding
from plugin.ml.change.distance import layout
from plugin.ml.change.profile import Parameters
from plugin.ml.verdict import Anomaly, Role, Verdict
from plugin.offline.pasts import SITE, Pasts
from plugin.offline.read import read_capture
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.records import Capture

MAC = attacks.BAD_TEXT
HOW = layout("s", ("a", "b"), {"all": [0, 1]})
QUICK = Parameters(windows=3, span=0.0, packets=5)
KNOWN = Role("known", ("Printer", "Unknown", "Unknown"), (0.9, 0.0, 0.0), "m", None)
RELAY = KNOWN._replace(decision="undetermined", reason="a router or gateway")
USUAL, OTHER = (0.0, 0.0), (5.0, 0.0)


def make(folder: Path, **more: Any) -> Pasts:
    return Pasts(folder, HOW, lambda _, __: np.zeros(2, np.float32), parameters=QUICK, **more)


class Device:
    """One device whose windows are judged, said and learned."""

    def __init__(self, folder: Path, pcap: Path) -> None:
        pcap.write_bytes(f.pcap(*attacks.horizontal()))
        self.capture = read_capture(pcap, packets=True)
        self.folder, self.row = folder, USUAL
        self.count = 0
        self.open()

    def open(self, how: Any = HOW) -> None:
        self.told: list[str] = []
        self.pasts = Pasts(
            self.folder, how, self._row, parameters=QUICK, told=self.told.append, most=3
        )

    def _row(self, capture: Capture, number: int) -> NDArray[np.float32]:
        assert capture.macs["mac"][number].tobytes().hex(":") == MAC
        return np.array(self.row, np.float32)

    def verdict(self, role: Role = KNOWN, packets: int = 50, mac: str | None = MAC) -> Verdict:
        time = 1_000_000_000 * self.count
        return Verdict(mac, (), "x", packets, 1, time, time, role, (), (), Anomaly("normal"))

    def window(self, row: tuple[float, float] = USUAL, said: str | None = None) -> Verdict:
        self.row = row
        self.count += 1
        name = f"c{self.count}"
        found = self.pasts.judged(self.verdict(), self.capture, name)
        assert found.anomaly is not None
        self.pasts.learn(
            found if said is None else found._replace(anomaly=found.anomaly._replace(verdict=said)),
            name,
        )
        return found

    def change(self, row: tuple[float, float]) -> Finding | None:
        self.row = row
        found = self.pasts.judged(self.verdict(), self.capture, "looked")
        assert found.anomaly is not None
        return found.anomaly.change


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path / "past", tmp_path / "x.pcap")


def warm(device: Device) -> None:
    for _ in range(3):
        assert device.window().anomaly == Anomaly("normal")


def test_a_changed_device_is_called_so_after_the_warm_up(device: Device) -> None:
    warm(device)
    same = device.window()
    assert same.anomaly is not None
    assert same.anomaly.change is not None
    assert same.anomaly.change.score == 0
    other = device.window(OTHER)
    assert other.anomaly is not None
    assert other.anomaly.verdict == "changed"
    assert other.anomaly.change is not None
    assert other.anomaly.change.evidence == ("a is 5, was 0",)


def test_a_past_is_known_after_a_restart(device: Device) -> None:
    warm(device)
    device.window(OTHER)
    device.open()
    found = device.change(OTHER)
    assert found is not None
    assert found.score > found.threshold
    assert device.pasts.profile(MAC).rows.shape == (3, 2)
    assert not device.told


def test_nothing_is_learned_from_an_anomalous_window(device: Device) -> None:
    warm(device)
    for _ in range(30):
        device.window(OTHER, said="anomalous")
    found = device.change(OTHER)
    assert found is not None
    assert found.score > found.threshold
    assert len(device.pasts.profile(MAC).waiting) == 0


def test_a_window_is_learned_only_when_its_verdict_was_said(device: Device) -> None:
    device.pasts.judged(device.verdict(), device.capture, "c1")
    assert len(device.pasts.profile(MAC).rows) == 0
    device.pasts.learn(device.verdict(), "c1")
    device.pasts.learn(device.verdict(), "c1")
    assert len(device.pasts.profile(MAC).rows) == 1


@pytest.mark.parametrize(
    "other", [{"role": RELAY}, {"packets": 4}, {"mac": None}], ids=["relay", "short", "no mac"]
)
def test_some_windows_tell_nothing_of_a_devices_past(device: Device, other: Any) -> None:
    warm(device)
    device.row = OTHER
    before = device.verdict(**other)
    assert device.pasts.judged(before, device.capture, "c9") == before
    device.pasts.learn(before, "c9")
    assert len(device.pasts.profile(MAC).rows) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b'{"mac": "0e:0', b"[1]", b"[" * 100_000, b"\xff\xfe", b'{"mac": "m", "profile": {}}'],
)
def test_a_damaged_file_is_set_aside_with_a_warning(device: Device, content: bytes) -> None:
    warm(device)
    file = device.folder / f"{MAC.replace(':', '')}.json"
    file.write_bytes(content)
    device.open()
    assert device.change(OTHER) is None
    (told,) = device.told
    assert str(file) in told
    assert "begins anew" in told
    assert file.with_suffix(".torn").read_bytes() == content
    device.window()
    assert len(device.told) == 1
    assert len(device.pasts.profile(MAC).rows) == 1


def test_the_past_of_another_device_is_not_believed(device: Device) -> None:
    warm(device)
    file = device.folder / f"{MAC.replace(':', '')}.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"mac": "02:00:00:00:00:01"}))
    device.open()
    assert device.pasts.summary(MAC) is None
    assert len(device.pasts.profile(MAC).rows) == 0
    assert "is the past of 02:00:00:00:00:01" in device.told[0]


def test_pasts_of_another_feature_set_are_told_of_once_and_replaced(device: Device) -> None:
    warm(device)
    for number in range(2):
        path = device.folder / f"02000000000{number}.json"
        file = device.folder / f"{MAC.replace(':', '')}.json"
        document = json.loads(file.read_text()) | {"mac": f"02:00:00:00:00:0{number}"}
        path.write_text(json.dumps(document))
    device.open(HOW._replace(schema="other"))
    device.told.clear()  # of the site
    for mac in (MAC, "02:00:00:00:00:00", "02:00:00:00:00:01"):
        assert len(device.pasts.profile(mac).rows) == 0
    (told,) = device.told
    assert "others like it" in told


def test_only_so_many_devices_are_remembered(device: Device) -> None:
    warm(device)
    for number in range(3):
        device.pasts._held["c"] = _held(f"02:00:00:00:00:0{number}", 1e9 + number)
        device.pasts.learn(device.verdict(), "c")
    files = sorted(one.name for one in device.folder.glob("0*.json"))
    assert files == ["020000000000.json", "020000000001.json", "020000000002.json"]
    assert len(device.pasts.profile(MAC).rows) == 0


def _held(mac: str, time: float) -> Any:
    from plugin.offline.pasts import _Held

    return _Held(mac, np.zeros(2, np.float32), time)


def test_rows_of_the_site_are_kept_by_role(device: Device) -> None:
    device.window()
    assert device.pasts.site("Printer").tolist() == [list(USUAL)]
    assert len(device.pasts.site("Printer", besides=MAC)) == 0
    device.open()
    assert device.pasts.site("Printer").tolist() == [list(USUAL)]


@pytest.mark.parametrize("said", ["anomalous", "changed", "novel"])
def test_what_is_bad_or_new_is_not_usual_at_the_site(device: Device, said: str) -> None:
    device.window(said=said)
    assert len(device.pasts.site("Printer")) == 0


@pytest.mark.parametrize("decision", ["unknown", "undetermined"])
def test_a_device_of_no_known_role_is_no_example_of_one(device: Device, decision: str) -> None:
    verdict = device.verdict(KNOWN._replace(decision=decision, reason="too little"))
    device.pasts.judged(verdict, device.capture, "c1")
    device.pasts.learn(verdict, "c1")
    assert device.pasts.profile(MAC).learned == 1
    assert len(device.pasts.site("Printer")) == 0


def test_windows_wait_for_their_verdicts(device: Device) -> None:
    for number in range(9):
        device.pasts.judged(device.verdict(), device.capture, f"c{number}")
        device.count += 1
    for number in range(9):
        device.pasts.learn(device.verdict(), f"c{number}")
    assert device.pasts.profile(MAC).learned == 9


def test_a_file_that_is_too_large_is_not_read(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm(device)
    file = device.folder / f"{MAC.replace(':', '')}.json"
    monkeypatch.setattr("plugin.offline.pasts.FILE_MAX", file.stat().st_size)
    device.open()
    assert len(device.pasts.own(MAC)) == 3
    file.write_bytes(file.read_bytes() + b" ")
    device.open()
    assert len(device.pasts.own(MAC)) == 0
    (told,) = device.told
    assert "is too large" in told


def test_the_site_is_no_device_that_could_be_forgotten(device: Device) -> None:
    warm(device)
    os.utime(device.folder / SITE, (0, 0))
    device.pasts = Pasts(device.folder, HOW, device._row, parameters=QUICK, most=1)
    found = device.window(OTHER)
    assert found.anomaly is not None
    assert found.anomaly.verdict == "changed", "so the site is not written again"
    assert (device.folder / SITE).exists()


def test_a_damaged_site_is_set_aside(device: Device) -> None:
    (device.folder / SITE).write_text("{")
    device.open()
    assert len(device.pasts.site("Printer")) == 0
    assert SITE in device.told[0]


def test_a_full_disk_is_told_once_and_ends_nothing(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm(device)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        device.window()
        device.window()
    assert len(device.told) == 1
    assert "No space left" in device.told[0]
    assert len(device.pasts.profile(MAC).rows) == 3
    device.window()
    assert len(device.pasts.profile(MAC).rows) == 4


def test_people_are_told_how_far_a_past_has_come(device: Device) -> None:
    assert device.pasts.summary(MAC) is None
    device.window()
    assert device.pasts.summary(MAC) == {
        "windows": 1,
        "since": 1.0,
        "last": 1.0,
        "warm": False,
        "needs": {"windows": 3, "seconds": 0.0},
        "waiting": 0,
    }
    device.window()
    device.window()
    device.window(OTHER)
    found = device.pasts.summary(MAC)
    assert found is not None
    assert (found["warm"], found["windows"], found["waiting"]) == (True, 3, 1)


def test_a_device_can_be_forgotten(device: Device) -> None:
    device.window()
    device.pasts.forget(MAC)
    device.pasts.forget(MAC)
    assert len(device.pasts.profile(MAC).rows) == 0
    assert [one.name for one in device.folder.iterdir()] == [SITE]


def test_a_folder_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "past").write_text("a file")
    with pytest.raises(OutputError, match="past"):
        make(tmp_path / "past")


def test_novel_windows_are_no_references_for_a_while(device: Device) -> None:
    patient = QUICK._replace(span=3.0)
    device.pasts = Pasts(device.folder, HOW, device._row, parameters=patient)
    new = Finding("novelty", 1.5, 1.0, (), ())
    for _ in range(12):
        device.row = USUAL
        device.count += 1
        name = f"c{device.count}"
        found = device.pasts.judged(device.verdict(), device.capture, name)
        device.pasts.learn(found._replace(anomaly=Anomaly("novel", novelty=new)), name)
    assert 0 < len(device.pasts.own(MAC)) < len(device.pasts.profile(MAC).rows)
    assert device.pasts.site("Printer").shape == (0, 2)


def test_a_site_knows_at_which_port_a_device_is(device: Device) -> None:
    found = device.pasts.judged(device.verdict(), device.capture, "c")
    device.pasts.learn(found, "c", "sw1 4")
    assert device.pasts._site.roles["Printer"][MAC].port == "sw1 4"


def test_own_windows_are_references_once_the_past_is_warm(device: Device) -> None:
    for _ in range(QUICK.windows - 1):
        device.window()
        assert device.pasts.own(MAC).shape == (0, 2)
    device.window()
    assert len(device.pasts.own(MAC)) == QUICK.windows
