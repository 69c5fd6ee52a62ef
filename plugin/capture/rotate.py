"""What to do with the files of a capture: names, when a file is finished, which go. Computes only.

Each device has one open file; it is finished when it is large or old enough. Finished files go,
oldest first, when they are too old, too many bytes, or the disk has too little room left.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

PART = ".part"
"""What the name of an open file ends with."""
_NAME = re.compile(
    r"trace_([\da-f]{12}|[\da-f]{40}|[\da-f]{64})_\d{4}-\d\d-\d\d_\d\d_\d\d_\d\d\.pcap"
)
_MAC_DIGITS = 12
_IDENT = re.compile(r"[\da-f]{12}|[\da-f]{40}|[\da-f]{64}")


class Limits(NamedTuple):
    """How large and how old; 0 = no such limit. Sizes are bytes, times are seconds."""

    rotate_size: int = 100 << 20
    """A file this large is finished (at most one a second and device: names have whole seconds)."""
    rotate_time: float = 900.0
    """A file this old is finished."""
    quota: int = 10 << 30
    """Bytes of all files together."""
    device_quota: int = 0
    """Bytes of the finished files of one device."""
    max_age: float = 0.0
    """Finished files older than this go."""
    min_free: int = 256 << 20
    """Bytes that stay free on the disk; with less, nothing more is written."""
    max_files: int = 256
    """Files that are held open at once; the others are opened again when they are written to."""


class OpenFile(NamedTuple):
    """A file that is being written."""

    mac: bytes
    name: str
    size: int
    started: float


class KeptFile(NamedTuple):
    """A finished file."""

    name: str
    ident: str
    size: int
    finished: float


class Removal(NamedTuple):
    """A finished file that is to go, and for which limit."""

    name: str
    why: str
    """"age", "device_quota", "quota" or "min_free"."""


def mac_ident(mac: bytes) -> str:
    """The id of a device that nobody has named otherwise: its address, 12 hexadecimal digits."""
    return mac.hex()


def mac_of(ident: str) -> str | None:
    """The address in an id of :func:`mac_ident`; None in any other id."""
    return bytes.fromhex(ident).hex(":") if len(ident) == _MAC_DIGITS else None


def endpoint_ident(mac: bytes, tenant: str, segment: str, digest: str = "sha256") -> str:
    """Poseidon's id of an endpoint.

    Args:
        mac: The address.
        tenant: ``VLAN`` and the VLAN's number, such as ``VLAN100``.
        segment: The switch's name in Faucet.
        digest: ``sha256`` (Poseidon 0.18) or ``ripemd160`` (0.17; OpenSSL must still have it).
    """
    text = tenant + mac.hex(":") + segment
    return hashlib.new(digest, text.encode(), usedforsecurity=False).hexdigest()


def is_ident(text: str) -> bool:
    """Tell whether a text may stand as the id in a file's name."""
    return _IDENT.fullmatch(text) is not None


def ident_of(name: str) -> str | None:
    """The id in the name of a file of ours; None = it is not ours, and is never touched."""
    found = _NAME.fullmatch(name)
    return found[1] if found else None


def plan_name(ident: str, now: float, taken: Container[str]) -> str:
    """A free name: the first second from ``now`` on (local time, as Poseidon has it)."""
    at = int(now)
    while True:
        stamp = time.strftime("%Y-%m-%d_%H_%M_%S", time.localtime(at))
        name = f"trace_{ident}_{stamp}.pcap"
        if name not in taken:
            return name
        at += 1


def plan_rotation(
    files: Iterable[OpenFile], now: float, limits: Limits
) -> Iterator[tuple[OpenFile, str]]:
    """The open files that are to be finished, each with "time" or "size".

    A clock that was set back more than the rotation time finishes a file as well.
    """
    for file in files:
        age = now - file.started
        if limits.rotate_time and not -limits.rotate_time <= age < limits.rotate_time:
            yield file, "time"
        elif limits.rotate_size and file.size >= limits.rotate_size and not 0 <= age < 1:
            yield file, "size"


def plan_removal(
    kept: Iterable[KeptFile], open_bytes: int, free: int, now: float, limits: Limits
) -> list[Removal]:
    """The finished files that are to go.

    Args:
        kept: Finished files, the oldest first.
        open_bytes: Bytes of the files that are being written.
        free: Free bytes on the disk.
        now: The time.
        limits: What may stay.
    """
    files = list(kept)
    total = open_bytes + sum(file.size for file in files)
    by_device: dict[str, int] = {}
    for file in files:
        by_device[file.ident] = by_device.get(file.ident, 0) + file.size
    plan = []
    for file in files:
        why = ""
        if limits.max_age and now - file.finished > limits.max_age:
            why = "age"
        elif limits.device_quota and by_device[file.ident] > limits.device_quota:
            why = "device_quota"
        elif limits.quota and total > limits.quota:
            why = "quota"
        elif free < limits.min_free:
            why = "min_free"
        if why:
            plan.append(Removal(file.name, why))
            total -= file.size
            free += file.size
            by_device[file.ident] -= file.size
    return plan


def plan_relief(files: Iterable[OpenFile], limits: Limits) -> list[OpenFile]:
    """The open files to finish early, the largest first: open ones alone exceed the quota."""
    by_size = sorted(files, key=lambda file: file.size, reverse=True)
    total = sum(file.size for file in by_size)
    plan = []
    for file in by_size:
        if not limits.quota or total <= limits.quota:
            break
        plan.append(file)
        total -= file.size
    return plan


def plan_writing(free: int, limits: Limits, *, stopped: bool) -> bool:
    """Whether to write: not below ``min_free``, and after a stop only from twice as much on."""
    return free >= limits.min_free * (2 if stopped else 1)


def plan_idle(latest: Mapping[int, int], now_ns: int, idle: float) -> list[int]:
    """The devices of which nothing came for ``idle`` seconds: their places may be another's.

    Args:
        latest: Time of each device's latest frame, ns.
        now_ns: The time, ns.
        idle: Seconds; 0 = none ever.
    """
    if not idle:
        return []
    return [device for device, last in latest.items() if now_ns - last > idle * 1e9]
