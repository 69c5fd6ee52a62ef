"""All that is decided about one device in one case, in words for a help desk. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.cli import case_rows
from plugin.cli.columns import labelled, paint
from plugin.errors import printable
from plugin.policy.decision import left_alone
from plugin.records import iso_second

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Document = Mapping[str, Any]
    Fact = tuple[str, str, str]
    """Label, text and style of a line."""


def page(case: Document, now: float, *, width: int | None, colour: bool) -> str:
    """Tell all about a case.

    Args:
        case: its document, with ``name`` of its device.
        now: the time.
        width: the terminal's; None: lines are not wrapped.
        colour: whether to use colours.
    """
    name = "" if case.get("name") is None else f"  {printable(case['name'])}"
    head = f"case {case['number']}: {printable(case['mac'])}{name}"
    lines = [paint(head, "bold", colour=colour)]
    for label, text, style in (*standing(case, now), *_grounds(case)):
        lines += labelled(label, text, style, width=width, colour=colour)
    return "\n".join(lines) + "\n"


def standing(case: Document, now: float) -> Iterator[Fact]:
    """Tell what is decided, until when, how far that has come, and what it does not do.

    Args:
        case: its document, whole or as it stands in its device's.
        now: the time.
    """
    state, number = str(case["state"]), case["number"]
    words = case_rows.STATES.get(state, "as a newer Halia says")
    style = case_rows.STYLES.get(state, "")
    yield "decision", f"case {number}, {case_rows.action_of(case)}: {words}", style
    yield "began by", case_rows.source_of(case), ""
    if state == "pending":
        words = "halia decisions {} {} --reason TEXT"
        yield "answer", f"{words.format('approve', number)}, or {words.format('deny', number)}", ""
    if state in case_rows.PROVABLE:
        if case["until"] is None:
            yield "ends", "when somebody releases it: halia release DEVICE --reason TEXT", ""
        else:
            yield "ends", f"{iso_second(case['until'])}, {case_rows.left(case, now)}", ""
        proof = str(case["proof"])
        style = "" if proof == "proven" else "yellow"
        yield "proof", case_rows.PROOFS.get(proof, proof), style
    elif case.get("deadline") is not None:
        no = ": without an answer it is a no" if state == "pending" else ""
        yield "ends", f"{iso_second(case['deadline'])}, {case_rows.left(case, now)}{no}", ""
    if state == "released":
        yield "but", left_alone(case_rows.action_of(case), case.get("deadline"), number), "yellow"
    for note in case["notes"]:
        yield "but", str(note), "yellow"
    floods = case_rows.flooded(case)
    if floods is not None:
        yield "but", floods, "yellow"


def _grounds(case: Document) -> Iterator[Fact]:
    """Who decided it, why, and on which evidence."""
    yield "reason", str(case["reason"]), ""
    yield "last step", f"{iso_second(case['changed'])}, by {case['actor']}", ""
    yield "opened", iso_second(case["opened"]), ""
    if case["evidence"]:
        yield "evidence", " ".join(map(str, case["evidence"])), ""
    if case["models"]:
        yield "models", " ".join(map(str, case["models"])), ""
    if case["policy"]:
        yield "policy", str(case["policy"]), ""
    if case["parent"] is not None:
        yield "began with", f"case {case['parent']}, of its port", ""
    yield "the trail", f"halia audit show {case['mac']}", ""
