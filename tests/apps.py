"""Parts of a run for tests: settings of a folder's own, and hands that only note what is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from plugin.app.daemon import Hands
from plugin.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.app.inbox import Inbox

PATIENCE = 30.0


def settings(folder: Path, text: str = "", **flags: Any) -> Settings:
    """The settings of a run in a folder.

    Args:
        folder: Where everything goes.
        text: Of its halia.yaml.
        flags: By key, with ``__`` for the dot; they go before the text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "halia.yaml"
    file.write_text(text or "{}\n", encoding="utf-8")
    given = {"run.state": folder, "capture.iface": "lo", "model": "demo"}
    found = yaml.safe_load(text) or {}
    for section, inner in found.items():
        keys = [f"{section}.{name}" for name in inner] if isinstance(inner, dict) else [section]
        given = {key: value for key, value in given.items() if key not in keys}
    given |= {key.replace("__", "."): value for key, value in flags.items()}
    return load_settings(config=file, flags=given, environ={})


def items(inbox: Inbox, count: int) -> list[Any]:
    """Wait for so many items of an inbox."""
    found: list[Any] = []
    while len(found) < count:
        some = inbox.take(PATIENCE)
        assert some, f"{found} is all that came"
        found += some
    return found


class Noted:
    """What was asked of the hands, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def hands(self) -> Hands:
        def note(name: str) -> Any:
            return lambda *words: self.calls.append((name, words[0] if words else None))

        return Hands(*map(note, Hands._fields))

    def of(self, name: str) -> list[Any]:
        """What one hand was given."""
        return [word for called, word in self.calls if called == name]
