"""What stands in the journal, each entry as one sentence for people. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Document = Mapping[str, Any]

UNDETERMINED = "undetermined"


def sentence(kind: str, body: Document) -> str:
    """Say what an entry tells, without its time, kind and device.

    Args:
        kind: the entry's.
        body: the entry's; of a verdict or a finding also the verdict document itself.
    """
    tell = _KINDS.get(kind)
    try:
        return flat(body) if tell is None else tell(body)
    except (AttributeError, KeyError, TypeError, IndexError):  # of another Halia
        return flat(body)


def flat(found: object) -> str:
    """Any JSON as words: its fields, one after the other."""
    if isinstance(found, dict):
        return ", ".join(f"{key} {flat(value)}" for key, value in found.items())
    if isinstance(found, list):
        return " ".join(map(flat, found))
    return found if isinstance(found, str) else json.dumps(found)


def behaviours(anomaly: Document | None) -> list[str]:
    """Each bad behaviour with its reasons: ``arp spoofing: …``."""
    found = [] if anomaly is None else anomaly["behaviour"]
    return [f"{one['name'].replace('-', ' ')}: {'; '.join(one['reasons'])}" for one in found]


def _verdict(body: Document) -> str:
    document = _document(body)
    role, capture = document["role"], body.get("capture") or document.get("source")
    said = "role not judged"
    if role is not None:
        decision, label, sure = role["decision"], role["labels"][0], role["confidences"][0]
        if decision == UNDETERMINED:
            said = f"{UNDETERMINED}: {role['reason']}"
        elif decision == "known":
            said = f"{label} {sure:.2f}, known"
        else:
            said = f"{decision}, rather {label} {sure:.2f}"
    where = f", in {_name(capture)}" if capture else ""
    packets = document.get("packets")
    counted = f"{packets} packets" if packets is not None else None
    return "; ".join([said + where, *filter(None, [counted]), *behaviours(document.get("anomaly"))])


def _finding(body: Document) -> str:
    document = _document(body)
    return "; ".join(behaviours(document["anomaly"])) or "nothing was told"


def _document(body: Document) -> Document:
    inner = body.get("verdict")
    return inner if isinstance(inner, dict) else body


def _name(capture: str) -> str:
    return capture.rpartition("/")[2]


def _device(body: Document) -> str:
    said = [f"on switch {body['dp']}, port {body['port']}, VLAN {body['vid']}"]
    said += [", ".join(body["addresses"])] if body.get("addresses") else []
    said += [f"called {body['name']}"] if body.get("name") else []
    return "; ".join(said)


def _unjudged(body: Document) -> str:
    return f"{_name(body['capture'])} could not be judged: {body['reason']}"


def _started(body: Document) -> str:
    return f"Halia {body['version']} started as process {body['pid']}"


_KINDS: dict[str, Callable[[Document], str]] = {
    "verdict": _verdict,
    "finding": _finding,
    "device": _device,
    "gone": lambda _: "it left the network",
    "unjudged": _unjudged,
    "alarm": lambda body: str(body["text"]),
    "started": _started,
    "stopped": lambda body: f"Halia stopped: {body['why']}",
}
KINDS = tuple(_KINDS)
"""What ``halia run`` writes."""
