"""What protects a device from being isolated; no rule and no order goes past it. Pure.

Two kinds. What the *policy* protects is never isolated, and let go at once when it turns out to be
protected. What Halia *finds out* by itself (an uplink, a gateway, an address heard twice) stops new
isolations only: a device that is isolated could bring it about, and would be free by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.policy.members import protected_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.policy.rules import Policy
    from plugin.policy.subject import Subject, Surroundings

Looked = tuple["Subject", "Surroundings"]
SPOOFED = (
    "it is heard on two ports in turn: somebody may pretend to be it, and isolating would hit both"
)


class Hindrance(NamedTuple):
    """Why a device is not isolated."""

    kind: str
    """Of :class:`plugin.policy.cases.Warned`: ``protected``, ``spoofed`` or ``refused``."""
    text: str


def protected(policy: Policy, subject: Subject) -> str | None:
    """Say by which entry the policy protects a device; None: it does not."""
    by = protected_by(policy.protect, subject, policy.tags)
    return by and f"protected by {policy.source or 'the policy'} (protect: {by})"


def hindrance(policy: Policy, looked: Looked | None) -> Hindrance | None:
    """Say why a device must not be isolated now; None: nothing speaks against it.

    Args:
        policy: what the operator wrote.
        looked: the device and its surroundings; None: it is not known.
    """
    if looked is None:
        return Hindrance("refused", "no such device is known: nobody knows what it would hit")
    found = ((kind, test(policy, *looked)) for kind, test in _TESTS)
    return next((Hindrance(kind, text) for kind, text in found if text is not None), None)


def doubted(policy: Policy, looked: Looked | None) -> Hindrance | None:
    """Say why no *rule* may isolate a device now: what hinders all, and whose deeds it may be.

    A person may, for a person may know who it is.
    """
    found = hindrance(policy, looked)
    if found is not None or looked is None or looked[1].doubt is None:
        return found
    return Hindrance("spoofed", looked[1].doubt)


def _gateway(_: Policy, __: Subject, surroundings: Surroundings) -> str | None:
    return surroundings.gateway and f"taken for a gateway: {surroundings.gateway}"


def _uplink(policy: Policy, _: Subject, surroundings: Surroundings) -> str | None:
    if surroundings.uplink is not None:
        return f"taken for an uplink: {surroundings.uplink}"
    there = surroundings.macs_on_port
    if there < policy.many_macs:
        return None
    return f"taken for an uplink: {there} devices are at its port (protect: many_macs)"


def _spoofed(_: Policy, subject: Subject, __: Surroundings) -> str | None:
    return SPOOFED if subject.twice else None


def _ignored(_: Policy, subject: Subject, __: Surroundings) -> str | None:
    return subject.ignored and f"ignored: {subject.ignored}"


def _unhooked(_: Policy, __: Subject, surroundings: Surroundings) -> str | None:
    return surroundings.unhooked and f"it would not hold: {surroundings.unhooked}"


_TESTS: tuple[tuple[str, Callable[[Policy, Subject, Surroundings], str | None]], ...] = (
    ("protected", lambda policy, subject, _: protected(policy, subject)),
    ("protected", _gateway),
    ("protected", _uplink),
    ("spoofed", _spoofed),
    ("refused", _ignored),
    ("refused", _unhooked),
)
