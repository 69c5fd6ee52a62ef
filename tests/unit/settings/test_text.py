from __future__ import annotations

from pathlib import Path

from plugin import settings
from plugin.settings.text import default_text


def test_the_default_text_loads_and_sets_every_setting(tmp_path: Path) -> None:
    file = tmp_path / "halia.yaml"
    file.write_text(default_text(), encoding="utf-8")
    loaded = settings.load_settings(config=file, environ={})
    for setting in settings.SETTINGS:
        assert loaded.value(setting.key) == setting.default
        assert loaded.origins[setting.key].startswith(str(file))
