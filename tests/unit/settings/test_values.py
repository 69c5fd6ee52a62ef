from __future__ import annotations

import subprocess
import sys

import pytest

from plugin import settings


def test_sections_are_made_once_and_nothing_else_is_there() -> None:
    loaded = settings.load_settings(environ={})
    assert loaded.capture is loaded.capture
    assert loaded.model == "auto"
    assert loaded.value("capture.ring") == loaded.capture.ring
    for name in ("captures", "_nothing"):
        with pytest.raises(AttributeError, match=name):
            getattr(loaded, name)


def test_no_secret_is_in_a_repr() -> None:
    environ = {
        "HALIA_BROKER_USER": "halia",
        "HALIA_BROKER_PASSWORD": "hunter2",
        "HALIA_STORE_URL": "postgresql://halia:hunter2@db/halia",
    }
    loaded = settings.load_settings(environ=environ)
    for shown in (loaded, loaded.broker, loaded.store):
        assert "hunter2" not in repr(shown)
        assert "hunter2" not in str(shown)
    assert "postgresql://halia:***@db/halia" in repr(loaded)


def test_a_load_where_nothing_is_set_imports_little() -> None:
    """Every command loads: what reads values, and the types of sections, would cost them all."""
    code = (
        "import sys; from plugin.settings import load_settings; load_settings(environ={});"
        "print(*sorted(m for m in sys.modules if m.startswith(('plugin.', 'yaml'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "plugin.errors",
        "plugin.settings",
        "plugin.settings.load",
        "plugin.settings.places",
        "plugin.settings.setting",
        "plugin.settings.table",
        "plugin.settings.values",
    ]
