"""What is shown of a device: its state, and why, in words for a help desk. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.ml import verdict as ml_verdict
from plugin.ml.verdict import ANOMALOUS, KNOWN, anomaly_document, judge, role_document
from plugin.records import iso_time

if TYPE_CHECKING:
    from plugin.ml.behaviour.finding import Finding
    from plugin.ml.verdict import Anomaly, Role
    from plugin.registry import Device

UNKNOWN, MIRRORED, CLASSIFYING = "unknown", "mirrored", "classifying"
OK, SUSPECT, UNDETERMINED = "ok", "suspect", "undetermined"
IGNORED = "ignored"
STATES = (UNKNOWN, MIRRORED, CLASSIFYING, OK, SUSPECT, UNDETERMINED, IGNORED)
SECOND = 1_000_000_000


class Sighted(NamedTuple):
    """A finding, and when it was found, ns."""

    time: int
    finding: Finding
    capture: str | None
    """The file that was being written of the device; None: none yet."""


@dataclass(slots=True, kw_only=True)
class Tracked:
    """What the engine keeps of a device besides the registry; it is the engine's alone."""

    mac: str
    first_seen: float
    last_seen: float
    vendor: str | None = None
    mirrored: bool = False
    """A frame of it has passed the mirror port in this run."""
    open_capture: str | None = None
    ended_capture: str | None = None
    """The last file that was finished; None while one is open."""
    judging: int = 0
    role: Role | None = None
    """Of the last judged capture that held enough to tell, else of the last one."""
    role_capture: str | None = None
    anomaly: Anomaly | None = None
    """Of the last judged capture."""
    sighted: list[Sighted] = field(default_factory=list)
    """What was found of it lately while it happened."""
    told: set[str] = field(default_factory=set)
    """Names of findings that were announced for the open capture."""
    captures: int = 0
    last_capture: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """One device as it is shown. Times are seconds since 1970-01-01 UTC."""

    mac: str
    dp: str | None
    """None of a device that only the mirror port has shown."""
    port: int | None
    vid: int | None
    addresses: tuple[str, ...]
    vendor: str | None
    name: str | None
    randomised: bool
    first_seen: float
    last_seen: float
    learned: bool
    state: str
    mirrored: bool
    role: Role | None
    anomaly: Anomaly | None
    captures: int
    last_capture: str | None
    why: str


def view(
    tracked: Tracked, device: Device | None, ignored: str | None, unseen: str | None = None
) -> DeviceView:
    """Put together what is shown of a device.

    Args:
        tracked: What the engine keeps of it.
        device: What the registry has; None if the controller told nothing of it.
        ignored: Why nothing is done about it, if so.
        unseen: Why nothing of it passes the mirror port, if that is known.
    """
    anomaly = current_anomaly(tracked)
    state = _state(tracked, anomaly, ignored)
    return DeviceView(
        mac=tracked.mac,
        dp=device.location.dp_name if device else None,
        port=device.location.port if device else None,
        vid=device.location.vid if device else None,
        addresses=device.addresses if device else (),
        vendor=(device.vendor if device else None) or tracked.vendor,
        name=device.name if device else None,
        randomised=bool(int(tracked.mac[:2], 16) & 2),
        first_seen=min(tracked.first_seen, device.first_seen) if device else tracked.first_seen,
        last_seen=max(tracked.last_seen, device.last_seen) if device else tracked.last_seen,
        learned=device.learned if device else False,
        state=state,
        mirrored=tracked.mirrored,
        role=tracked.role,
        anomaly=anomaly,
        captures=tracked.captures,
        last_capture=tracked.last_capture,
        why=_why(tracked, anomaly, state, ignored or unseen),
    )


def current_anomaly(tracked: Tracked) -> Anomaly | None:
    """The anomaly of the last judged capture, with what was found since."""
    if not tracked.sighted:
        return tracked.anomaly
    fresh = tuple(one.finding for one in tracked.sighted)
    if tracked.anomaly is None:
        return judge(fresh)
    names = {one.name for one in fresh}
    older = tuple(one for one in tracked.anomaly.behaviour if one.name not in names)
    return tracked.anomaly._replace(verdict=ANOMALOUS, behaviour=(*fresh, *older))


def to_document(one: DeviceView) -> dict[str, Any]:
    """The view as JSON's types."""
    return {
        "mac": one.mac,
        "dp": one.dp,
        "port": one.port,
        "vid": one.vid,
        "addresses": list(one.addresses),
        "vendor": one.vendor,
        "name": one.name,
        "randomised": one.randomised,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "learned": one.learned,
        "state": one.state,
        "mirrored": one.mirrored,
        "role": None if one.role is None else role_document(one.role),
        "anomaly": None if one.anomaly is None else anomaly_document(one.anomaly),
        "captures": one.captures,
        "last_capture": one.last_capture,
        "why": one.why,
    }


def _state(tracked: Tracked, anomaly: Anomaly | None, ignored: str | None) -> str:
    if ignored is not None:
        return IGNORED
    if anomaly is not None and anomaly.verdict == ANOMALOUS:
        return SUSPECT
    if tracked.role is not None:
        return OK if tracked.role.decision == KNOWN else UNDETERMINED
    if tracked.judging:
        return CLASSIFYING
    return MIRRORED if tracked.mirrored else UNKNOWN


def says_more(new: Role, old: Role) -> bool:
    """Whether a role replaces the one before: too little evidence does not undo what was seen."""
    return new.decision != ml_verdict.UNDETERMINED or old.decision == ml_verdict.UNDETERMINED


def is_suspect(tracked: Tracked) -> bool:
    """Whether a bad behaviour was found of it that no later capture denies."""
    anomaly = tracked.anomaly
    return bool(tracked.sighted) or (anomaly is not None and anomaly.verdict == ANOMALOUS)


def _why(tracked: Tracked, anomaly: Anomaly | None, state: str, given: str | None) -> str:
    role = tracked.role
    if state == SUSPECT and anomaly is not None:
        return _suspicion(tracked, anomaly)
    if state == OK and role is not None:
        return f"looks like {role.labels[0]} ({role.confidences[0]:.2f}) in {tracked.role_capture}"
    if state == UNDETERMINED and role is not None:
        return f"{role.decision}: {role.reason}"
    return given or _WAITING[state]


_WAITING = {
    CLASSIFYING: "its first capture is being judged",
    MIRRORED: "its first capture is being written",
    UNKNOWN: "nothing of it has passed the mirror port yet",
}


def _suspicion(tracked: Tracked, anomaly: Anomaly) -> str:
    found = anomaly.behaviour[0]
    words = f"{found.name.replace('-', ' ')}: {'; '.join(found.reasons)}"
    time = next((s.time for s in tracked.sighted if s.finding.name == found.name), None)
    return words if time is None else f"{words} (at {iso_time(time // SECOND * SECOND)})"
