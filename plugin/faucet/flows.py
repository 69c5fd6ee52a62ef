"""Flows and port counters as the probe reads them back from a switch. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Query(NamedTuple):
    """Which flows to read; what is None does not narrow."""

    dp_id: int
    table: int | None = None
    cookie: int | None = None
    mac: str | None = None
    """Flows that match this device as sender or as receiver."""
    in_port: int | None = None


class Flow(NamedTuple):
    """One flow of a switch."""

    table: int
    priority: int
    cookie: int
    match: Mapping[str, str | int]
    """Field by OpenFlow's name; a masked value is ``value/mask``."""
    packets: int
    bytes: int
    goto: int | None
    """The table it goes on to; None: the flow ends the way of the packet."""
    outputs: tuple[int, ...]
    meter: int | None
    vid: int | None = None
    """The VLAN whose tag it gives the frame, if it does."""

    @property
    def in_port(self) -> int | None:
        """The port that it matches, if it matches one."""
        found = self.match.get("in_port")
        return found if isinstance(found, int) else None


class PortCounters(NamedTuple):
    """What passed a port since the switch started to count."""

    port: int
    rx_packets: int
    tx_packets: int
    rx_bytes: int
    tx_bytes: int
    rx_dropped: int
    tx_dropped: int


def flow_of(document: Mapping[str, Any]) -> Flow:
    """Make a flow of the probe's JSON.

    Raises:
        ValueError: a field is missing or is something else.
    """
    try:
        meter, goto, vid = document["meter"], document["goto"], document.get("vid")
        return Flow(
            table=int(document["table"]),
            priority=int(document["priority"]),
            cookie=int(document["cookie"]),
            match={
                str(k): v if isinstance(v, int) else str(v) for k, v in document["match"].items()
            },
            packets=int(document["packets"]),
            bytes=int(document["bytes"]),
            goto=None if goto is None else int(goto),
            outputs=tuple(int(port) for port in document["outputs"]),
            meter=None if meter is None else int(meter),
            vid=None if vid is None else int(vid),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no flow: {error}") from error


def counters_of(document: Mapping[str, Any]) -> PortCounters:
    """Make a port's counters of the probe's JSON.

    Raises:
        ValueError: a field is missing or is something else.
    """
    try:
        return PortCounters(**{name: int(document[name]) for name in PortCounters._fields})
    except (KeyError, TypeError) as error:
        raise ValueError(f"no counters: {error}") from error
