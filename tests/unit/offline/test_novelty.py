"""Novelty of the devices of a capture: rows, models, what a site remembers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.errors import ModelError
from plugin.ml.devices import chosen_of, devices_of
from plugin.ml.features import HOST, device_rows
from plugin.ml.matrix import empty
from plugin.ml.schema import SCHEMAS
from plugin.ml.store import save_model
from plugin.offline.classify import DEFAULTS, Options, classify_capture, load_usual, needs_packets
from plugin.offline.novelty import Novelties, load_normals, rows_of
from plugin.offline.read import read_capture
from tests.models import tiny_net
from tests.normals import role, tiny_normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.devices import Devices
    from plugin.ml.matrix import Matrix
    from plugin.records import Capture

CAPTURES = Path(__file__).parents[2] / "data" / "captures"
HUE = CAPTURES / "HueBridge_Setup-C-12-STA.pcap"
NORMAL = tiny_normal()
PRINTER = tiny_net(("Printer", "Workstation"), bias=(9.0, 0.0))


@pytest.fixture(scope="module")
def capture() -> Capture:
    return read_capture(HUE, packets=True, watched=True)


@pytest.mark.parametrize("name", ["service-ports", *sorted(HOST)])
def test_rows_of_all_devices_are_those_of_each(capture: Capture, name: str) -> None:
    devices = devices_of(capture)
    rows = rows_of(capture, devices, name).to_dense()
    assert rows.shape == (len(devices), SCHEMAS[name].n_columns)
    for row, mac_id in zip(rows, devices.mac_ids.tolist(), strict=True):
        assert np.allclose(row, device_rows(name, capture, mac_id).to_dense()[0])
    some = np.array([0, 2])
    assert np.allclose(rows_of(capture, chosen_of(devices, some), name).to_dense(), rows[some])


def test_a_verdict_has_its_novelty_and_a_device_with_too_little_none(capture: Capture) -> None:
    found = classify_capture(capture, [PRINTER], Options(normal=NORMAL, behaviours=DEFAULTS))
    judged = [one for one in found if one.role.decision == "known"]
    assert judged
    for one in judged:
        assert one.anomaly is not None
        assert one.anomaly.novelty is not None
        assert one.anomaly.verdict == "novel"
        assert "30 reference captures of Printer" in one.anomaly.novelty.reasons[0]
    for one in found:
        if one.role.decision == "undetermined":
            assert one.anomaly is not None
            assert (one.anomaly.verdict, one.anomaly.novelty) == ("undetermined", None)
    needy = NORMAL._replace(manifest=NORMAL.manifest._replace(min_packets=10**6))
    for one in classify_capture(capture, [PRINTER], Options(normal=needy, behaviours=DEFAULTS)):
        assert one.anomaly is not None
        assert one.anomaly.novelty is None


def test_novelty_is_told_without_behaviours_too(capture: Capture) -> None:
    (one, *_) = classify_capture(capture, [PRINTER], Options(normal=NORMAL))
    assert one.anomaly is not None
    assert one.anomaly.verdict == "novel"
    (one, *_) = classify_capture(capture, [PRINTER])
    assert one.anomaly is None


def test_an_explanation_only_where_it_is_asked_for(capture: Capture) -> None:
    options = Options(normal=NORMAL)
    assert classify_capture(capture, [PRINTER], options)[0].explanation is None
    told = classify_capture(capture, [PRINTER], options._replace(explain=True))[0].explanation
    assert told is not None
    assert (told.role, len(told.features)) == ("Printer", SCHEMAS["service-ports"].n_columns)


class Memory:
    """A site that has seen the same capture forty times."""

    def __init__(self, row: NDArray[np.float32], width: int | None = None) -> None:
        self.rows = np.repeat(row[None, :width], 40, axis=0)
        self.asked: list[tuple[str, str | None]] = []

    def site(self, role: str, besides: str | None = None, /) -> NDArray[np.float32]:
        self.asked.append((role, besides))
        return self.rows

    def own(self, mac: str, /) -> NDArray[np.float32]:
        self.asked.append(("own", mac))
        return self.rows


def test_what_a_site_has_seen_often_is_normal_there(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.ml.novelty.judge.PULL", 1e6)  # these references are far from it
    devices = devices_of(capture)
    memory = Memory(rows_of(capture, devices, "service-ports").to_dense()[0])
    options = Options(normal=NORMAL, memory=memory)
    one = classify_capture(capture, [PRINTER], options)[0]
    assert one.anomaly is not None
    assert one.anomaly.verdict == "normal"
    assert ("Printer", one.mac) in memory.asked
    assert ("own", one.mac) in memory.asked
    other = Memory(memory.rows[0], width=7)  # of another feature set
    one = classify_capture(capture, [PRINTER], options._replace(memory=other))[0]
    assert one.anomaly is not None
    assert one.anomaly.verdict == "novel"


def test_what_a_site_has_seen_says_nothing_of_a_device_of_no_known_role(capture: Capture) -> None:
    memory = Memory(np.zeros(SCHEMAS["service-ports"].n_columns, np.float32))
    looking = Novelties(capture, devices_of(capture), np.array([0]), NORMAL, memory)
    assert looking.of(0, role("unknown"), 99, 9) is not None
    assert {what for what, _ in memory.asked} == {"own"}
    looking.of(0, role(), 99, 9)
    assert {what for what, _ in memory.asked} > {"own"}


@pytest.mark.parametrize("least", [{"min_packets": 10**6}, {"min_sessions": 10**6}])
def test_no_row_is_made_of_what_says_nothing(
    capture: Capture, monkeypatch: pytest.MonkeyPatch, least: dict[str, int]
) -> None:
    asked: list[int] = []

    def rows(_: Capture, some: Devices, __: str) -> Matrix:
        asked.append(len(some))
        return empty(SCHEMAS["service-ports"].n_columns, len(some))

    monkeypatch.setattr("plugin.offline.novelty.rows_of", rows)
    every = devices_of(capture)
    strict = NORMAL.manifest._replace(**least)  # type: ignore[arg-type]  # these two are numbers
    for manifest in (NORMAL.manifest, strict):
        Novelties(capture, every, np.arange(len(every)), NORMAL._replace(manifest=manifest), None)
    assert asked[0] > 0
    assert asked[1] == 0


def test_nothing_looks_without_a_model_or_at_devices_that_were_not_chosen(capture: Capture) -> None:
    devices = devices_of(capture)
    some = np.array([0])
    assert Novelties(capture, devices, some, None, None).of(0, role(), 99, 9) is None
    looking = Novelties(capture, devices, some, NORMAL, None)
    assert looking.of(0, role(), 99, 9) is not None
    assert looking.of(1, role(), 99, 9) is None
    assert looking.explained(1, role(), 99, 9) is None
    assert looking.explained(0, role("undetermined"), 99, 9) is None


def test_a_model_is_found_by_name_and_only_the_shipped_one_may_be_missing(tmp_path: Path) -> None:
    assert load_normals("normal", [tmp_path]) is None
    assert load_usual(None) is None
    save_model(NORMAL, tmp_path / "mine")
    found = load_normals("mine", [tmp_path])
    assert found is not None
    assert found.manifest.name == "tiny"
    with pytest.raises(ModelError, match="no such model"):
        load_normals("others", [tmp_path])
    save_model(PRINTER, tmp_path / "normal")
    with pytest.raises(ModelError, match="is a model of roles"):
        load_normals("normal", [tmp_path])


def test_packets_are_read_if_either_model_needs_them() -> None:
    host = tiny_normal("halia-host")
    assert not needs_packets([PRINTER])
    assert not needs_packets([PRINTER], NORMAL)
    assert needs_packets([PRINTER], host)
