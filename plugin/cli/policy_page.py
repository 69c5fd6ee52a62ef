"""What a policy says about a device and why, as a page for a help desk. Computes only."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from plugin.cli.columns import paint
from plugin.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INDENT = "    "


def page(document: Mapping[str, Any], *, width: int | None, colour: bool) -> str:
    """Tell which rule applies, and why the others do not.

    Args:
        document: of :func:`plugin.policy.explain.to_document`.
        width: the terminal's; None: lines are not wrapped.
        colour: whether to use colours.
    """
    name = "" if document["name"] is None else f"  {printable(document['name'])}"
    lines = [paint(f"{printable(document['mac'])}{name}", "bold", colour=colour)]
    lines += _wrapped(_verdict(document), "", width)
    lines += [line for note in document["notes"] for line in _wrapped(note, "", width)]
    for rule in document["rules"]:
        style = "green" if rule["applies"] else "dim"
        lines += ["", paint(_heading(rule), style, colour=colour)]
        lines += [line for text in _told(rule) for line in _wrapped(text, _INDENT, width)]
    return "\n".join(lines) + "\n"


def _verdict(document: Mapping[str, Any]) -> str:
    enforced, simulated = document["enforced"], document["simulated"]
    if enforced is not None:
        tried = "" if simulated is None else f"; on trial: {printable(simulated)}"
        held = "" if document["held"] is None else f", but {document['held']}"
        return f"the rule {printable(enforced)} decides{held}{tried}"
    if simulated is not None:
        return f"nothing is done; the rule {printable(simulated)} is only tried and would act"
    return "no rule applies: nothing is done"


def _heading(rule: Mapping[str, Any]) -> str:
    mark = "applies" if rule["applies"] else "does not apply"
    return printable(f"{rule['rule']}: {rule['action']}, {rule['mode']}: {mark}")


def _told(rule: Mapping[str, Any]) -> Iterator[str]:
    if not rule["applies"]:
        yield f"because {printable(rule['missing'])}"
        return
    for reason in rule["reasons"]:
        yield f"because {printable(reason)}"
    if rule["evidence"]:
        yield f"evidence: {printable(', '.join(rule['evidence']))}"
    if rule["words"]:
        yield f"the rule says: {printable(rule['words'])}"
    yield printable(rule["outcome"])


def _wrapped(text: str, indent: str, width: int | None) -> list[str]:
    clean = printable(text)
    if width is None:
        return [f"{indent}{clean}"]
    more = f"{indent}  "
    lines = textwrap.wrap(clean, width, initial_indent=indent, subsequent_indent=more)
    return lines or [indent]
