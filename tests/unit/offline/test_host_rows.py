"""Rows of a capture's devices, kept for whoever asks next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugin.ml.devices import chosen_of, devices_of
from plugin.ml.features import HOST, host
from plugin.offline.host_rows import HostRows
from plugin.offline.novelty import rows_of
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from plugin.records import Capture

HUE = Path(__file__).parents[2] / "data" / "captures" / "HueBridge_Setup-C-12-STA.pcap"


@pytest.fixture(scope="module")
def capture() -> Capture:
    return read_capture(HUE, packets=True)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Which sets each pass over the packets computed."""
    seen: list[tuple[str, ...]] = []
    through = host.sets_of_owners

    def counted(*given: Any) -> Any:
        seen.append(tuple(given[-1]))
        return through(*given)

    monkeypatch.setattr(host, "sets_of_owners", counted)
    return seen


def test_both_sets_of_all_and_of_some_come_from_one_pass(
    capture: Capture, passes: list[tuple[str, ...]]
) -> None:
    devices = devices_of(capture)
    everybody, some = np.arange(len(devices)), np.array([0, 2])
    rows = HostRows(capture, devices, ["service-ports", host.SENT, host.FULL, host.SENT])
    found = {name: rows.of(name, everybody).to_dense() for name in HOST}
    few = {name: rows.of(name, some).to_dense() for name in HOST}
    assert passes == [(host.SENT, host.FULL)]
    for name in HOST:
        assert np.array_equal(found[name], rows_of(capture, devices, name).to_dense())
        assert np.array_equal(few[name], found[name][some])


def test_others_are_computed_anew(capture: Capture, passes: list[tuple[str, ...]]) -> None:
    devices = devices_of(capture)
    rows = HostRows(capture, devices, [host.FULL])
    for chosen in ([0], [1], [1, 2], [0, 2]):
        wanted = np.array(chosen)
        alone = rows_of(capture, chosen_of(devices, wanted), host.FULL)
        assert np.allclose(rows.of(host.FULL, wanted).to_dense(), alone.to_dense())
    assert len([one for one in passes if one == (host.FULL,)]) >= 4


def test_of_nobody_there_are_no_rows(capture: Capture) -> None:
    rows = HostRows(capture, devices_of(capture), [host.FULL])
    assert len(rows.of(host.FULL, np.empty(0, np.int64)).to_dense()) == 0
