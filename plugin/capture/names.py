"""What a capture's file name tells, where it follows one of two conventions. Never required.

NetworkML's: ``DeviceName-deviceID-time[-duration]-flags.pcap``, such as
``ActiveDirectoryController-labs-Fri0036-n00.pcap``; the time is a weekday and HHMM. Poseidon's:
``trace_<endpoint id>_<YYYY-mm-dd_HH_MM_SS>.pcap``, after its splitter with
``-client-…`` or ``-server-…`` before the suffix. Computes only.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class CaptureName(NamedTuple):
    """The parts of a name; what the convention does not have is None."""

    convention: str
    """"networkml" or "poseidon"."""
    device_id: str
    """NetworkML: who or what it belongs to; Poseidon: the endpoint's hash."""
    time: str
    """As written: ``Fri0036`` or ``2026-01-01_00_00_00`` (local time of the recorder)."""
    device_name: str | None = None
    """NetworkML: the role that a training capture carries."""
    duration: str | None = None
    flags: str | None = None
    side: str | None = None
    """Poseidon's splitter: "client" or "server"."""
    detail: str | None = None
    """Poseidon's splitter: addresses, layers and port of that side, as written."""


_SUFFIX = r"\.(?:pcapng|pcap|cap|dmp)(?:\.(?:gz|xz|zst))?"
_NETWORKML = re.compile(
    r"(?P<device_name>[^/]+?)-(?P<device_id>[^-/]+)"
    r"-(?P<time>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[01]\d|2[0-3])[0-5]\d)"
    r"(?:-(?P<duration>[^-/]+))?-(?P<flags>[^-/]+)" + _SUFFIX
)
_POSEIDON = re.compile(
    r"trace_(?P<device_id>[\da-f]+)_(?P<time>\d[\d_-]*?)(?:-(?P<side>client|server)-(?P<detail>.+?))?"
    + _SUFFIX
)
_LONGEST = 1024  # a longer name is none of these, and regular expressions take time


def parse_name(path: str) -> CaptureName | None:
    """Take a capture's name apart.

    Args:
        path: a path or a bare name; only what follows the last slash is looked at.

    Returns:
        Its parts, or None if it follows neither convention.
    """
    name = path.rpartition("/")[2]
    if len(name) > _LONGEST:
        return None
    found = _POSEIDON.fullmatch(name)
    if found:
        return CaptureName("poseidon", **found.groupdict())
    found = _NETWORKML.fullmatch(name)
    return CaptureName("networkml", **found.groupdict()) if found else None
