"""Cases in words: a row of the table, what each state and proof means. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.cli.asking import ago
from plugin.cli.columns import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Document = Mapping[str, Any]

HEADER = ("no", "device", "state", "action", "rule", "until", "proof", "why")
KEPT = 2
"""Columns that a narrow terminal does not narrow: what one copies from there."""
STANDING = ("isolated", "isolating", "releasing")
"""States in which something stands at the switches, or may."""
PROVABLE = frozenset({"isolated", "isolating"})
SHOWN = (*STANDING, "pending")
"""States that say more of a device than what it was judged to be."""
OVER = "over"
_HALIA = "halia"
_RELEASED = "released"
"""In the place of an end: it has none but a release."""
STYLES = {"isolated": "red", "isolating": "red", "releasing": "yellow", "pending": "yellow"}
STATES = {
    "simulated": "a rule would have acted and did not: it is on trial, or nothing new is enforced",
    "observed": "a rule watches it or tells of it; nothing is taken from it",
    "delayed": "a rule matches, and waits a while before it acts",
    "pending": "a rule asks whether it may act",
    "isolating": "its isolation is on its way to the switches",
    "isolated": "it is isolated",
    "releasing": "it is being let out",
    "released": "it was let out; rules that are no harder leave it alone for a while",
    "over": "nothing is decided about it any more",
}
PROOFS = {
    "none": "ordered, and not in Faucet's file yet",
    "written": "written to Faucet's file; Faucet has not said that it has loaded it",
    "loaded": "loaded by Faucet; not read back from the switches",
    "proven": "proven: read back from every hooked port",
}
FLOODS = (
    "broadcasts, multicasts and what is sent to addresses that nobody has heard of still reach it;"
    " only moving its port to another VLAN ends that (--action revlan:NAME, where it is alone at"
    " its port)"
)
_FLOODED = frozenset({"quarantine", "block"})
_ORDER = (*SHOWN, "delayed", "observed", "released", "simulated")


def ordered(cases: Iterable[Document]) -> list[Document]:
    """Sort cases: those first that deserve a look, the last ones of each state first."""
    return sorted(cases, key=lambda case: (_rank(case["state"]), -case["number"]))


def row(case: Document, now: float) -> tuple[Cell, ...]:
    """A case's row of the table."""
    state = str(case["state"])
    name = f" {case['name']}" if case.get("name") else ""
    return (
        Cell(str(case["number"])),
        Cell(f"{case['mac']}{name}"),
        Cell(state, STYLES.get(state, "")),
        Cell(action_of(case)),
        Cell(source_of(case)),
        Cell(left(case, now)),
        Cell(case["proof"] if state in PROVABLE else "-"),
        Cell("; ".join([str(case["reason"]), *map(str, case["notes"])])),
    )


def action_of(case: Document) -> str:
    """The action as ``--action`` takes it."""
    found = case["action"]
    if isinstance(found, str):
        return found
    kind = found["kind"]
    if kind == "limit":
        return f"limit:{found['rate']}k"
    return f"revlan:{found['vlan']}" if kind == "revlan" else str(kind)


def source_of(case: Document) -> str:
    """What began it: a rule's name, else how it came."""
    if case["origin"] == "operator":
        return "(by hand)"
    if case["origin"] == "found":
        return "(found in the file)"
    rule = case["rule"] or "-"
    return f"{rule} (its port)" if case["origin"] == "port" else str(rule)


def left(case: Document, now: float) -> str:
    """How long its state lasts still: ``in 45 min``."""
    state = case["state"]
    if state == "releasing":
        return "-"
    end = case["until"] if state in STANDING else case.get("deadline")
    if end is None:
        return _RELEASED if state in STANDING else "-"
    return f"in {ago(end - now)}" if end > now else "now"


def brief(case: Document, now: float) -> str:
    """A case in a few words: ``7: quarantine by scanners, in 45 min, proven``."""
    state = str(case["state"])
    end = left(case, now)
    said = [f"{case['number']}: {action_of(case)} by {_who(case)}"]
    if state in PROVABLE:
        said += ["until released" if end == _RELEASED else end, _proof(case)]
    elif state == "pending":
        said.append("approve or deny it")
    else:
        said.append(_BRIEF.get(state, state))
    return ", ".join(said)


def _who(case: Document) -> str:
    """Who wanted it; of an order the last step may be Halia's, and the journal has the name."""
    ours = case["origin"] == "operator" and case["actor"] == _HALIA
    return "hand" if ours else str(case["rule"] or case["actor"])


def _proof(case: Document) -> str:
    """How far it has come, in a word; never more than is so."""
    proof = str(case["proof"])
    return proof if proof == "proven" else f"not proven ({_REACHED.get(proof, proof)})"


_BRIEF = {
    "simulated": "only simulated",
    "observed": "nothing is taken",
    "delayed": "waits",
    "releasing": "being let out",
    "released": "let out",
}
_REACHED = {"none": "not written", "written": "written", "loaded": "loaded"}


def flooded(case: Document) -> str | None:
    """The sentence about floods, where they still reach an isolated device."""
    stands = case["state"] in STANDING
    return FLOODS if stands and action_of(case).partition(":")[0] in _FLOODED else None


def _rank(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)
