"""What stands in the journal, each entry as one sentence for people. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plugin.cli.case_rows import action_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Document = Mapping[str, Any]

UNDETERMINED = "undetermined"
POLICY_SHOWN = 12
"""Digits of a policy's digest that a sentence has; the journal has all."""


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


def about(body: Document) -> str | None:
    """The MAC address of the device that an entry is about, if it is about one."""
    case = body.get("case")
    mac = case.get("mac") if isinstance(case, dict) else body.get("mac")
    return mac if isinstance(mac, str) else None


def concerns(body: Document, mac: str) -> bool:
    """Whether an entry is about a device, alone or among others."""
    macs = body.get("macs")
    return about(body) == mac or (isinstance(macs, list) and mac in macs)


def diff_of(body: Document) -> list[str]:
    """The lines of what an entry changed in Faucet's files; none, if it changed nothing there."""
    diff = body.get("diff")
    return diff.splitlines() if isinstance(diff, str) else []


def _config(body: Document) -> str:
    """What was written into Faucet's files, counted; ``--diffs`` shows it."""
    marks = [line[:1] for line in diff_of(body) if line[:3] not in {"+++", "---"}]
    more, fewer = marks.count("+"), marks.count("-")
    told = f"{body['file']} written: {more} {'line' if more == 1 else 'lines'} more, {fewer} fewer"
    return f"{told}; about {', '.join(body['macs'])}" if body["macs"] else told


def _decision(body: Document) -> str:
    """A step of a case: what it became, by whom, why, on which evidence, by which policy."""
    case = body["case"]
    before = body["before"]
    steps = f"{before} -> {case['state']}" if before else f"begins as {case['state']}"
    by = [f"rule {case['rule']}"] if case["rule"] else []
    by += [f"by {case['actor']}"] if case["actor"] != case["rule"] else []
    said = [f"case {case['number']} {steps} ({action_of(case)}, {', '.join(by)})", body["why"]]
    said += [case["reason"]] if case["reason"] != body["why"] else []
    said += [f"evidence {' '.join(case['evidence'])}"] if case["evidence"] else []
    said += [f"models {' '.join(case['models'])}"] if case["models"] else []
    said += [f"policy {case['policy'][:POLICY_SHOWN]}"] if case["policy"] else []
    return "; ".join(map(str, said))


def _policy(body: Document) -> str:
    """Which policy is in use from now on."""
    if not body["source"]:
        return "no policy: no rule isolates anybody"
    return f"policy {body['digest'][:POLICY_SHOWN]} of {body['source']}: {body['rules']} rules"


def _caps(body: Document) -> str:
    """Whether rules may isolate anybody from now on."""
    if body["frozen"] is None:
        return "rules may isolate again"
    return f"no rule isolates anybody until somebody allows it: {body['frozen']}"


def _release(body: Document) -> str:
    """What 'halia release' did by itself."""
    who = "everybody let out" if body["all"] else "let out"
    macs = ", ".join(body["macs"]) or "nobody was in the file"
    return f"{who} without the daemon: {macs}; {body['reason']}"


def _unjudged(body: Document) -> str:
    return f"{_name(body['capture'])} could not be judged: {body['reason']}"


def _started(body: Document) -> str:
    return f"Halia {body['version']} started as process {body['pid']}"


_KINDS: dict[str, Callable[[Document], str]] = {
    "verdict": _verdict,
    "finding": _finding,
    "device": _device,
    "gone": lambda _: "it left the network",
    "decision": _decision,
    "config": _config,
    "policy": _policy,
    "caps": _caps,
    "release": _release,
    "unjudged": _unjudged,
    "alarm": lambda body: str(body["text"]),
    "started": _started,
    "stopped": lambda body: f"Halia stopped: {body['why']}",
}
KINDS = tuple(_KINDS)
"""What ``halia run`` writes, and ``halia release`` without it."""
