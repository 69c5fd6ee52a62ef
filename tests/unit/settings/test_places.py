from __future__ import annotations

from pathlib import Path

import pytest

from plugin import settings
from plugin.errors import SettingsError
from plugin.settings import places


def test_the_users_file_is_found(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    file = settings.user_file(environ)
    assert settings.settings_file(None, environ) is None
    file.parent.mkdir()
    file.write_text("train: {seed: 9}\n", encoding="utf-8")
    assert settings.load_settings(environ=environ).train.seed == 9
    assert settings.user_file({"HOME": "/home/a"}) == Path("/home/a/.config/halia/halia.yaml")


def test_data_folders_are_found_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    assert settings.data_folder("configs") == root / "configs"
    (tmp_path / "configs").mkdir()
    monkeypatch.setenv("HALIA_DATA", str(tmp_path))
    assert settings.data_folder("configs") == tmp_path / "configs"
    assert settings.data_folder("configs", root) == root / "configs"
    with pytest.raises(SettingsError, match="holds no folder models/"):
        settings.data_folder("models")


def test_the_installed_place_is_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "lib" / "plugin" / "settings" / "places.py"
    monkeypatch.setattr(places, "__file__", str(module))
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    with pytest.raises(SettingsError, match="this installation: holds no folder"):
        settings.data_folder("models")
    (tmp_path / "share" / "halia" / "models").mkdir(parents=True)
    assert settings.data_folder("models") == tmp_path / "share" / "halia" / "models"
