"""Settings for the tests of the doctor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plugin.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.settings import Settings


def wanted(folder: Path, **values: Any) -> Settings:
    """Settings with these values by key, dots written as two underscores; the rest as default."""
    sections: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.rpartition("__")
        plain = str(value) if hasattr(value, "is_socket") else value
        if section:
            sections.setdefault(section, {})[key] = plain
        else:
            sections[key] = plain
    file = folder / "halia.yaml"
    file.write_text(json.dumps(sections))  # JSON is YAML
    return load_settings(config=file, environ={})
