"""What a rule asks, and sets of devices, from the YAML of a policy. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.policy import values
from plugin.policy.rules import AtLeast, Devices, Match
from plugin.policy.subject import WINDOWS_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from yaml.nodes import Node

    from plugin.yaml_places import Document

DECISIONS = ("known", "unknown", "undetermined")
ANOMALIES = ("normal", "novel", "changed", "anomalous", "undetermined")
COUNT_MAX = 10**12
SCORE_MAX = 10**6
USUAL_WINDOWS = AtLeast(2, 3)
"""Of a rule that asks for no behaviour and does not say: one capture is never enough."""
DEVICES: Mapping[str, Callable[[str], Any]] = {
    "macs": values.mac,
    "networks": values.network,
    "ports": values.port,
    "switches": str,
    "vlans": values.vlan,
    "vendors": str,
    "roles": str,
    "tags": str,
}
"""Fields of a set of devices."""
_WITHIN = tuple(name for name in DEVICES if name != "roles")
"""A rule's ``roles`` are about each capture: see :class:`Match`."""
_OWN = (
    "roles",
    "decisions",
    "min_confidence",
    "anomalies",
    "behaviours",
    "novelty",
    "change",
    "windows",
    "min_packets",
    "min_sessions",
    "min_captures",
    "hours",
    "sources",
    "randomised",
    "os",
)
FIELDS = (*_OWN, *_WITHIN)


class Known(NamedTuple):
    """Names that the rest of the program knows; None: unchecked."""

    behaviours: Collection[str] | None = None
    roles: Collection[str] | None = None
    """Unknown ones are only warned of: a model of the operator's own may name them."""
    tags: Collection[str] = ()
    """Of the policy."""


def devices(
    document: Document,
    fields: Mapping[str, Node],
    what: str,
    known: Known,
    names: Collection[str] = tuple(DEVICES),
) -> Devices:
    """Read a set of devices.

    Args:
        document: the file.
        fields: parts of a mapping; those that are named here are read.
        what: its path.
        known: tags.
        names: fields that can be there.
    """
    found = {
        name: values.each(document, fields[name], f"{what}.{name}", _read(name, known))
        for name in names
        if name in fields
    }
    return Devices(**found)


def _read(name: str, known: Known) -> Callable[[str], Any]:
    return values.one_of(known.tags, "tag") if name == "tags" else DEVICES[name]


def match(document: Document, node: Node, what: str, known: Known) -> Match:
    """Read what a rule asks of a device.

    Args:
        document: the file.
        node: the mapping.
        what: its path.
        known: names of behaviours and tags.
    """
    fields = document.fields(node, what, FIELDS, "condition")
    for name, value in fields.items():
        if getattr(value, "value", None) == [] and name != "windows":
            document.note(value, f"{what}.{name}", "an empty list matches nothing; leave it out")

    def texts(name: str, read: Callable[[str], str]) -> tuple[str, ...]:
        return values.each(document, fields.get(name), f"{what}.{name}", read)

    def count(name: str) -> int | None:
        at = fields.get(name)
        path = f"{what}.{name}"
        return None if at is None else document.whole(at, path, (1, COUNT_MAX), 1)

    def share(name: str, top: float) -> float | None:
        return values.share(document, fields.get(name), f"{what}.{name}", top)

    behaviour = str if known.behaviours is None else values.one_of(known.behaviours, "behaviour")
    within = devices(document, fields, what, known, _WITHIN)
    asked = Match(
        roles=texts("roles", str),
        decisions=texts("decisions", values.one_of(DECISIONS, "decision")),
        min_confidence=share("min_confidence", 1.0),
        anomalies=texts("anomalies", values.one_of(ANOMALIES, "anomaly")),
        behaviours=texts("behaviours", behaviour),
        novelty=share("novelty", SCORE_MAX),
        change=share("change", SCORE_MAX),
        windows=_windows(document, fields.get("windows"), f"{what}.windows"),
        min_packets=count("min_packets"),
        min_sessions=count("min_sessions"),
        min_captures=count("min_captures"),
        within=None if within == Devices() else within,
        hours=values.hours(document, fields.get("hours"), f"{what}.hours"),
        sources=texts("sources", str),
        randomised=(
            document.flag(fields["randomised"], f"{what}.randomised")
            if "randomised" in fields
            else None
        ),
        os=texts("os", str),
    )
    if asked.windows is not None and not asks_of_captures(asked):
        text = "counts captures that are as the rule asks, and it asks nothing of them"
        document.note(fields["windows"], f"{what}.windows", text)
    return _usual(asked)


def asks_of_captures(asked: Match) -> bool:
    """Whether a rule asks anything that a judged capture tells."""
    return bool(asked.behaviours) or _asks_verdict(asked) or _asks_size(asked)


def _asks_verdict(asked: Match) -> bool:
    scores = (asked.min_confidence, asked.novelty, asked.change)
    named = asked.roles or asked.decisions or asked.anomalies
    return bool(named) or any(score is not None for score in scores)


def _asks_size(asked: Match) -> bool:
    return asked.min_packets is not None or asked.min_sessions is not None


def _usual(asked: Match) -> Match:
    """Fill in what a rule does not say: a role is a known one; one capture is not enough."""
    if (asked.roles or asked.min_confidence is not None) and not asked.decisions:
        asked = replace(asked, decisions=("known",))
    if asked.windows is None and not asked.behaviours and _asks_verdict(asked):
        asked = replace(asked, windows=USUAL_WINDOWS)
    return asked


def _windows(document: Document, node: Node | None, what: str) -> AtLeast | None:
    if node is None:
        return None
    before = len(document.problems)
    fields = document.fields(node, what, ("at_least", "of"))
    for name in ("at_least", "of"):
        if name not in fields and len(document.problems) == before:
            document.note(node, f"{what}.{name}", "is missing")
    least = document.whole(fields.get("at_least"), f"{what}.at_least", (1, WINDOWS_KEPT), 1)
    of = document.whole(fields.get("of"), f"{what}.of", (1, WINDOWS_KEPT), WINDOWS_KEPT)
    if least > of:
        document.note(fields["at_least"], f"{what}.at_least", f"more than of: {of}")
    return AtLeast(least, of)
