"""What is said about a device: the record, the decision, and its published JSON (version 1).

The ranking and the decision are two things: ``labels`` and ``confidences`` are always the best
three (Poseidon stops on fewer), while ``decision`` says whether the first of them is *known*,
the device is *unknown* to the model, or it cannot be told (*undetermined*): too little was
seen, or the device is a router and what it sends is others' traffic.
``configs/schema/verdict-v1.schema.json`` is the JSON's definition. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.ml.devices import IPS_MAX
from plugin.ml.role import dispersion, rank
from plugin.records import iso_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from plugin.ml.behaviour.finding import Finding, Found
    from plugin.ml.model import Manifest
    from plugin.ml.novelty.explain import Explanation
    from plugin.ml.role import Ranking

SCHEMA = 1
CAPTURE, FINDING = "capture", "finding"
"""Kinds of verdict: about a whole capture; about one behaviour, at the moment it was seen."""
NORMAL, NOVEL, CHANGED, ANOMALOUS = "normal", "novel", "changed", "anomalous"
"""Verdicts of an anomaly; the fifth is ``UNDETERMINED``."""
FINDINGS_MAX = 32
"""Of one device in one verdict."""
KNOWN, UNKNOWN, UNDETERMINED = "known", "unknown", "undetermined"
_STANDS_OUT = 1.5
"""Times the next one's confidence."""
LEAST_SHOWN = 0.01
"""Smaller confidences are shown to no person; JSON always has three."""
DECIMALS = 6
"""Of a confidence in JSON."""
RELAY = "a router or gateway"
"""What the reason of a role says of a device that stands for others."""


class Role(NamedTuple):
    """What one model says."""

    decision: str
    """"known", "unknown" or "undetermined"."""
    labels: tuple[str, ...]
    """The likeliest three, best first, padded with "Unknown"."""
    confidences: tuple[float, ...]
    """Calibrated, one a label; padding has 0."""
    model: str
    """The model's name."""
    reason: str | None
    """Why it is not known; None if it is."""

    def likely(self) -> tuple[tuple[str, float], ...]:
        """The labels worth a person's look, with their confidences: no padding, nothing near 0."""
        pairs = zip(self.labels, self.confidences, strict=True)
        return tuple((label, p) for label, p in pairs if p >= LEAST_SHOWN)

    @property
    def stands_out(self) -> bool:
        """Whether the first label is well above the second.

        A device that is like no class has every class as likely as the others, and the first of
        the ranking is an accident.
        """
        first, second, *_ = self.confidences
        return 0 < first >= _STANDS_OUT * second


class Anomaly(NamedTuple):
    """What is abnormal about a device, as far as anything has looked."""

    verdict: str
    """"normal", "novel", "changed", "anomalous" or "undetermined"."""
    novelty: Finding | None = None
    """Unlike what is known of its role, or of no known role. None: nothing has looked, or what
    was seen is too little. Its score may be below its threshold."""
    change: Finding | None = None
    """Unlike what it was itself. None: nothing has compared them, or its past is too short."""
    behaviour: tuple[Finding, ...] = ()
    """Named behaviours, in order of time; last a suspicion, if there is one."""


class Verdict(NamedTuple):
    """What is said about one device in one capture."""

    mac: str | None
    """Lower case with colons; None in captures without link addresses."""
    ips: tuple[str, ...]
    """Addresses it sent from, inside ones first."""
    source: str
    """The capture."""
    packets: int
    sessions: int
    start_ns: int | None
    """First packet of the capture."""
    end_ns: int | None
    role: Role
    """The answer."""
    roles: tuple[Role, ...]
    """What each model said, if there was more than one."""
    warnings: tuple[str, ...]
    anomaly: Anomaly | None = None
    """None: nothing has looked for anything abnormal."""
    explanation: Explanation | None = None
    """Every feature beside what is usual, where that was asked for."""


def says_yes(finding: Finding | None) -> bool:
    """Whether a score has come to its threshold; None: nothing looked, so nothing was said."""
    return finding is not None and finding.score >= finding.threshold


