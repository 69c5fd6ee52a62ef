"""A service with devices of a test's own, and a control server that serves it."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.control.server import ControlServer, Limits
from plugin.control.service import answers
from plugin.control.whom import Known, whom
from plugin.errors import DeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator

PRINTER, LAPTOP, GHOST = "00:1b:a9:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
NOW = 1_700_000_000.0


def device(mac: str, **fields: Any) -> dict[str, Any]:
    """A device's document, as the contract with the daemon has it."""
    document: dict[str, Any] = {
        "mac": mac, "dp": "sw1", "port": 1, "vid": 100, "addresses": ["10.0.0.11"],
        "vendor": None, "name": None, "randomised": False, "first_seen": NOW - 3600,
        "last_seen": NOW - 5, "learned": True, "state": "unknown", "mirrored": False, "role": None,
        "anomaly": None, "captures": 0, "last_capture": None, "why": "It was just heard of.",
    }  # fmt: skip
    return document | fields


def role(label: str, confidence: float, decision: str = "known") -> dict[str, Any]:
    return {
        "decision": decision,
        "labels": [label, "Unknown", "Unknown"],
        "confidences": [confidence, 0.0, 0.0],
        "model": "device",
        "reason": None if decision == "known" else "it is below the model's threshold of 0.60",
    }


SCAN = {
    "name": "horizontal-scan",
    "score": 412.0,
    "threshold": 30.0,
    "reasons": ["412 hosts on port 445 in 60 s"],
    "evidence": [{"port": 445, "hosts": 412}],
}


def office() -> list[dict[str, Any]]:
    """Three devices: one well known, one that scans, one nobody knows."""
    return [
        device(
            PRINTER, port=1, vendor="Brother", state="ok", mirrored=True, captures=3,
            role=role("Printer", 0.97), last_capture="trace_a_2023.pcap",
            anomaly={"verdict": "normal", "novelty": None, "change": None, "behaviour": []},
            why="It behaves as the printer that it is.",
        ),
        device(
            LAPTOP, port=2, addresses=["10.0.0.12", "fe80::2"], randomised=True, state="suspect",
            mirrored=True, captures=1, role=role("Workstation", 0.81), name="ann-laptop",
            last_seen=NOW - 120,
            anomaly={"verdict": "anomalous", "novelty": None, "change": None, "behaviour": [SCAN]},
            why="It asked 412 hosts on port 445 within 60 s, as worms and people who look for"
            " open file shares do.",
        ),
        device(GHOST, dp="sw2", port=7, addresses=[], last_seen=NOW - 7200),
    ]  # fmt: skip


STATUS: dict[str, Any] = {
    "version": "0.1", "pid": 4711, "started": NOW - 93_784.0, "uptime": 93_784.0,
    "devices": {"known": 3},
    "feed": {"source": "/var/run/faucet/faucet.sock", "connected": True, "events": 12},
    "capture": {"iface": "mirror0", "frames": 1_000, "drops": 0},
    "judge": {"waiting": 0, "judged": 4},
    "broker": None,
    "spool": {"waiting": 0, "bytes": 0},
}  # fmt: skip


def case(number: int = 1, mac: str = LAPTOP, **fields: Any) -> dict[str, Any]:
    """A case's document."""
    document: dict[str, Any] = {
        "number": number, "cookie": number, "mac": mac, "state": "isolated",
        "action": {
            "kind": "quarantine", "rate": None, "vlan": None,
            "allow": [{"kind": "dhcp", "address": None}], "redirect": False,
        },
        "rule": "scanners", "origin": "rule", "actor": "scanners", "reason": "it scans",
        "evidence": ["f-1"], "models": [], "policy": "ab" * 32, "opened": NOW - 60,
        "changed": NOW - 50, "deadline": NOW + 3600, "until": NOW + 3600, "duration": 3600.0,
        "step": 0, "proof": "proven", "place": {"dp": "sw1", "port": 2, "vid": 100},
        "addresses": ["10.0.0.12"],
        "scope": "device", "parent": None, "grace": 600.0, "notes": [], "name": None,
    }  # fmt: skip
    return document | fields


def step(after: dict[str, Any], before: str | None = None, why: str = "ordered") -> dict[str, Any]:
    """A step of a case."""
    return {"case": after, "before": before, "why": why}


class Office:
    """What the daemon's app brings, with an office in it."""

    def __init__(self, devices: list[dict[str, Any]] | None = None) -> None:
        self.found = office() if devices is None else devices
        self.state = dict(STATUS)
        self.orders: list[tuple[str, dict[str, Any]]] = []
        """What was ordered, with the actor."""
        self.steps: list[dict[str, Any]] = []
        """What every order is answered with."""
        self.looks: list[list[dict[str, Any]]] = [[]]
        """The cases at each look; the last ones stay."""
        self.denied: str | None = None
        self.explained: dict[str, Any] | None = None

    def status(self) -> dict[str, Any]:
        return self.state

    def devices(self) -> list[dict[str, Any]]:
        return self.found

    def device(self, key: str) -> dict[str, Any] | None:
        mac = whom(key, [Known(one["mac"], one["addresses"], one["name"]) for one in self.found])
        for one in self.found:
            if one["mac"] == mac:
                finding = {"mac": one["mac"], "capture": "t.pcap", "verdict": {"kind": "finding"}}
                return one | {"history": [{"time": NOW - 9, "kind": "finding", "body": finding}]}
        return None

    def decisions(self, *, over: bool) -> list[dict[str, Any]]:
        cases = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [one for one in cases if over or one["state"] != "over"]

    def explain(self, key: str) -> dict[str, Any] | None:
        return self.explained if self.device(key) is not None else None

    def isolate(
        self, key: str, action: str, seconds: float | None, *, actor: str, reason: str
    ) -> list[dict[str, Any]]:
        words = {"key": key, "action": action, "seconds": seconds}
        return self._order("isolate", actor=actor, reason=reason, **words)

    def release(self, key: str | None, *, actor: str, reason: str) -> list[dict[str, Any]]:
        return self._order("release", key=key, actor=actor, reason=reason)

    def answer(
        self, number: int, *, approve: bool, actor: str, reason: str
    ) -> list[dict[str, Any]]:
        return self._order("answer", number=number, approve=approve, actor=actor, reason=reason)

    def extend(
        self, number: int, seconds: float, *, actor: str, reason: str
    ) -> list[dict[str, Any]]:
        return self._order("extend", number=number, seconds=seconds, actor=actor, reason=reason)

    def thaw(self, *, actor: str, reason: str) -> list[dict[str, Any]]:
        return self._order("thaw", actor=actor, reason=reason)

    def _order(self, name: str, **words: Any) -> list[dict[str, Any]]:
        self.orders.append((name, words))
        if self.denied is not None:
            raise DeniedError(self.denied)
        return self.steps


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach (pytest's own are closed)."""
    folder = Path(tempfile.mkdtemp(prefix="halia-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def serving(
    path: Path,
    service: Office | None = None,
    *,
    group: str | None = None,
    limits: Limits = Limits(),  # noqa: B008  # it is frozen
) -> Iterator[ControlServer]:
    """A daemon's control socket, as long as the block lasts."""
    server = ControlServer(path, answers(service or Office()), group=group, limits=limits)
    server.start()
    try:
        yield server
    finally:
        server.stop()
