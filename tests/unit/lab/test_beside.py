from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.lab import Lab, parse_topology
from plugin.lab.beside import PROBE, answers_at, write_settings
from plugin.settings import load_settings
from tests.labs import QUIET

if TYPE_CHECKING:
    from pathlib import Path

# A Halia that runs with them: tests/e2e/test_demo.py, tests/e2e/test_lab.py.


@pytest.mark.parametrize("rabbit", [False, True])
def test_all_that_a_halia_beside_the_switch_needs_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, rabbit: bool
) -> None:
    lab = Lab(parse_topology(QUIET), folder=tmp_path, rabbit=rabbit)
    monkeypatch.setattr(lab, "status", lambda: {"controller": "/opt/faucet"})
    settings = load_settings(config=write_settings(lab, "mirror0"))
    assert settings.model == "demo"
    assert (settings.capture.iface, settings.capture.rotate_time) == ("mirror0", 30.0)
    assert str(settings.faucet.environment) == "/opt/faucet"
    assert settings.faucet.page == lab.prometheus_url
    assert settings.broker.url == ("amqp://127.0.0.1:25672" if rabbit else None)
    mine = (settings.run.state, settings.control.socket, settings.faucet.config)
    assert all(place.is_relative_to(tmp_path) for place in mine)
    assert settings.control.socket == answers_at(lab)


@pytest.mark.parametrize("named", [False, True])
def test_a_policy_and_the_probe_that_proves_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    lab = Lab(parse_topology(QUIET), folder=tmp_path)
    monkeypatch.setattr(lab, "status", lambda: {"controller": "/opt/faucet"})
    called: list[str] = []
    monkeypatch.setattr(lab, "call", called.append)
    mine = tmp_path / "mine.yaml"
    settings = load_settings(
        config=write_settings(lab, "mirror0", mine if named else None, probe=True)
    )
    assert called == [PROBE] == [settings.faucet.probe]
    assert settings.policy.file == (mine if named else None)