def judge(
    behaviour: Sequence[Finding],
    novelty: Finding | None = None,
    change: Finding | None = None,
    suspicion: Finding | None = None,
) -> Anomaly:
    """What follows from the findings about a device.

    A behaviour makes it *anomalous*: it is a bad thing that has a name. So does a suspicion that
    comes to its threshold, and it stands among the behaviours then. Else a device that is unlike
    itself has *changed*, and one that is unlike what is known is *novel*; neither is bad by that.
    *normal* needs somebody to have looked with enough evidence, which a novelty finding below its
    threshold says. Finding no behaviour is not enough for it: the device is *undetermined* then.

    Args:
        behaviour: in order of time; what is beyond ``FINDINGS_MAX`` is left out.
        novelty: unlike what is known of its role; None: nothing looked, or saw too little.
        change: unlike its own past; None likewise.
        suspicion: what the evidence below the behaviours' thresholds comes to together.
    """
    suspect = (suspicion,) if suspicion is not None and says_yes(suspicion) else ()
    bad = (*behaviour[: FINDINGS_MAX - len(suspect)], *suspect)
    if bad:
        verdict = ANOMALOUS
    elif says_yes(change):
        verdict = CHANGED
    elif says_yes(novelty):
        verdict = NOVEL
    else:
        verdict = UNDETERMINED if novelty is None else NORMAL
    return Anomaly(verdict, novelty, change, bad)


def decide(
    manifest: Manifest,
    confidences: NDArray[np.float64] | None,
    packets: int,
    sessions: int,
    *,
    relay: str | None = None,
) -> Role:
    """Turn calibrated confidences into a ranking and a decision.

    Args:
        manifest: of the model.
        confidences: (n_classes,); None if there was nothing to predict from.
        packets: of the device.
        sessions: of the device.
        relay: that it stands for other devices (:func:`relay_reason`): then what it sends is
            theirs, and however sure the model is, its role is not known.
    """
    ranking = rank(manifest.classes, confidences)
    reason = relay or _too_little(manifest, confidences, packets, sessions)
    decision = UNDETERMINED if reason else KNOWN
    if reason is None and ranking.confidences[0] < manifest.threshold:
        decision = UNKNOWN
        reason = _below(ranking, manifest.threshold)
    elif reason is None and confidences is not None:
        spread = float(dispersion(confidences, manifest.temperature))
        if spread > manifest.rejection:
            decision = UNKNOWN
            reason = (
                f"like none of the model's classes: spread over them by {spread:.2f},"
                f" those it knows by at most {manifest.rejection:.2f}"
            )
    return Role(decision, *ranking, manifest.name, reason)


def _below(ranking: Ranking, threshold: float) -> str:
    """That the likeliest class is not likely enough; figures as long as they need be to differ."""
    top, _, third = ranking.confidences
    digits = next((n for n in (2, 3, 4) if f"{top:.{n}f}" != f"{threshold:.{n}f}"), DECIMALS)
    below = f"{top:.{digits}f} is below the model's threshold of {threshold:.{digits}f}"
    if top - third < _EVEN:
        return f"like none of the model's classes, the likeliest no likelier than others: {below}"
    return f"{ranking.labels[0]} at {below}"


_EVEN = 0.005


def _too_little(
    manifest: Manifest, confidences: NDArray[np.float64] | None, packets: int, sessions: int
) -> str | None:
    if not sessions:
        return "no IP session"
    if packets < manifest.min_packets:
        return f"{_count(packets, 'packet')}, the model needs {manifest.min_packets}"
    if sessions < manifest.min_sessions:
        return f"{_count(sessions, 'session')}, the model needs {manifest.min_sessions}"
    return "no IP session" if confidences is None else None


def relay_reason(inside: int, outside: int) -> str:
    """Why a device that stands for others is not judged.

    Args:
        inside: inside addresses that it sent from.
        outside: outside ones.
    """
    return (
        f"sends from {inside + outside} addresses, {outside} of them outside:"
        f" {RELAY}, whose traffic is that of the devices behind it"
    )


def posing_words(inside: int, outside: int) -> str:
    """The warning about a device that sends as others do, but is not shown to stand for them.

    Args:
        inside: inside addresses that it sent from.
        outside: outside ones.
    """
    return (
        f"sends from {inside + outside} addresses, {outside} of them outside, but brings next to"
        " nothing back for others: judged as an end device, which may forge senders"
    )


