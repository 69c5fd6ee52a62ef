"""The settings file with every setting at its default, explained."""

from __future__ import annotations

from plugin.settings.table import SETTINGS


def default_text() -> str:
    """Write the settings file with every setting at its default, explained."""
    from plugin.settings.kinds import as_text

    lines = ["# Settings of Halia. Every line may be left out. See docs/settings.md."]
    section = ""
    for setting in SETTINGS:
        head, _, tail = setting.key.rpartition(".")
        if head != section:
            section = head
            lines += ["", f"{head}:"]
        indent = "  " if head else ""
        value = as_text(setting, setting.default)
        lines += [*([] if head else [""]), f"{indent}# {setting.doc}", f"{indent}{tail}: {value}"]
    return "\n".join(lines) + "\n"
