"""What a running Halia says of one device, as its journal has it."""

from __future__ import annotations

from plugin.ml.behaviour.finding import Finding, Found
from plugin.ml.verdict import Anomaly, Role, Verdict, finding_document, to_document
from plugin.offline.history import Told
from plugin.registry import Device, Location
from plugin.registry import to_document as device_document

MAC = "02:00:00:00:00:07"
ROLE = Role("known", ("Printer", "Camera", "Unknown"), (0.9, 0.1, 0.0), "m1", None)
SECOND = 1_000_000_000


def device(time: float, *, mac: str = MAC, port: int = 7, name: str | None = None) -> Told:
    one = Device(
        mac=mac,
        location=Location("sw1", port, 100),
        addresses=("10.0.0.7",),
        first_seen=time,
        last_seen=time,
        name=name,
    )
    return Told(time, "device", device_document(one))


def gone(time: float, mac: str = MAC) -> Told:
    return Told(time, "gone", {"mac": mac})


def twice(time: float, mac: str = MAC) -> Told:
    return Told(time, "alarm", {"alarm": "twice", "mac": mac, "text": "heard in turn"})


def verdict(
    time: float,
    capture: str,
    *,
    mac: str = MAC,
    role: Role = ROLE,
    anomaly: Anomaly | None = None,
) -> Told:
    one = Verdict(
        mac=mac,
        ips=("10.0.0.7",),
        source=f"/captures/{capture}",
        packets=500,
        sessions=50,
        start_ns=0,
        end_ns=int(time * SECOND),
        role=role,
        roles=(),
        warnings=(),
        anomaly=anomaly,
    )
    said = {"mac": mac, "capture": capture, "message_id": f"v-{capture}"}
    return Told(time, "verdict", {**said, "verdict": to_document(one)})


def finding(time: float, found: Finding, *, mac: str = MAC) -> Told:
    at = Found(int(time * SECOND), mac, found)
    document = finding_document(mac, ("10.0.0.7",), "c", None, at)
    body = {"mac": mac, "capture": "c", "message_id": f"f-{found.name}-{time:g}"}
    return Told(time, "finding", {**body, "verdict": document})
