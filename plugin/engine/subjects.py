"""From what the engine keeps of a device to what a policy looks at. Pure.

A policy sees a device as it is known at one moment (:class:`Subject`), and what of the network
counts when something is done about it (:class:`Surroundings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.actions import Place
from plugin.broker.message import message_id
from plugin.engine.commands import Alarm
from plugin.engine.events import OWN_MACS
from plugin.engine.suspicion import counts
from plugin.engine.view import SECOND
from plugin.ml.verdict import UNDETERMINED, is_relay
from plugin.policy.subject import WINDOWS_KEPT, RoleSeen, Seen, Subject, Surroundings, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.engine.events import PortKind, Ports
    from plugin.engine.view import Tracked
    from plugin.ml.behaviour.finding import Finding
    from plugin.ml.verdict import Anomaly, Role, Verdict
    from plugin.registry import Device, Location, Moved, Registry, Twice

TWICE_SECONDS = 600.0
"""So long after a MAC was heard in turn on two ports nobody knows whose deeds are whose."""
SETTLE_SECONDS = 60.0
"""So long after it came to another port a device may be somebody who pretends to be it: the other
one has this time to speak again, and then it is heard on two ports in turn."""
CAPTURE_SECONDS = 3_600.0
"""So long what the last capture showed counts, if no other one follows."""
NOWHERE = "the controller has not told where it is: it might be behind an uplink"
UNREAD = "Faucet's files have not been read yet"


def window(
    mac: str,
    capture: str,
    time: float,
    role: Role,
    anomaly: Anomaly | None,
    *,
    counted: tuple[int, int],
) -> Window:
    """One judged capture, as a rule looks back at it.

    Args:
        mac: The device.
        capture: The capture's name.
        time: When it was judged.
        role: What it says of the role.
        anomaly: What it says of what is abnormal; None: nothing has looked.
        counted: Packets and sessions.
    """
    novelty = None if anomaly is None else _times(anomaly.novelty)
    change = None if anomaly is None else _times(anomaly.change)
    return Window(
        capture=capture,
        evidence=message_id("verdict", mac, capture),
        time=time,
        packets=counted[0],
        sessions=counted[1],
        decision=role.decision,
        label=role.labels[0],
        confidence=role.confidences[0],
        anomaly=UNDETERMINED if anomaly is None else anomaly.verdict,
        novelty=novelty,
        change=change,
        behaviours=() if anomaly is None else tuple(one.name for one in anomaly.behaviour),
    )


def judged(
    tracked: Tracked, verdict: Verdict, capture: str, now: float, *, most: int = WINDOWS_KEPT
) -> None:
    """Note a judged capture of a device; only the last few are kept (``most``)."""
    counted = (verdict.packets, verdict.sessions)
    # What was captured long ago and is judged only now is no news.
    end = now if verdict.end_ns is None else min(now, verdict.end_ns / SECOND)
    one = window(tracked.mac, capture, end, verdict.role, verdict.anomaly, counted=counted)
    others = tuple(kept for kept in tracked.windows if kept.capture != capture)
    if len(others) == len(tracked.windows):  # one capture is one, however often it is judged
        tracked.captures += 1
    tracked.windows = (one, *others)[:most]
    if is_relay(verdict.role):
        tracked.relay = verdict.role.reason


def subject(tracked: Tracked, device: Device | None, ignored: str | None, now: float) -> Subject:
    """The device as a policy looks at it.

    Args:
        tracked: What the engine keeps of it.
        device: What the registry has; None if the controller told nothing of it.
        ignored: Why nothing is done about it, if so.
        now: The time.
    """
    role = tracked.role
    twice = tracked.twice is not None and 0 <= now - tracked.twice < TWICE_SECONDS
    return Subject(
        mac=tracked.mac,
        place=None if device is None else Place(*device.location),
        addresses=() if device is None else device.addresses,
        vendor=(device.vendor if device else None) or tracked.vendor,
        name=None if device is None else device.name,
        randomised=bool(int(tracked.mac[:2], 16) & 2),
        first_seen=min(tracked.first_seen, device.first_seen) if device else tracked.first_seen,
        last_seen=max(tracked.last_seen, device.last_seen) if device else tracked.last_seen,
        role=role
        and RoleSeen(
            role.decision, role.labels[0], role.confidences[0], role.model, role.stands_out
        ),
        behaviours=tuple(_behaviours(tracked, now)),
        windows=tracked.windows,
        captures=tracked.captures,
        twice=twice,
        ignored=ignored,
    )


def moved(tracked: Tracked, change: Moved, now: float) -> bool:
    """Note that a device came to another port; whether it did, and not only to another VLAN."""
    if change.previous[:2] == change.device.location[:2]:
        return False
    tracked.moved = now
    return True


def heard_twice(tracked: Tracked, change: Twice, now: float) -> Alarm:
    """Note that a device is heard on two ports in turn, and say so."""
    tracked.twice = now
    here, there = change.device.location, change.other
    text = (
        f"heard in turn at {here.dp_name}:{here.port} and {there.dp_name}:{there.port}:"
        " two devices with one address, a loop, or a lie"
    )
    return Alarm("twice", tracked.mac, text)


def surroundings(
    tracked: Tracked, registry: Registry, ports: Ports | None, *, now: float, many: int
) -> Surroundings:
    """What of the network counts when something is done about a device.

    Args:
        tracked: The device.
        registry: All devices that the controller told of.
        ports: What the ports are, as Faucet's files say; None: they have not been read.
        now: The time.
        many: A port with so many devices is an uplink. No port counts for more: else whoever makes
            up addresses at his port would make room for more isolations.
    """
    devices = registry.spread(many)
    device = registry.get(tracked.mac)
    gateway = tracked.relay
    if tracked.mac in (OWN_MACS if ports is None else ports.own_macs):
        gateway = "it is Faucet's own address: the gateway that Faucet plays"
    if device is None:
        return Surroundings(devices, 0, None, gateway, NOWHERE)
    place = device.location
    there = len(registry.last_at(place.dp_name, place.port))
    port = None if ports is None else ports.kinds.get((place.dp_name, place.port))
    unhooked, doubt = _unhooked(port, ports), _doubt(tracked, place, now)
    return Surroundings(devices, there, _uplink(port), gateway, unhooked, doubt)


def _doubt(tracked: Tracked, place: Location, now: float) -> str | None:
    if tracked.moved is None or not 0 <= now - tracked.moved < SETTLE_SECONDS:
        return None
    return (
        f"it came to {place.dp_name}:{place.port} less than {SETTLE_SECONDS:.0f} s ago: somebody"
        " may pretend to be it"
    )


def _uplink(port: PortKind | None) -> str | None:
    if port is None:
        return None
    for there, words in (
        (port.stack, "its port joins two switches (stack)"),
        (port.output, "its port only sends (output_only)"),
        (port.tagged, "its port carries tagged VLANs"),
    ):
        if there:
            return words
    return None


def _unhooked(port: PortKind | None, ports: Ports | None) -> str | None:
    if ports is None:
        return UNREAD
    if port is None:
        return "its port is not in Faucet's files"
    return None if port.hooked else port.words or "its port has no hook"


def _behaviours(tracked: Tracked, now: float) -> Iterator[Seen]:
    """What was found lately, the last first; of each name one."""
    names = set()
    for one in sorted(tracked.sighted, key=lambda sighted: -sighted.time):
        if not counts(one, now):
            continue
        names.add(one.finding.name)
        capture = one.capture
        evidence = capture and message_id(f"finding:{one.finding.name}", tracked.mac, capture)
        yield _seen(one.finding, one.time / SECOND, evidence or "")
    last = tracked.windows[0] if tracked.windows else None
    if last is None or tracked.anomaly is None or not 0 <= now - last.time < CAPTURE_SECONDS:
        return
    for finding in reversed(tracked.anomaly.behaviour):
        if finding.name not in names:
            names.add(finding.name)
            yield _seen(finding, last.time, last.evidence)


def _seen(finding: Finding, time: float, evidence: str) -> Seen:
    return Seen(finding.name, finding.score, finding.threshold, finding.reasons, time, evidence)


def _times(finding: Finding | None) -> float | None:
    """A score over its threshold; None where nothing has looked."""
    if finding is None:
        return None
    return finding.score / finding.threshold if finding.threshold > 0 else finding.score
