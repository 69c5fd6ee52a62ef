"""What is shown of a device: its state, and why, in words for a help desk. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.actions import ISOLATING as TAKING
from plugin.ml import verdict as ml_verdict
from plugin.ml.verdict import (
    ANOMALOUS,
    CHANGED,
    KNOWN,
    NOVEL,
    anomaly_document,
    judge,
    role_document,
)
from plugin.policy.cases import HALIA
from plugin.records import iso_time

if TYPE_CHECKING:
    from plugin.ml.behaviour.finding import Finding
    from plugin.ml.verdict import Anomaly, Role
    from plugin.policy.cases import Case
    from plugin.policy.subject import Window
    from plugin.registry import Device

UNKNOWN, MIRRORED, CLASSIFYING = "unknown", "mirrored", "classifying"
OK, SUSPECT, UNDETERMINED = "ok", "suspect", "undetermined"
IGNORED = "ignored"
PENDING, ISOLATING, ISOLATED, RELEASING = "pending", "isolating", "isolated", "releasing"
PROTECTED = "protected"
STATES = (
    UNKNOWN, MIRRORED, CLASSIFYING, OK, SUSPECT, UNDETERMINED, IGNORED,
    PENDING, ISOLATING, ISOLATED, RELEASING, PROTECTED,
)  # fmt: skip
DECIDED = frozenset({PENDING, ISOLATING, ISOLATED, RELEASING})
"""States of a case that are its device's."""
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
    windows: tuple[Window, ...] = ()
    """The last judged captures, the last first."""
    twice: float | None = None
    """When it was last heard in turn on two ports."""
    moved: float | None = None
    """When it was last heard at another port than before."""
    relay: str | None = None
    """Why it is taken for a router: a verdict has said so."""


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
    case: Case | None = None
    """What is decided about it; None: nothing is."""


class Besides(NamedTuple):
    """What is known of a device besides itself."""

    ignored: str | None = None
    """Why nothing is done about it, if so."""
    unseen: str | None = None
    """Why nothing of it passes the mirror port, if that is known."""
    case: Case | None = None
    """What is decided about it."""
    protected: str | None = None
    """Why nothing is ever done about it, though there would be reason."""


NOTHING = Besides()


def view(tracked: Tracked, device: Device | None, besides: Besides = NOTHING) -> DeviceView:
    """Put together what is shown of a device.

    Args:
        tracked: What the engine keeps of it.
        device: What the registry has; None if the controller told nothing of it.
        besides: The rest.
    """
    anomaly = current_anomaly(tracked)
    state = _state(tracked, anomaly, besides)
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
        why=_why(tracked, anomaly, state, besides),
        case=besides.case,
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
        "case": None if one.case is None else case_summary(one.case),
    }


def case_summary(case: Case) -> dict[str, Any]:
    """What of a case is shown with its device, as JSON's types."""
    return {
        "number": case.number,
        "state": case.state,
        "action": str(case.action),
        "until": case.until,
        "deadline": case.deadline,
        "rule": case.rule,
        "origin": case.origin,
        "actor": case.actor,
        "reason": case.reason,
        "proof": case.proof,
        "notes": list(case.notes),
    }


def _state(tracked: Tracked, anomaly: Anomaly | None, besides: Besides) -> str:
    case = besides.case
    if case is not None and case.state in DECIDED and case.action.kind in TAKING:
        return case.state
    if besides.ignored is not None:
        return IGNORED
    if anomaly is not None and anomaly.verdict == ANOMALOUS:
        return SUSPECT if besides.protected is None else PROTECTED
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


def _why(tracked: Tracked, anomaly: Anomaly | None, state: str, besides: Besides) -> str:
    role = tracked.role
    if state in DECIDED and besides.case is not None:
        return decided(besides.case)
    if state == PROTECTED and anomaly is not None:
        return f"never isolated: {besides.protected}; yet {_suspicion(tracked, anomaly)}"
    if state == SUSPECT and anomaly is not None:
        return _suspicion(tracked, anomaly)
    if state == OK and role is not None:
        likely = f"{role.labels[0]} ({role.confidences[0]:.2f})"
        return f"looks like {likely} in {tracked.role_capture}{_unlike(anomaly)}"
    if state == UNDETERMINED and role is not None:
        return f"{role.decision}: {role.reason}{_unlike(anomaly)}"
    return besides.ignored or besides.unseen or _WAITING[state]


def _unlike(anomaly: Anomaly | None) -> str:
    """That a device has changed, or is novel: worth a look, no reason to suspect it."""
    if anomaly is None or anomaly.verdict not in {CHANGED, NOVEL}:
        return ""
    finding = anomaly.change if anomaly.verdict == CHANGED else anomaly.novelty
    reason = finding.reasons[0] if finding is not None and finding.reasons else "no reason given"
    return f"; {anomaly.verdict}: {reason}"


def decided(case: Case) -> str:
    """What is decided about a device, by whom, until when, and what it does not stop."""
    who = case.actor if case.rule is None else f"rule {case.rule}"
    if case.origin == "operator" and case.actor == HALIA:
        who = "hand"  # the last step was Halia's; the journal has the name
    end = "it is released" if case.until is None else _time(case.until)
    notes = list(case.notes)
    if case.state == PENDING:
        answer = "" if case.deadline is None else f" before {_time(case.deadline)}"
        said = f"{who} asks for {case.action}: approve or deny it{answer}"
        notes = []
    elif case.state == ISOLATING:
        said = f"{case.action} by {who} is put in force ({_PROOF[case.proof]})"
    elif case.state == ISOLATED:
        said = f"{case.action} by {who} until {end}"
        if case.action.kind in _FLOODED and not any("flood" in note for note in notes):
            notes.append("broadcasts and floods of others still reach it")
    else:
        said = f"{case.action} by {who} is taken back; not yet seen gone from the switches"
        notes = []
    return "; ".join([f"{said}: {case.reason}", *notes])


_PROOF = {
    "none": "not written yet",
    "written": "written, not loaded yet",
    "loaded": "loaded, not seen at the switches yet",
    "proven": "seen at the switches",
}
_FLOODED = frozenset({"quarantine", "block"})


def _time(seconds: float) -> str:
    return iso_time(int(seconds) * SECOND) or ""


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
