from __future__ import annotations

from pathlib import Path

import pytest

import plugin

CAPTURE = (
    Path(__file__).resolve().parents[1] / "data" / "captures" / "HueBridge_Setup-C-12-STA.pcap"
)


def test_every_public_name_is_there() -> None:
    for name in plugin.__all__:
        assert getattr(plugin, name) is not None
    assert set(plugin._PUBLIC) < set(plugin.__all__)


def test_calls_work_without_further_imports() -> None:
    assert plugin.info(CAPTURE).totals == plugin.read_capture(CAPTURE).totals


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="nothing_such"):
        plugin.nothing_such  # noqa: B018 - the access is the test
