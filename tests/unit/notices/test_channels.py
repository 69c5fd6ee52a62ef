"""What the settings name is opened, and what cannot be used is said; more: app/test_noticing.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import SettingsError
from plugin.notices.channels import open_channels
from tests.doctors import wanted


def test_what_is_named_is_opened(tmp_path: Path) -> None:
    assert open_channels(wanted(tmp_path), lambda: 0.0) == ()
    (only,) = open_channels(wanted(tmp_path, notify__syslog="udp://127.0.0.1:514"), lambda: 0.0)
    assert only.name == "syslog"


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    missing = {"notify__webhook_secret_file": tmp_path / "none"}
    settings = wanted(tmp_path, notify__webhook_url="https://hook.example", **missing)
    with pytest.raises(SettingsError, match=r"notify\.webhook_secret_file"):
        open_channels(settings, lambda: 0.0)
