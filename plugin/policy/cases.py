"""Cases: what is decided about a device, from the first suspicion to the end of the grace. Pure.

One case a device at a time. :mod:`ledger` is the only one that makes new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from plugin.actions import Action, Place, Report
    from plugin.policy.evaluate import Evaluation
    from plugin.policy.rules import Policy

State = Literal[
    "simulated",  # what would have been done, and is not
    "observed",  # a ``notify`` or ``watch`` in force: nothing is taken from the device
    "delayed",
    "pending",
    "isolating",
    "isolated",
    "releasing",
    "released",
    "over",
]
Proof = Literal["none", "written", "loaded", "proven"]
HALIA, NOBODY = "halia", "nobody"
"""Actors: a rule of the policy; time that passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is decided about a device. Times are seconds since 1970-01-01 UTC."""

    number: int
    """Of the case, counting up from 1 over all restarts."""
    cookie: int
    """In :data:`plugin.actions.COOKIES` from the moment it isolates on; 0 before."""
    mac: str
    state: State
    action: Action
    rule: str | None
    """None: somebody ordered it, or it was found in our file (``origin``)."""
    origin: Literal["rule", "operator", "found", "port"]
    """``port``: it inherits the isolation of its port (``parent``)."""
    actor: str
    """Who made the last step: :data:`HALIA`, a rule's name, a person's, :data:`NOBODY`."""
    reason: str
    """Why, in words for a help desk."""
    evidence: tuple[str, ...] = ()
    """Ids of messages, names of captures."""
    models: tuple[str, ...] = ()
    """Names of the models behind the evidence."""
    policy: str = ""
    """Digest of the policy that decided."""
    opened: float
    changed: float
    """When it came into its state."""
    deadline: float | None
    """When its state ends by itself: one for each state; None only of ``over``, and of what is
    isolated without an end."""
    until: float | None = None
    """When the isolation ends; None: not begun, or without an end (an operator's word alone)."""
    duration: float
    """Seconds of the isolation once it begins; 0: without an end."""
    step: int = 0
    """Of the rule's ladder."""
    proof: Proof = "none"
    place: Place | None = None
    addresses: tuple[str, ...] = ()
    scope: Literal["device", "port"] = "device"
    parent: int | None = None
    grace: float = 0.0
    notes: tuple[str, ...] = ()
    """What is not as one might think: services left out, floods that reach it still, not proven."""


class Transition(NamedTuple):
    """A step of a case: an entry of the journal, a message, a notice."""

    case: Case
    before: State | None
    """None: it is a new one."""
    why: str


class Warned(NamedTuple):
    """Something that the operator should know.

    Kinds: ``caps`` and what ends it, ``caps_ok``; ``enforcing`` and ``enforcing_ok``; ``proof``,
    ``spoofed``, ``orphan``, ``refused``, ``protected``.
    """

    kind: str
    mac: str | None
    text: str


class Wanted(NamedTuple):
    """What is to stand at the switches has changed: ask :meth:`Ledger.desired`."""


Outcome = Transition | Warned | Wanted


# What the ledger is told


class Evaluated(NamedTuple):
    """A device was looked at anew."""

    evaluation: Evaluation


class Ordered(NamedTuple):
    """Somebody orders an isolation."""

    mac: str
    action: Action
    seconds: float | None
    """None: until it is released."""
    actor: str
    reason: str


class Answered(NamedTuple):
    """Somebody approves or denies what a rule asked for."""

    number: int
    approve: bool
    actor: str
    reason: str


class Extended(NamedTuple):
    """Somebody gives an isolation another end."""

    number: int
    seconds: float
    """From now."""
    actor: str
    reason: str


class Released(NamedTuple):
    """Somebody ends an isolation, or all of them."""

    mac: str | None
    """None: all."""
    actor: str
    reason: str


class Thawed(NamedTuple):
    """Somebody allows new isolations again after a breach of the caps."""

    actor: str
    reason: str


class Reported(NamedTuple):
    """How far what was wanted has come."""

    report: Report


class Moved(NamedTuple):
    """A device is somewhere else, or new (a case of its port may take it in)."""

    mac: str


class Replaced(NamedTuple):
    """There is another policy now."""

    policy: Policy


class Elapsed(NamedTuple):
    """Time has passed."""


Told = (
    Evaluated
    | Ordered
    | Answered
    | Extended
    | Released
    | Thawed
    | Reported
    | Moved
    | Replaced
    | Elapsed
)


class DeniedOrder(Exception):  # noqa: N818 - a word of the operator's trade
    """An operator's order cannot be carried out; the text says why and what would help."""
