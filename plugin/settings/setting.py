"""What one setting is."""

from __future__ import annotations

from typing import Any, NamedTuple

PREFIX = "HALIA_"


class Setting(NamedTuple):
    """One setting: its name in the file, what it may be, and what it is for."""

    key: str
    kind: str
    """One of :data:`plugin.settings.kinds.KINDS`."""
    default: Any
    doc: str
    least: float = 0
    """The smallest number that can be used."""
    most: float | None = None
    """The largest number that can be used."""
    off: bool = False
    """Whether 0 is allowed, whatever the smallest is."""
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.key.upper().replace(".", "_")

    @property
    def is_list(self) -> bool:
        """Whether it has any number of values."""
        return self.kind in {"vlans", "ports", "choices", "mails", "flow_models"}
