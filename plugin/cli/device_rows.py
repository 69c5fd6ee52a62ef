"""Devices as rows: which are wanted, in which order, and what each row says. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.cli import case_rows
from plugin.cli.asking import ago
from plugin.cli.columns import Cell
from plugin.cli.entries import UNDETERMINED
from plugin.policy.decision import decision_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Document = Mapping[str, Any]

STATES = (
    *case_rows.SHOWN, "suspect", "protected", "undetermined", "unknown", "mirrored", "classifying",
    "ok", "ignored", "gone",
)  # fmt: skip
"""In the order in which they deserve a look."""
STYLES = case_rows.STYLES | {
    "suspect": "red", "protected": "yellow", "undetermined": "yellow", "ok": "green", "gone": "dim",
}  # fmt: skip
ODD = frozenset({"anomalous", "changed", "novel"})
KEPT = 2
"""Columns from the first on that a narrow terminal does not narrow: what one copies from there."""
HEADER = ("device", "address", "port", "state", "role", "conf", "anomaly", "seen", "why")
DECISION = "decision"
"""A column after the state, where something is decided about one of the devices."""
SORTS = ("state", "port", "role", "seen", "device")


class Filter(NamedTuple):
    """Which devices are wanted; what is None or empty lets all through."""

    states: frozenset[str] = frozenset()
    role: str | None = None
    port: str | None = None
    """``DP``, ``DP:PORT``, or a port's number on any switch."""
    anomalous: bool = False

    def wants(self, device: Document) -> bool:
        """Whether a device is wanted."""
        if self.states and device["state"] not in self.states:
            return False
        if self.anomalous and _anomaly(device) not in ODD:
            return False
        if self.role is not None and self.role.casefold() != role_of(device).casefold():
            return False
        return self.port is None or self.port in _ports(device)


def _ports(device: Document) -> set[str]:
    dp, port = str(device["dp"]), str(device["port"])
    return {dp, port, f"{dp}:{port}"}


def _case(device: Document) -> Document | None:
    """What is decided about a device; None: nothing is, or no longer."""
    case: Document | None = device.get("case")
    return None if case is None or case["state"] == case_rows.OVER else case


def _decision(device: Document, now: float) -> Cell:
    """Which case does what, until when, and how far that has come."""
    case = _case(device)
    if case is None:
        return Cell("-")
    return Cell(case_rows.brief(case, now), case_rows.STYLES.get(case["state"], ""))


def role_of(device: Document) -> str:
    """The role, if it is known; else why it is not, in a word."""
    role = device["role"]
    if role is None:
        return "-"
    return str(role["labels"][0] if role["decision"] == "known" else role["decision"])


def _anomaly(device: Document) -> str:
    anomaly = device["anomaly"]
    # Undetermined is who did nothing bad: a column that says so of everybody says nothing.
    none = anomaly is None or anomaly["verdict"] == UNDETERMINED
    return "-" if none else str(anomaly["verdict"])


def _place(device: Document) -> str:
    return "-" if device["dp"] is None else f"{device['dp']}:{device['port']}"


def _confidence(device: Document) -> str:
    role = device["role"]
    if role is None or role["decision"] != "known":
        return "-"
    return f"{role['confidences'][0]:.2f}"


def _rank(state: str) -> int:
    return STATES.index(state) if state in STATES else len(STATES)


_KEYS: dict[str, Callable[[Document], tuple[Any, ...]]] = {
    "state": lambda d: (_rank(d["state"]), -d["last_seen"]),
    "port": lambda d: (d["dp"] or "", d["port"] or 0),
    "role": lambda d: (role_of(d).casefold(),),
    "seen": lambda d: (-d["last_seen"],),
    "device": lambda d: (d["mac"],),
}


def ordered(devices: Iterable[Document], sort: str) -> list[Document]:
    """Sort devices; those that are equal stand in the order of their MACs."""
    key = _KEYS[sort]
    return sorted(devices, key=lambda d: (*key(d), d["mac"]))


def row(device: Document, now: float) -> tuple[Cell, ...]:
    """A device's row of the table.

    Args:
        device: its document.
        now: the time, for how long ago it was seen.
    """
    odd = _anomaly(device)
    return (
        Cell(device["mac"]),
        Cell(device["addresses"][0] if device["addresses"] else "-"),
        Cell(_place(device)),
        Cell(device["state"], STYLES.get(device["state"], "")),
        Cell(role_of(device)),
        Cell(_confidence(device)),
        Cell(odd, "red" if odd in ODD else ""),
        Cell(ago(now - device["last_seen"])),
        Cell(device["why"] or ""),
    )


def table(
    devices: Sequence[Document], now: float
) -> tuple[tuple[str, ...], list[tuple[Cell, ...]]]:
    """The header and rows of a table; with what is decided, if anything is.

    Args:
        devices: their documents, in order.
        now: the time.
    """
    rows = [row(device, now) for device in devices]
    if all(_case(device) is None for device in devices):
        return HEADER, rows
    after = HEADER.index("state") + 1
    decided = [(_decision(device, now),) for device in devices]
    both = zip(rows, decided, strict=True)
    return (
        (*HEADER[:after], DECISION, *HEADER[after:]),
        [(*cells[:after], *cell, *cells[after:]) for cells, cell in both],
    )


def line(device: Document) -> str:
    """What has changed about a device, as one line of text."""
    confidence, anomaly = _confidence(device), _anomaly(device)
    role = f"role {role_of(device)}" if confidence == "-" else f"{role_of(device)} {confidence}"
    told = [device["mac"], _place(device), device["state"]]
    told += [] if device["role"] is None else [role]
    told += [] if anomaly == "-" else [anomaly]
    return "  ".join([*told, device["why"] or ""]).rstrip()


def alarm_line(event: Document) -> str:
    """An alarm as one line of text."""
    about = f" {event['mac']}" if event["mac"] else ""
    return f"alarm {event['alarm']}{about}: {event['text']}"


def decision_line(decision: Document) -> str:
    """A decision's document as one line of text."""
    return f"decision {decision['mac']}: {decision_words(decision)}"
