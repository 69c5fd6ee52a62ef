"""Everything that is known of one device, in words for a help desk. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.cli import case_page, case_rows
from plugin.cli.asking import ago
from plugin.cli.columns import labelled, paint
from plugin.cli.device_rows import ODD, STYLES
from plugin.cli.entries import UNDETERMINED, flat, sentence
from plugin.errors import printable
from plugin.records import iso_second

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Document = Mapping[str, Any]

WORDS = {state: case_rows.STATES[state] for state in case_rows.SHOWN} | {
    "unknown": "nothing of its traffic was seen yet",
    "mirrored": "its traffic is being recorded",
    "classifying": "a recording of its traffic is being judged",
    "ok": "nothing speaks against it",
    "suspect": "it does what it should not",
    "undetermined": "too little was seen to judge it",
    "gone": "it has left the network",
    "ignored": "the settings say that it is left alone",
    "protected": "it does what it should not, and the policy says that it is never isolated",
}
_VERDICTS = {
    "normal": "it behaves as such devices do",
    "novel": "it is unlike what is known of its role, or of no known role; new is not bad",
    "changed": "it behaves otherwise than before; a change is not bad by itself",
    "anomalous": "it does what no such device should",
}
LEAST_SHOWN = 0.01


def page(device: Document, now: float, *, width: int | None, colour: bool) -> str:
    """Tell all about a device.

    Args:
        device: its document, with ``history``.
        now: the time.
        width: the terminal's; None: lines are not wrapped.
        colour: whether to use colours.
    """
    name = "" if device["name"] is None else f"  {printable(device['name'])}"
    lines = [paint(f"{printable(device['mac'])}{name}", "bold", colour=colour)]
    for label, text, style in _facts(device, now):
        lines += labelled(label, text, style, width=width, colour=colour)
    history = list(device.get("history") or ())
    if history:
        lines += ["", "history, the last first"]
        for entry in history:
            when = iso_second(entry["time"])
            told = f"{entry['kind']}: {sentence(entry['kind'], entry['body'])}"
            lines += labelled(when, told, "", width=width, colour=colour)
    return "\n".join(lines) + "\n"


def _facts(device: Document, now: float) -> Iterator[tuple[str, str, str]]:
    """Label, text and style of each line."""
    state = str(device["state"])
    yield "where", _where(device), ""
    yield "addresses", ", ".join(device["addresses"]) or "none was seen", ""
    yield "maker", _maker(device), ""
    yield "first seen", _seen(device["first_seen"], now), ""
    yield "last seen", _seen(device["last_seen"], now), ""
    words = WORDS.get(state, "a state of a newer Halia")
    yield "state", f"{state}: {words}", STYLES.get(state, "")
    yield "why", str(device["why"] or "-"), ""
    yield from _decision(device.get("case"), now)
    yield from _role(device["role"])
    yield from _anomaly(device["anomaly"])
    yield from _past(device.get("past"), now)
    captures = device["captures"]
    last = f", the last in {device['last_capture']}" if device["last_capture"] else ""
    yield "recordings", f"{captures} judged{last}", ""
    copied = "is copied to Halia" if device["mirrored"] else "is not copied to Halia now"
    yield "mirror", f"its traffic {copied}", ""


def _decision(case: Document | None, now: float) -> Iterator[tuple[str, str, str]]:
    """What is decided about it, how far that has come, and what it does not do."""
    if case is not None and case["state"] != case_rows.OVER:
        yield from case_page.standing(case, now)


def _where(device: Document) -> str:
    if device["dp"] is None:
        return "not told by Faucet: only the mirror port has shown it"
    return f"switch {device['dp']}, port {device['port']}, VLAN {device['vid']}"


def _maker(device: Document) -> str:
    if device["vendor"]:
        return str(device["vendor"])
    if device["randomised"]:
        return "not to be told: it made its MAC address up, as phones and laptops do for privacy"
    return "not known from its MAC address"


def _role(role: Document | None) -> Iterator[tuple[str, str, str]]:
    if role is None:
        yield "role", "not judged yet", ""
        return
    pairs = zip(role["labels"], role["confidences"], strict=True)
    likely = [f"{label} ({p:.0%} sure)" for label, p in pairs if p >= LEAST_SHOWN]
    if role["decision"] == "known":
        yield (
            "role",
            f"{likely[0] if likely else role['labels'][0]}, says model {role['model']}",
            "",
        )
        likely = likely[1:]
    else:
        why = f": {role['reason']}" if role["reason"] else ""
        yield "role", f"{role['decision']}{why} (model {role['model']})", "yellow"
    if likely:
        yield "or rather", ", ".join(likely), ""


def _anomaly(anomaly: Document | None) -> Iterator[tuple[str, str, str]]:
    if anomaly is None:
        yield "behaviour", "not judged yet", ""
        return
    verdict = str(anomaly["verdict"])
    if verdict == UNDETERMINED:  # behaviours have a name: finding none makes nobody normal
        yield "behaviour", "no bad behaviour found", ""
        yield from _compared(anomaly)
        return
    style = "red" if verdict in ODD else ""
    yield "behaviour", f"{verdict}: {_VERDICTS.get(verdict, 'as a newer Halia says')}", style
    yield from _compared(anomaly)
    for finding in anomaly["behaviour"]:
        yield from _finding("found", finding)


def _compared(anomaly: Document) -> Iterator[tuple[str, str, str]]:
    """How it is against what is known of its role, and against its own past."""
    for kind in ("novelty", "change"):
        if anomaly[kind] is not None:
            yield from _finding(kind, anomaly[kind])


def _past(past: Document | None, now: float) -> Iterator[tuple[str, str, str]]:
    """How much is known of how it was."""
    if past is None:
        return
    windows = f"{past['windows']} windows of its own since {iso_second(past['since'])}"
    if past["warm"]:
        waits = past["waiting"]
        more = f"; {waits} changed ones are not taken for usual yet" if waits else ""
        yield "its past", f"{windows}; it is compared with them{more}", ""
        return
    needs, age = past["needs"], max(0.0, now - past["since"])
    span = "" if age >= needs["seconds"] else f" over {ago(needs['seconds'])}"
    wanted = f"{needs['windows']} windows{span} are needed"
    yield "its past", f"{windows}; it only learns yet: {wanted}", ""


def _finding(label: str, finding: Document) -> Iterator[tuple[str, str, str]]:
    reasons = "; ".join(map(str, finding["reasons"])) or "no reason was given"
    measure = f"score {finding['score']:g}, odd from {finding['threshold']:g} on"
    yield label, f"{finding['name']}: {reasons} ({measure})", ""
    for evidence in finding["evidence"]:
        yield "evidence", flat(evidence), ""


def _seen(when: float, now: float) -> str:
    return f"{iso_second(when)}, {ago(now - when)} ago"