def is_relay(role: Role) -> bool:
    """Whether a device stands for others (:func:`relay_reason`)."""
    return role.decision == UNDETERMINED and RELAY in (role.reason or "")


def choose(roles: Sequence[Role]) -> Role:
    """The answer among several models': the known one with the highest confidence, else the last.

    Args:
        roles: at least one; the general model (enterprise) comes last.
    """
    known = [role for role in roles if role.decision == KNOWN]
    return max(known, key=lambda role: role.confidences[0]) if known else roles[-1]


def warnings_of(
    captured_seconds: float, recommended_seconds: float, *, cut: bool
) -> tuple[str, ...]:
    """What a reader of the verdict should know besides.

    Args:
        captured_seconds: length of the capture.
        recommended_seconds: what the model was made for.
        cut: the capture could not be read to its end.
    """
    found = []
    if captured_seconds < recommended_seconds * _NEARLY:
        found.append(
            f"captured {_span(captured_seconds)} of the recommended {_span(recommended_seconds)}"
        )
    if cut:
        found.append("the capture is damaged or cut short; only its readable part was judged")
    return tuple(found)


_NEARLY = 0.99  # a recorder that stops after 15 minutes stops some packets before
_MINUTE = 60


def _span(seconds: float) -> str:
    if seconds < _MINUTE:
        return _count(int(seconds), "second")
    return _count(int(seconds // _MINUTE), "minute")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def to_document(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON's types, version 1."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": CAPTURE,
        "mac": verdict.mac,
        "ips": list(verdict.ips),
        "source": verdict.source,
        "packets": verdict.packets,
        "sessions": verdict.sessions,
        "window": {"start": iso_time(verdict.start_ns), "end": iso_time(verdict.end_ns)},
        "role": role_document(verdict.role),
    }
    if verdict.roles:
        document["roles"] = [role_document(role) for role in verdict.roles]
    anomaly = None if verdict.anomaly is None else anomaly_document(verdict.anomaly)
    document |= {"anomaly": anomaly, "warnings": list(verdict.warnings)}
    if verdict.explanation is not None:
        document["explanation"] = _explanation_document(verdict.explanation)
    return document


def finding_document(
    mac: str, ips: Sequence[str], capture: str, role: Role | None, found: Found
) -> dict[str, Any]:
    """A behaviour that was found just now, as a verdict's JSON types, version 1.

    Nothing is counted yet: packets and sessions come with the verdict about the capture.

    Args:
        mac: the device.
        ips: its addresses; the first ``IPS_MAX`` are told.
        capture: the name of the capture that holds the evidence.
        role: what the device was last said to be; None if nothing was.
        found: the finding.
    """
    time = iso_time(found.time)
    return {
        "schema": SCHEMA,
        "kind": FINDING,
        "mac": mac,
        "ips": list(dict.fromkeys(ips))[:IPS_MAX],
        "source": capture,
        "packets": None,
        "sessions": None,
        "window": {"start": time, "end": time},
        "role": None if role is None else role_document(role),
        "anomaly": anomaly_document(judge((found.finding,))),
        "warnings": [],
    }


def anomaly_document(anomaly: Anomaly) -> dict[str, Any]:
    """The anomaly as JSON's types."""
    novelty, change = anomaly.novelty, anomaly.change
    return {
        "verdict": anomaly.verdict,
        "novelty": None if novelty is None else _finding_document(novelty),
        "change": None if change is None else _finding_document(change),
        "behaviour": list(map(_finding_document, anomaly.behaviour)),
    }


def _explanation_document(explanation: Explanation) -> dict[str, Any]:
    features = [
        {key: _rounded(value) for key, value in one._asdict().items()}
        for one in explanation.features
    ]
    return {
        "role": explanation.role,
        "references": explanation.references,
        "features": features,
    }


def _rounded(value: str | float) -> str | float:
    return round(value, DECIMALS) if isinstance(value, float) else value


def _finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "score": finding.score,
        "threshold": finding.threshold,
        "reasons": list(finding.reasons),
        "evidence": list(finding.evidence),
    }


def role_document(role: Role) -> dict[str, Any]:
    """The role as JSON's types."""
    return {
        "decision": role.decision,
        "labels": list(role.labels),
        "confidences": [round(p, DECIMALS) for p in role.confidences],
        "model": role.model,
        "reason": role.reason,
    }
