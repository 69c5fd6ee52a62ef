from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin import settings
from plugin.errors import SettingsError
from plugin.settings.secret import (
    HIDDEN,
    SECRET_BYTES_MAX,
    Secret,
    broker_password,
    read_secret,
)


def password_in(file: Path) -> Secret | None:
    environ = {"HALIA_BROKER_USER": "halia", "HALIA_BROKER_PASSWORD_FILE": str(file)}
    return broker_password(settings.load_settings(environ=environ).broker)


def write(file: Path, content: bytes, mode: int = 0o640) -> Path:
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert "hunter2" not in text
        assert HIDDEN in text
    assert secret == Secret("hunter2")
    assert secret != Secret("hunter3")
    assert not secret == "hunter2"  # noqa: S105, SIM201 - equality itself is tried
    assert len({secret, Secret("hunter2")}) == 1


def test_the_password_is_the_settings_or_the_files(tmp_path: Path) -> None:
    environ = {"HALIA_BROKER_USER": "halia", "HALIA_BROKER_PASSWORD": "hunter2"}
    assert broker_password(settings.load_settings(environ=environ).broker) == Secret("hunter2")
    assert broker_password(settings.load_settings(environ={}).broker) is None
    assert password_in(write(tmp_path / "a", b"hunter2\n")) == Secret("hunter2")
    assert password_in(write(tmp_path / "b", b" hunter 2\r\n")) == Secret(" hunter 2")


def test_it_is_read_anew_each_time(tmp_path: Path) -> None:
    file = write(tmp_path / "password", b"old")
    environ = {"HALIA_BROKER_USER": "halia", "HALIA_BROKER_PASSWORD_FILE": str(file)}
    broker = settings.load_settings(environ=environ).broker
    assert broker_password(broker) == Secret("old")
    file.write_bytes(b"new")
    assert broker_password(broker) == Secret("new")


@pytest.mark.parametrize("mode", [0o644, 0o602])
def test_a_file_that_is_open_to_everyone_is_refused(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path / "password", b"hunter2", mode)
    with pytest.raises(SettingsError, match="by everyone: chmod o-rwx it") as caught:
        password_in(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"hunter2\nx\n", b"hunter2\0", b"hunter2\xff", b"x" * (SECRET_BYTES_MAX + 1)],
)
def test_what_is_no_password_is_refused_unseen(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SettingsError, match="one line of text is expected") as caught:
        password_in(write(tmp_path / "password", content))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"broker\.password_file: cannot be read: No such file"):
        password_in(tmp_path / "absent")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        password_in(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SettingsError, match="is no regular file"):
        password_in(tmp_path / "pipe")


def test_any_setting_can_name_a_file_of_a_secret(tmp_path: Path) -> None:
    file, setting = write(tmp_path / "key", b"hunter2\n"), "notify.webhook_secret_file"
    assert read_secret(file, setting) == Secret("hunter2")
    file.write_bytes(b"")
    with pytest.raises(SettingsError, match=f"key: {setting}: one line of text is expected, the k"):
        read_secret(file, setting)
