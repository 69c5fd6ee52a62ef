"""Playbooks for the engine: what happens, when, and what must be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin import events as faucet
from plugin.actions import Action, Place, Report
from plugin.engine import events as ev
from plugin.ml.behaviour.finding import Finding, Found
from plugin.ml.verdict import Role, Verdict
from plugin.policy.cases import Case
from plugin.policy.document import read_policy

if TYPE_CHECKING:
    from plugin.engine import Engine
    from plugin.engine.commands import Command
    from plugin.policy.cases import State
    from plugin.policy.rules import Policy

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
START = 1_800_000_000.0
"""Where the virtual clock begins."""
SECOND = 1_000_000_000
HEAD: dict[str, Any] = {"dp_id": 1, "dp_name": "sw1", "event_id": 1}


def play(engine: Engine, *scenes: tuple[float, Any]) -> list[Command]:
    """Tell the engine what happens so many seconds after the start; gives all commands."""
    return [c for after, event in scenes for c in engine.step(event, START + after)]


def learned(mac: str = A, *, after: float = 0, **changed: Any) -> faucet.DeviceLearned:
    """Faucet learned a device."""
    fields: dict[str, Any] = {
        **HEAD,
        "time": START + after,
        "port": 1,
        "previous_port": None,
        "vid": 100,
        "mac": mac,
        "peer_mac": None,
        "eth_type": 2048,
        "address": "10.0.0.1",
        "peer_address": None,
        "stack": None,
        **changed,
    }
    return faucet.DeviceLearned(**fields)


def role(decision: str = "known", label: str = "Printer") -> Role:
    """What a model says."""
    reason = None if decision == "known" else "too little"
    return Role(decision, (label, "Workstation", "Unknown"), (0.9, 0.1, 0.0), "demo", reason)


def verdict(mac: str | None = A, *, end: float = 0, **changed: Any) -> Verdict:
    """A verdict whose capture ends so many seconds after the start."""
    fields: dict[str, Any] = {
        "mac": mac,
        "ips": ("10.0.0.1",),
        "source": "captures/trace_a.pcap",
        "packets": 100,
        "sessions": 10,
        "start_ns": None,
        "end_ns": int((START + end) * SECOND),
        "role": role(),
        "roles": (),
        "warnings": (),
        "anomaly": None,
        **changed,
    }
    return Verdict(**fields)


def case(state: State = "isolated", mac: str = A, **changed: Any) -> Case:
    """What is decided about a device."""
    fields: dict[str, Any] = {
        "number": 7,
        "cookie": 77,
        "mac": mac,
        "state": state,
        "action": Action(kind="block"),
        "rule": "scanners",
        "origin": "rule",
        "actor": "scanners",
        "reason": "it scans",
        "opened": START,
        "changed": START + 1,
        "deadline": START + 3_600,
        "until": START + 3_600,
        "duration": 3_600.0,
        "proof": "proven",
        "place": Place("sw1", 1, 100),
        "addresses": ("10.0.0.1",),
        **changed,
    }
    return Case(**fields)


def found(mac: str = A, *, after: float = 0, name: str = "horizontal-scan") -> Found:
    """A finding."""
    words = ("412 hosts on port 445 in 60 s",)
    return Found(int((START + after) * SECOND), mac, Finding(name, 412.0, 25.0, words, ()))


PORTS = ev.Ports(
    {(dp, port): ev.PortKind(hooked=True) for dp in ("sw1", "sw2") for port in range(9)}
)
"""Every port that devices are at has the hook."""


def policy(*rules: str, head: str = "", learning: str = "0") -> Policy:
    """A policy with lines of its own and rules in flow style; the site has learned."""
    lines = ["halia-policy: 1", f"learning: {learning}", head, f"rules: [{', '.join(rules)}]"]
    return read_policy("\n".join(lines), "policy.yaml")


SCANNERS = (
    "{name: scanners, match: {behaviours: [horizontal-scan]}, action: block, mode: enforce,"
    " duration: 1h, grace: 10m}"
)
"""A rule that isolates at the first scan."""


def done(*cookies: int, absent: int | None = None) -> ev.Reported:
    """All that was wanted stands at the switches, and is proven."""
    wanted = frozenset(cookies)
    gone = frozenset() if absent is None else frozenset({absent})
    report = Report(
        wanted=wanted, written=wanted, loaded=wanted, proven=wanted, absent=gone, probing=True
    )
    return ev.Reported(report)
