"""What the engine wants done: frozen records, carried out by the shell in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.actions import Isolation
    from plugin.ml.behaviour.finding import Found
    from plugin.ml.verdict import Role, Verdict
    from plugin.policy.cases import Transition


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
    port: str | None = None
    """The switch and port where the device was then; None: Faucet has not said."""


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
    actor: str = "halia"
    """Who did it."""


class Alarm(NamedTuple):
    """Tell the operator: log and journal."""

    kind: str
    mac: str | None
    text: str


class AnnounceDecision(NamedTuple):
    """Write a step of a case to the journal, and publish it."""

    transition: Transition


class Enforce(NamedTuple):
    """Have just this stand at the switches; not before the decisions before it are kept."""

    isolations: tuple[Isolation, ...]
    watched: frozenset[str]
    """MACs of devices that are to be watched on."""
    leaving: frozenset[int] = frozenset()
    """Cookies of what is to be gone, also of an earlier run: that it is must be reported."""


class Hold(NamedTuple):
    """Finish no capture (True), or go on (False): what is said cannot be kept now."""

    on: bool


class Show(NamedTuple):
    """What is shown of a device has changed."""

    mac: str


class Forget(NamedTuple):
    """A device is no longer kept: its counters go."""

    mac: str


Command = (
    Resync
    | Judge
    | Announce
    | AnnounceFinding
    | AnnounceDecision
    | Enforce
    | Record
    | Alarm
    | Hold
    | Show
    | Forget
)
