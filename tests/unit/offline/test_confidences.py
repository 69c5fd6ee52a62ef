"""Confidences of all devices at once; tests/unit/offline/test_classify.py has them in verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plugin.ml.devices import chosen_of, devices_of
from plugin.offline.confidences import Parts, confidences_of
from plugin.offline.read import read_capture
from tests.models import tiny_net

HUE = Path(__file__).parents[2] / "data" / "captures" / "HueBridge_Setup-C-12-STA.pcap"


@pytest.mark.parametrize("schema", ["service-ports", "networkml-4104", "halia-host"])
@pytest.mark.parametrize("window", [None, 20.0])
def test_a_device_has_the_same_confidences_alone_and_among_others(
    schema: str, window: float | None
) -> None:
    capture = read_capture(HUE, packets=True)
    devices = devices_of(capture)
    model = tiny_net(("A", "B", "C"), schema)
    parts = Parts(window, int(capture.sessions["start"].min()))
    found, covered = confidences_of(model, capture, devices, parts)
    assert found.shape == (len(devices), 3)
    assert covered.any()
    assert np.allclose(found[covered].sum(axis=1), 1)
    assert not found[~covered].any()
    for k in range(len(devices)):
        alone, there = confidences_of(model, capture, chosen_of(devices, np.array([k])), parts)
        assert np.allclose(alone[0], found[k])
        assert there[0] == covered[k]
