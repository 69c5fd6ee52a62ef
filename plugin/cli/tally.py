"""What ``halia classify`` said of all devices, counted: for a last line where there are many."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from plugin.cli.output import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.verdict import Verdict

MANY = 10
"""So many devices are summed up in a last line."""
_ROLES = ("known", "unknown", "undetermined")
_FINDINGS = ("anomalous", "changed", "novel")


class Tally:
    """Counts devices as they are told.

    Args:
        brief: those of whom nothing is said are to be left out.
    """

    def __init__(self, *, brief: bool = False) -> None:
        self._brief = brief
        self.left = 0
        """Devices that were left out."""
        self._roles: Counter[str] = Counter()
        self._findings: Counter[str] = Counter()

    def shows(self, one: Verdict) -> bool:
        """Count a device; whether it is to be shown."""
        finding = "" if one.anomaly is None else one.anomaly.verdict
        self._roles[one.role.decision] += 1
        self._findings[finding] += 1
        left = self._brief and one.role.decision == "undetermined" and finding not in _FINDINGS
        self.left += left
        return not left

    def lines(self) -> Iterator[str]:
        """The last lines: of many devices what they came to, and how many were left out."""
        number = sum(self._roles.values())
        if number >= MANY:
            roles = ", ".join(f"{self._roles[name]} {name}" for name in _ROLES)
            findings = ", ".join(f"{self._findings[name]} {name}" for name in _FINDINGS)
            yield f"{counted(number, 'device')}: role {roles}; {findings}"
        if self.left:
            yield f"{counted(self.left, 'device')} left out: too little was seen to say anything"
