"""Policies that between them forbid all that a policy can forbid, as the reader reads them."""

from __future__ import annotations

from plugin.policy.document import read_policy
from plugin.policy.rules import Policy

MACS = tuple(f"02:00:00:00:00:{number:02x}" for number in range(12))
BEHAVIOURS = ("udp-flood", "vertical-scan", "brute-force", "beacon", "dga", "syn-flood")
RULES = """
rules:
  - {name: slow, match: {behaviours: [udp-flood]}, action: "limit:512k", mode: enforce,
     duration: 10m, grace: 1m, escalate: [{action: quarantine, duration: 20m}]}
  - {name: asked, match: {behaviours: [vertical-scan]}, action: quarantine, mode: enforce,
     approve: true, approve_within: 30m, duration: 20m}
  - {name: whole, match: {behaviours: [brute-force]}, action: block, mode: enforce,
     scope: port, duration: 40m, grace: 1m}
  - {name: late, match: {behaviours: [beacon]}, action: block, mode: enforce, delay: 2m}
  - {name: look, match: {behaviours: [dga]}, action: watch, mode: enforce}
  - {name: changed, match: {anomalies: [changed], windows: {at_least: 2, of: 3}}, action: block,
     mode: enforce, duration: 30m}
  - {name: trial, match: {behaviours: [syn-flood]}, action: block}
"""


def _policy(learning: str = "0", protect: str = "many_macs: 4", **caps: int) -> Policy:
    limits = {"devices": 99, "percent": 100, "per_switch": 99, "per_hour": 99, **caps}
    said = ", ".join(f"{name}: {value}" for name, value in limits.items())
    text = f"""
halia-policy: 1
learning: {learning}
protect: {{{protect}}}
caps: {{{said}}}
allow: [dhcp, {{dns: 10.0.0.53}}]
{RULES}"""
    return read_policy(text, "p.yaml")


POLICIES = (
    _policy("1h", f'macs: ["{MACS[0]}"], vlans: [200]', devices=3),
    _policy(percent=2),
    _policy(protect=f'macs: ["{MACS[1]}"], ports: ["sw1:10"]', per_switch=2),
    _policy(per_hour=2),
    _policy(),
    _policy("30d"),
    read_policy("halia-policy: 1\nprotect: {vlans: [100]}\n", "p.yaml"),
)
