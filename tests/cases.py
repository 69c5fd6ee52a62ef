"""Cases and their steps, as the ledger would tell of them."""

from __future__ import annotations

from typing import Any

from plugin.actions import Action, Place, Service
from plugin.policy.cases import Case, State, Transition

AT = 1_700_000_000.25
MAC = "02:00:00:00:00:0a"
QUARANTINE = Action(
    kind="quarantine",
    allow=(Service("dhcp"), Service("dns", "10.0.0.53"), Service("host", "10.0.0.254")),
)


def case(**changes: Any) -> Case:
    """A device that scanned and is isolated for an hour."""
    plain: dict[str, Any] = {
        "number": 7,
        "cookie": 7,
        "mac": MAC,
        "state": "isolated",
        "action": QUARANTINE,
        "rule": "scanners",
        "origin": "rule",
        "actor": "halia",
        "reason": "horizontal scan: 412 hosts on port 445 in 60 s",
        "evidence": ("9f3c2a", "trace_02-00-00-00-00-0a.pcap"),
        "models": ("device",),
        "policy": "sha256:ab12",
        "opened": AT - 2.0,
        "changed": AT,
        "deadline": AT + 3600,
        "until": AT + 3600,
        "duration": 3600.0,
        "proof": "proven",
        "place": Place("sw1", 3, 100),
        "addresses": ("10.0.0.12", "2001:db8::12"),
        "notes": ("floods reach it still",),
    }
    return Case(**(plain | changes))


def step(
    state: State = "isolated",
    before: State | None = "isolating",
    why: str = "read back from every hooked port",
    **changes: Any,
) -> Transition:
    """A step of that case."""
    return Transition(case(state=state, **changes), before, why)
