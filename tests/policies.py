"""Policies and devices in few words, for tests."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from plugin.actions import Place
from plugin.errors import PolicyError
from plugin.policy.document import read_policy
from plugin.policy.rules import Policy, Rule
from plugin.policy.subject import RoleSeen, Seen, Subject, Window

MAC = "02:00:00:00:00:07"
NOW = 1_800_000_000.0
BEHAVIOURS = ("vertical-scan", "horizontal-scan", "beacon", "suspicion")
ROLES = ("Workstation", "Printer")


def policy(rules: str = "", top: str = "") -> Policy:
    """Read a policy of these rules (a YAML list, flush left or not)."""
    return read_policy(written(rules, top), "p.yaml", behaviours=BEHAVIOURS, roles=ROLES)


def rule(text: str, top: str = "") -> Rule:
    """Read the one rule of a policy: all but its name."""
    body = textwrap.indent(textwrap.dedent(text).strip(), "  ")
    (only,) = policy(f"- name: r\n{body}", top).rules
    return only


def problems(rules: str = "", top: str = "") -> list[str]:
    """Give what is wrong with a policy, each without its place."""
    return [text.split(": ", 1)[1] for text in placed(written(rules, top))]


def placed(text: str | bytes) -> list[str]:
    """Give what is wrong with a policy's text."""
    with pytest.raises(PolicyError) as caught:
        read_policy(text, "p.yaml", behaviours=BEHAVIOURS, roles=ROLES)
    return list(caught.value.problems)


def written(rules: str = "", top: str = "") -> str:
    """Write a policy's file."""
    listed = f"rules:\n{textwrap.indent(textwrap.dedent(rules).strip(), '  ')}\n" if rules else ""
    return f"halia-policy: 1\n{textwrap.dedent(top).strip()}\n{listed}"


def device(**changed: Any) -> Subject:
    """Make a device of which nothing bad is known."""
    usual: dict[str, Any] = {
        "mac": MAC,
        "place": Place("sw1", 7, 100),
        "addresses": ("10.0.0.7", "2001:db8::7"),
        "vendor": "Axis Communications",
        "role": RoleSeen("known", "Workstation", 0.9, "m1"),
        "windows": (window(1), window(2), window(3)),
        "captures": 3,
    }
    return Subject(**usual | changed)


def window(number: int = 1, **changed: Any) -> Window:
    """Make a judged capture in which nothing is wrong."""
    usual = Window(
        capture=f"c{number}",
        evidence=f"e{number}",
        time=NOW - number,
        packets=500,
        sessions=50,
        decision="known",
        label="Workstation",
        confidence=0.9,
        anomaly="normal",
        novelty=0.2,
        change=0.2,
        behaviours=(),
    )
    return usual._replace(**changed)


def seen(name: str, **changed: Any) -> Seen:
    """Make a behaviour that was found."""
    usual = Seen(name, 3.0, 1.0, (f"it did {name} to 30 hosts",), NOW, f"finding-{name}")
    return usual._replace(**changed)
