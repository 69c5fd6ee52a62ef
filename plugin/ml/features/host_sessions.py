"""``halia-host``: services, sessions, and how sent and received packets answer each other.

Where only sent packets are looked at, a flow takes the place of a session: its server is told by
the SYN that the device sent (with ACK: the device serves), else by the ports as in
``service-ports``. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.core.layout import SESSION
from plugin.ml import services
from plugin.ml.features import service_ports
from plugin.ml.features.host_block import (
    SECOND,
    Block,
    Column,
    View,
    binned,
    columns_of,
    log,
    shares_of,
)
from plugin.ml.features.host_kinds import size_of
from plugin.ml.features.host_shapes import flows_of, is_ip
from plugin.ml.features.host_stack import ACK, SYN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.features.host_parts import Part

UNSEEN = ("refused", "silent", "called_silent")
"""Shares of ``service-ports`` that no packet sent by the device can tell."""
DURATIONS = (0.001, 0.01, 0.1, 1, 3, 10, 30, 100, 300, 1000)
BYTES = (1, 32, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000)
PACKETS = (1, 2, 3, 5, 9, 17, 33, 101, 1001)
TURNS = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3)
_SEEN = tuple(name for name in services.SHARES if name not in UNSEEN)


def _service_columns(prefix: str, what: str, shares: tuple[str, ...]) -> tuple[Column, ...]:
    texts = {
        "serves": f"share of the {what} in which the device serves anything, that are",
        "uses": f"share of the {what} in which the device asks for anything, that are",
    }
    tokens = [
        Column(f"{prefix}{place}_{token}", "share", f"{texts[place]} {token}")
        for place in services.PLACES
        for token in services.TOKENS
    ]
    return (
        *tokens,
        *(
            Column(f"{prefix}share_{name}", "share", f"share of all {what} that are: {name}")
            for name in shares
        ),
    )


def _by_sessions(view: View) -> NDArray[np.float64]:
    found = service_ports.rows(view.sessions, view.is_orig, view.owner, view.sent.n_rows)
    return found.to_dense().astype(np.float64)


def _by_flows(view: View) -> NDArray[np.float64]:
    flows, records, is_orig = _as_sessions(view.sent)
    found = service_ports.rows(records, is_orig, flows.row, flows.n_rows).to_dense()
    first = service_ports.N_COLUMNS - len(services.SHARES)
    kept = [*range(first), *(first + services.SHARES.index(name) for name in _SEEN)]
    return found[:, kept].astype(np.float64)


def _as_sessions(part: Part) -> tuple[Part, NDArray[np.void], NDArray[np.bool_]]:
    """The flows that the device sends as the session records that ``service_ports`` reads."""
    ip = part.only(is_ip(part))
    flows, number = flows_of(ip)
    flags = ip["tcp_flags"].astype(np.int64)
    accepts = flags & (SYN | ACK) == SYN | ACK
    serves = np.bincount(number[accepts], minlength=len(flows)) > 0
    seen = np.zeros(len(flows), np.int64)
    for bit in range(8):
        seen |= (np.bincount(number[flags >> bit & 1 > 0], minlength=len(flows)) > 0) << bit
    records = np.zeros(len(flows), SESSION.dtype())
    for side, mine in (("orig", ~serves), ("resp", serves)):
        records[f"{side}_ip"] = np.where(mine[:, None], flows["own_ip"], flows["peer_ip"])
        records[f"{side}_port"] = np.where(mine, flows["own_port"], flows["peer_port"])
        records[f"{side}_tcp_flags"] = np.where(mine, seen, 0)
        records[f"{side}_packets"] = np.where(mine, np.bincount(number, minlength=len(flows)), 0)
        loads = np.bincount(number, ip["payload_len"], len(flows))
        records[f"{side}_payload_bytes"] = np.where(mine, loads, 0)
    records["proto"] = flows["proto"]
    return flows, records, ~serves


def _sessions(view: View) -> NDArray[np.float64]:
    records, n_rows = view.sessions, view.sent.n_rows
    whole = Rows(view.owner, n_rows)
    both = {
        name: (
            np.where(view.is_orig, records[f"orig_{name}"], records[f"resp_{name}"]),
            np.where(view.is_orig, records[f"resp_{name}"], records[f"orig_{name}"]),
        )
        for name in ("packets", "payload_bytes")
    }
    seconds = np.maximum(records["end"] - records["start"], 0) / SECOND
    found = [
        whole.shares(binned(seconds, DURATIONS), len(DURATIONS) + 1),
        log(whole.mean(seconds)),
    ]
    for name, edges in (("packets", PACKETS), ("payload_bytes", BYTES)):
        for side in both[name]:
            found += [whole.shares(binned(side, edges), len(edges) + 1), log(whole.mean(side))]
    answered = (both["packets"][0] > 0) & (both["packets"][1] > 0)
    up, down = (whole.mean(side) for side in both["payload_bytes"])
    return columns_of(
        *found,
        whole.mean(view.is_orig),
        whole.mean(answered),
        up / np.maximum(up + down, 1e-9),
        log(whole.counts),
    )


class Rows:
    """Values of sessions summed up by row."""

    def __init__(self, owner: NDArray[np.int64], n_rows: int) -> None:
        """Take the row of each session."""
        self.owner, self.n_rows = owner, n_rows
        self.counts: NDArray[np.int64] = np.bincount(owner, minlength=n_rows)

    def mean(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """(n_rows,) mean; 0 in a row without sessions."""
        return np.bincount(self.owner, values, self.n_rows) / np.maximum(self.counts, 1)

    def shares(self, bins: NDArray[np.int64], n_bins: int) -> NDArray[np.float64]:
        """(n_rows, n_bins) share of the row's sessions in each bin."""
        counted = np.bincount(self.owner * n_bins + bins, minlength=self.n_rows * n_bins)
        return counted.reshape(self.n_rows, n_bins) / np.maximum(self.counts, 1)[:, None]


