"""Journals of made-up devices, as ``halia run`` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from plugin.audit.chain import Entry
from plugin.audit.journal import Journal
from plugin.policy import remembered
from plugin.registry import Device, Location, to_document
from tests import playbook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from plugin.policy.cases import State

Told = tuple[str, dict[str, Any]]
"""Kind and body of an entry."""


def mac(number: int) -> str:
    return f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def device(
    number: int, *, name: str | None = None, vendor: str | None = "Maker", **more: Any
) -> Told:
    one = Device(
        mac=mac(number),
        location=Location("sw1", number % 48 + 1, 100),
        addresses=(f"10.0.{number >> 8 & 255}.{number & 255}", "fe80::1"),
        first_seen=1_700_000_000.123456,
        last_seen=1_700_000_000.123456 + number,
        moves=(1.5,),
        name=name,
    )
    return "device", {**to_document(one), "vendor": vendor, **more}


def gone(number: int) -> Told:
    return "gone", {"mac": mac(number)}


def document(number: int, label: str = "Printer", decision: str = "known") -> dict[str, Any]:
    role = {"decision": decision, "labels": [label]}
    return {"schema": 1, "mac": mac(number), "role": role, "anomaly": None}


def verdict(number: int, capture: str, label: str = "Printer", decision: str = "known") -> Told:
    body = {"mac": mac(number), "capture": capture, "message_id": f"v-{capture}"[:64]}
    return "verdict", {**body, "verdict": document(number, label, decision)}


def finding(number: int, capture: str | None, behaviour: str = "scan") -> Told:
    body = {"mac": mac(number), "capture": capture, "message_id": f"f-{capture}"[:64]}
    said = {**document(number), "kind": "finding", "anomaly": {"behaviour": [behaviour]}}
    return "finding", {**body, "verdict": said}


def unjudged(number: int, capture: str) -> Told:
    return "unjudged", {"mac": mac(number), "capture": capture, "reason": "empty"}


def alarm(kind: str = "twice", about: str | None = None) -> Told:
    return "alarm", {"alarm": kind, "mac": about, "text": "one MAC on two ports"}


def case(case_number: int, state: str = "isolated", about: int = 1, **more: Any) -> dict[str, Any]:
    """A case as the journal has it."""
    fields = {"number": case_number, "mac": mac(about), "cookie": case_number, **more}
    return remembered.to_document(playbook.case(cast("State", state), **fields))


def decision(case_number: int, state: str = "isolated", about: int = 1, **more: Any) -> Told:
    body = {"case": case(case_number, state, about, **more), "before": None, "why": "it scans"}
    return "decision", body


def caps(frozen: str | None) -> Told:
    return "caps", {"frozen": frozen}


def write(
    folder: Path, *told: Told, start: float = 1_700_000_000.0, size: int = 1 << 20
) -> list[Entry]:
    """Append to the journal of a folder, a second an entry."""
    with Journal(folder, segment_bytes=size) as journal:
        first = 1 if journal.last is None else journal.last.number + 1
        return [
            journal.append(time=start + first + i, kind=kind, actor="halia", body=body)
            for i, (kind, body) in enumerate(told)
        ]


def numbers(entries: Iterable[Entry]) -> list[int]:
    return [entry.number for entry in entries]
