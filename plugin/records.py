"""What the parts of Halia hand each other: frozen records, no I/O.

Times are nanoseconds since 1970-01-01 UTC unless a field says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.void]
else:
    Rows = Any

_DAY = 86_400


class Problem(NamedTuple):
    """Where and why an input could not be read to its end; what came before was kept."""

    source: str
    offset: int
    """Byte (after decompression) of the record that it concerns."""
    reason: str
    cut_short: bool
    """The input ends in the middle of a record, as when it is still being written."""

    def __str__(self) -> str:
        """One line that names file, place and reason."""
        return f"{self.source}: byte {self.offset}: {self.reason}"


class Totals(NamedTuple):
    """What a whole pass counted."""

    packets: int
    bytes: int
    """Bytes on the wire, each packet clipped at 65,550."""
    captured_bytes: int
    first_ns: int | None
    """Earliest packet, None without packets."""
    last_ns: int | None
    linktypes: tuple[str, ...]
    sessions: int
    devices: int
    """Distinct unicast link addresses that sent."""
    ip_packets: int
    cut_packets: int
    """Packets of which fewer bytes were captured than were on the wire."""
    later_fragments: int
    packets_without_time: int
    evicted: int
    """Sessions closed early because too many were open."""
    macs: int
    macs_dropped: int


class Watched(NamedTuple):
    """What single packets told that no session record holds (``plugin.sessions.watch``)."""

    seconds: Rows
    """Packets of one kind from a device to an address in a part of a second."""
    arp: Rows
    """ARP packets: time, src_mac, arp_sha, arp_op, src_ip, dst_ip as in ``PACKET``."""
    uses: Rows
    """Who went on using the address that ARP gave to him: time, mac, ip."""


class Capture(NamedTuple):
    """A whole capture as arrays of the core's records (``plugin.core.layout``)."""

    source: str
    totals: Totals
    sessions: Rows
    """``SESSION`` rows in order of id."""
    macs: Rows
    """``MAC`` rows in order of index."""
    packets: Rows | None
    """``PACKET`` rows in order of the file, if they were asked for."""
    problem: Problem | None
    watched: Watched | None = None
    """What behaviours are told from besides sessions, if it was asked for."""


def iso_second(seconds: float) -> str:
    """Seconds since 1970-01-01 UTC as :func:`iso_time` writes them, rounded to a whole one."""
    return str(iso_time(round(seconds) * 1_000_000_000))


def iso_time(ns: int | None) -> str | None:
    """RFC 3339 time in UTC, with as many of nine decimals as are needed.

    Years outside 1 to 9999 cannot be written so; such a (damaged) time gives seconds as ``@N``.
    """
    if ns is None:
        return None
    seconds, rest = divmod(ns, 1_000_000_000)
    days, second = divmod(seconds, _DAY)
    date = _civil(days)
    if date is None:
        return f"@{seconds}"
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{date}T{clock}{fraction}Z"


def _civil(days: int) -> str | None:
    """The date ``days`` after 1970-01-01 (no import of datetime: start-up is counted)."""
    if not -719_162 <= days <= 2_932_896:  # noqa: PLR2004 - 0001-01-01 and 9999-12-31
        return None
    # Shift to 0000-03-01, so that the leap day ends the year; 146,097 days are 400 years.
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    after = month >= 10  # noqa: PLR2004 - January and February belong to the next year
    return f"{year + era * 400 + after:04d}-{month - 9 if after else month + 3:02d}-{day + 1:02d}"


def mac_text(mac: bytes) -> str:
    """A link address as Faucet and Poseidon print it: lower case, with colons."""
    return mac.hex(":")