def _turns(view: View) -> NDArray[np.float64]:
    """Sent packets that follow a received one, and how soon."""
    sent, received, n_rows = view.sent, view.received, view.sent.n_rows
    row = np.concatenate([sent.row, received.row])
    place = np.concatenate([sent["index"], received["index"]])
    time = np.concatenate([sent["time"], received["time"]])
    is_sent = np.arange(len(row)) < len(sent)
    order = np.lexsort((place, row))
    row, time, is_sent = row[order], time[order], is_sent[order]
    turn = np.zeros(len(row), np.bool_)
    turn[1:] = (row[1:] == row[:-1]) & is_sent[1:] & ~is_sent[:-1]
    waits = np.maximum(np.diff(time, prepend=time[:1])[turn], 0) / SECOND
    turns = Rows(row[turn], n_rows)
    return columns_of(
        turns.shares(binned(waits, TURNS), len(TURNS) + 1),
        turns.counts / np.maximum(sent.counts, 1),
        turns.counts / np.maximum(received.counts, 1),
    )


def _balance(view: View) -> NDArray[np.float64]:
    sent, received = view.sent, view.received
    up, down = (part.total(part.made("size", size_of)) for part in (sent, received))
    loads = [part.total(part["payload_len"]) for part in (sent, received)]
    return columns_of(
        sent.counts / np.maximum(sent.counts + received.counts, 1),
        up / np.maximum(up + down, 1),
        loads[0] / np.maximum(loads[0] + loads[1], 1),
    )


def _session_columns() -> tuple[Column, ...]:
    columns = [
        *shares_of("session_seconds", DURATIONS, "share of sessions that last (seconds)"),
        Column("session_seconds_mean", "log10(1 + n)", "mean length of sessions (seconds)"),
    ]
    for name, edges in (("packets", PACKETS), ("payload_bytes", BYTES)):
        for side in ("sent", "received"):
            text = f"{name.replace('_', ' ')} {side} in a session"
            begin = f"session_{name}_{side}"
            columns += shares_of(begin, edges, f"share of sessions whose {text} are")
            columns.append(Column(f"{begin}_mean", "log10(1 + n)", f"mean {text}"))
    columns += [
        Column("session_originated", "share", "share of sessions that the device originated"),
        Column("session_two_way", "share", "share of sessions with packets of both ends"),
        Column("session_upload", "share", "share of the sessions' payload that the device sent"),
        Column("session_count", "log10(1 + n)", "sessions"),
    ]
    return tuple(columns)


BY_SESSIONS = Block(
    "services", _service_columns("", "sessions", services.SHARES), _by_sessions, False
)
BY_FLOWS = Block("services", _service_columns("sent_", "flows", _SEEN), _by_flows, True)
"""Stands in for :data:`BY_SESSIONS` where only sent packets are looked at."""
BLOCKS: tuple[Block, ...] = (
    BY_SESSIONS,
    Block("sessions", _session_columns(), _sessions, False),
    Block(
        "turns",
        (
            *shares_of(
                "turn",
                TURNS,
                "share of turns (seconds from a received packet to the next, sent one)",
            ),
            Column("turns_of_sent", "share", "share of packets sent that follow a received one"),
            Column(
                "turns_of_received", "share", "share of packets received that a sent one follows"
            ),
        ),
        _turns,
        False,
    ),
    Block(
        "balance",
        (
            Column("sent_share_of_packets", "share", "share of packets that the device sent"),
            Column("sent_share_of_bytes", "share", "share of IP bytes that the device sent"),
            Column("sent_share_of_payload", "share", "share of payload bytes that the device sent"),
        ),
        _balance,
        False,
    ),
)
