"""Session records as rows of text: JSON, CSV, and Zeek's conn.log. Pure: records in, text out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from plugin.addresses import address_text, is_private
from plugin.core.layout import END_NAMES, MAC
from plugin.records import iso_time, mac_text
from plugin.sessions.state import (
    ICMP,
    ICMPV6,
    community_id,
    conn_state,
    history,
    protocol_name,
)

if TYPE_CHECKING:
    from plugin.sessions.state import SessionRow

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Column(NamedTuple):
    """A column of ``halia sessions``."""

    name: str
    zeek_type: str
    """Its type where it stands in a conn.log, ``""`` where it does not."""


class MacNames:
    """MAC index to text; the table grows while a capture is read."""

    def __init__(self) -> None:
        """Start with no addresses."""
        self._names: list[str] = []

    def update(self, records: bytes) -> None:
        """Take the MAC records that come next."""
        self._names.extend(mac_text(row[0]) for row in MAC.struct.iter_unpack(records))

    def __getitem__(self, index: int) -> str | None:
        """The text of an index, None for -1."""
        return None if index < 0 else self._names[index]


def seconds(ns: int) -> str:
    """Nanoseconds as seconds with nine decimals: exact, where a float is not."""
    sign = "-" if ns < 0 else ""
    whole, rest = divmod(abs(ns), 1_000_000_000)
    return f"{sign}{whole}.{rest:09d}"


def session_fields(row: SessionRow, macs: MacNames) -> dict[str, str | int | float | None]:
    """A session as named values, in the order of JSON, CSV and Parquet.

    Lengths are bytes, ``duration`` seconds, ``start`` and ``end`` RFC 3339; absent is None.
    """
    return {
        "id": row.id,
        "start": iso_time(row.start),
        "end": iso_time(row.end),
        "duration": (row.end - row.start) / 1e9,
        "proto": protocol_name(row.proto),
        "orig_ip": address_text(row.orig_ip),
        "orig_port": row.orig_port,
        "resp_ip": address_text(row.resp_ip),
        "resp_port": row.resp_port,
        "orig_mac": macs[row.orig_mac],
        "resp_mac": macs[row.resp_mac],
        "vlan": row.vlan if row.vlan >= 0 else None,
        "inner_vlan": row.inner_vlan if row.inner_vlan >= 0 else None,
        "conn_state": conn_state(row),
        "history": history(row),
        "end_reason": END_NAMES[row.end_reason],
        "orig_packets": row.orig_packets,
        "orig_bytes": row.orig_payload_bytes,
        "orig_ip_bytes": row.orig_ip_bytes,
        "resp_packets": row.resp_packets,
        "resp_bytes": row.resp_payload_bytes,
        "resp_ip_bytes": row.resp_ip_bytes,
        "icmp_type": row.icmp_type if row.proto in {ICMP, ICMPV6} else None,
        "icmp_code": row.icmp_code if row.proto in {ICMP, ICMPV6} else None,
        "community_id": community_id(row),
    }


FIELDS = (
    "id", "start", "end", "duration", "proto", "orig_ip", "orig_port", "resp_ip", "resp_port",
    "orig_mac", "resp_mac", "vlan", "inner_vlan", "conn_state", "history", "end_reason",
    "orig_packets", "orig_bytes", "orig_ip_bytes", "resp_packets", "resp_bytes", "resp_ip_bytes",
    "icmp_type", "icmp_code", "community_id",
)  # fmt: skip

ZEEK_COLUMNS = (
    Column("ts", "time"),
    Column("uid", "string"),
    Column("id.orig_h", "addr"),
    Column("id.orig_p", "port"),
    Column("id.resp_h", "addr"),
    Column("id.resp_p", "port"),
    Column("proto", "enum"),
    Column("service", "string"),
    Column("duration", "interval"),
    Column("orig_bytes", "count"),
    Column("resp_bytes", "count"),
    Column("conn_state", "string"),
    Column("local_orig", "bool"),
    Column("local_resp", "bool"),
    Column("missed_bytes", "count"),
    Column("history", "string"),
    Column("orig_pkts", "count"),
    Column("orig_ip_bytes", "count"),
    Column("resp_pkts", "count"),
    Column("resp_ip_bytes", "count"),
    Column("tunnel_parents", "set[string]"),
    Column("vlan", "int"),
    Column("inner_vlan", "int"),
    Column("orig_l2_addr", "string"),
    Column("resp_l2_addr", "string"),
    Column("community_id", "string"),
)
"""conn.log as Zeek writes it with its vlan-logging, mac-logging and community-id scripts loaded."""


def zeek_header() -> str:
    """The head of a conn.log in Zeek's tab-separated form."""
    return (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
        + "\t".join(("#fields", *(c.name for c in ZEEK_COLUMNS)))
        + "\n"
        + "\t".join(("#types", *(c.zeek_type for c in ZEEK_COLUMNS)))
        + "\n"
    )


def zeek_row(row: SessionRow, macs: MacNames) -> str:
    """A session as a line of conn.log.

    Ours differs from Zeek's where docs/algorithms.md says so: bytes are summed from packets, not
    told from sequence numbers; service is unset; the uid is a digest of time and ends, so that the
    same capture gives the same uids.
    """
    icmp = row.proto in {ICMP, ICMPV6}
    values = (
        seconds(row.start)[:-3],
        uid(row),
        address_text(row.orig_ip),
        row.icmp_type if icmp else row.orig_port,
        address_text(row.resp_ip),
        row.icmp_code if icmp else row.resp_port,
        protocol_name(row.proto)
        if row.proto in {6, 17}
        else "icmp"
        if icmp
        else "unknown_transport",
        "-",
        seconds(row.end - row.start)[:-3],
        row.orig_payload_bytes,
        row.resp_payload_bytes,
        conn_state(row),
        "T" if is_private(row.orig_ip) else "F",
        "T" if is_private(row.resp_ip) else "F",
        0,
        history(row) or "-",
        row.orig_packets,
        row.orig_ip_bytes,
        row.resp_packets,
        row.resp_ip_bytes,
        "-",
        row.vlan if row.vlan >= 0 else "-",
        row.inner_vlan if row.inner_vlan >= 0 else "-",
        macs[row.orig_mac] or "-",
        macs[row.resp_mac] or "-",
        community_id(row),
    )
    return "\t".join(map(str, values)) + "\n"


def uid(row: SessionRow) -> str:
    """``C`` and 17 base-62 digits from the session's start and ends."""
    text = b"%d %b %d %b %d %d" % (
        row.start, row.orig_ip, row.orig_port, row.resp_ip, row.resp_port, row.proto,
    )  # fmt: skip
    number = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
    digits = []
    for _ in range(17):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "C" + "".join(digits)
