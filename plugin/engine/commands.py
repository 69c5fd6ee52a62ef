"""What the engine wants done: frozen records, carried out by the shell in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.ml.behaviour.finding import Found
    from plugin.ml.verdict import Role, Verdict


class Resync(NamedTuple):
    """Read Faucet's page; the answer is Resynced or ResyncFailed."""


class Judge(NamedTuple):
    """Classify a finished capture; the answer is Judged or Unjudged."""

    path: str
    capture: str
    mac: str | None
    missed: int


class Announce(NamedTuple):
    """Publish a verdict, and write it to the journal: once for each finished capture."""

    capture: str
    verdict: Verdict


class AnnounceFinding(NamedTuple):
    """Publish a finding at once, and write it to the journal."""

    mac: str
    ips: tuple[str, ...]
    capture: str
    """The file that is being written of the device."""
    role: Role | None
    found: Found


class Record(NamedTuple):
    """Write an entry to the journal."""

    kind: str
    body: Mapping[str, Any]
    """JSON: docs/journal.md lists the kinds."""


class Alarm(NamedTuple):
    """Tell the operator: log and journal."""

    kind: str
    mac: str | None
    text: str


class Hold(NamedTuple):
    """Finish no capture (True), or go on (False): what is said cannot be kept now."""

    on: bool


class Show(NamedTuple):
    """What is shown of a device has changed."""

    mac: str


class Forget(NamedTuple):
    """A device is no longer kept: its counters go."""

    mac: str


Command = Resync | Judge | Announce | AnnounceFinding | Record | Alarm | Hold | Show | Forget
