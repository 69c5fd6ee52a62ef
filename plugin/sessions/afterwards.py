"""The events of a stream, made afterwards from the records of a whole capture.

They are those of :mod:`plugin.sessions.live`, but for what only a stream needs: ``Closed`` (a
record knows whether anybody answered). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.addresses import IPV4_PREFIX, is_private
from plugin.sessions.watch import ACK, AMOUNTS, KINDS, SECOND, TCP
from plugin.traffic import Answered, Arp, Counted, Opened, Used

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from plugin.records import Rows

_ADDRESS = 16
_BLOCK = 4096
"""Events made at once."""
_LOWER, _RESET, _SYN, _TURNED = map(ord, "arS^")


class Outcome(NamedTuple):
    """What became of openings."""

    answered: NDArray[np.bool_]
    """(n,) somebody answered, as far as can be told."""
    at: NDArray[np.int64]
    """(n,) when, ns."""
    refused: NDArray[np.bool_]
    """(n,) the answer was a TCP reset."""
    fresh: NDArray[np.bool_]
    """(n,) a conversation begins."""


def outcome(sessions: Rows) -> Outcome:
    """What became of sessions' openings, as :class:`plugin.traffic.Answered` defines it.

    Args:
        sessions: ``SESSION`` rows, all of a capture that are to one receiver.
    """
    history, start = sessions["history"], sessions["start"]
    tcp = sessions["proto"] == TCP
    acknowledged = tcp & ((sessions["orig_tcp_flags"] & ACK) != 0)
    told = sessions["resp_packets"] > 0
    first = (history >= _LOWER).argmax(axis=1)
    reset = tcp & (np.take_along_axis(history, first[:, None], axis=1)[:, 0] == _RESET)
    # Of a session that was there before the capture, the originator's first word is an answer.
    fresh = ~tcp | (history[:, 0] == _SYN) | (history[:, 0] == _TURNED)
    # Of a new one, what comes before any answer is; if its answers cannot be seen.
    before = acknowledged & (~fresh | ((history[:, 1] > 0) & (history[:, 1] < _LOWER)))
    doubtful = before & fresh
    if doubtful.any():
        before &= ~(doubtful & _hears(sessions, told))
    return Outcome(
        before | told,
        np.where(told & ~before, np.maximum(start, sessions["resp_first"]), start),
        reset & ~before,
        fresh,
    )


def _hears(sessions: Rows, told: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) sessions of originators who were answered before: from outside, or both are inside.

    Args:
        sessions: ``SESSION`` rows.
        told: (n,) those whose answers were seen.
    """
    side = 2 * sessions["orig_mac"].astype(np.int64) + _private(sessions["resp_ip"])
    since = np.full(max(2, side.max(initial=0) + 2), np.iinfo(np.int64).max)
    told = told & (side >= 0)
    np.minimum.at(since, side[told], sessions["resp_first"][told])
    inside = side | 1
    since[inside[side >= 0]] = np.minimum(since[inside], since[inside - 1])[side >= 0]
    found: NDArray[np.bool_] = (side >= 0) & (since[side] <= sessions["start"])
    return found


def _private(ips: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) as :func:`plugin.addresses.is_private`."""
    first, second, a, b = ips[:, 0], ips[:, 1], ips[:, 12], ips[:, 13]
    v4 = (ips[:, :12] == np.frombuffer(IPV4_PREFIX, np.uint8)).all(axis=1)
    inside4 = (a == 10) | ((a == 172) & (b >= 16) & (b < 32))
    inside4 |= ((a == 192) & (b == 168)) | ((a == 169) & (b == 254))
    inside6 = ((first & 0xFE) == 0xFC) | ((first == 0xFE) & ((second & 0xC0) == 0x80))
    found: NDArray[np.bool_] = np.where(v4, inside4, inside6)
    return found


def session_events(sessions: Rows, mac: Callable[[int], str]) -> Iterator[Opened | Answered]:
    """Openings and answers, in order of time.

    Args:
        sessions: ``SESSION`` rows with a sender.
        mac: The text of a MAC index.
    """
    answered, at, refused, fresh = outcome(sessions)
    answers = np.flatnonzero(answered)
    order = np.argsort(np.concatenate([sessions["start"], at[answers]]), kind="stable")
    number = np.concatenate([np.arange(len(sessions)), answers])[order]
    is_answer = order >= len(sessions)
    for begin in range(0, len(order), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        some = number[block]
        rows = zip(
            _openings(sessions[some], fresh[some], mac),
            is_answer[block].tolist(),
            at[some].tolist(),
            refused[some].tolist(),
            strict=True,
        )
        for opened, answer, when, reset in rows:
            yield Answered(when, opened, reset) if answer else opened


def _openings(
    sessions: Rows, fresh: NDArray[np.bool_], mac: Callable[[int], str]
) -> Iterator[Opened]:
    names = ("start", "id", "orig_mac", "proto", "orig_port", "resp_port")
    columns = (sessions[name].tolist() for name in names)
    rows = zip(*columns, fresh.tolist(), strict=True)
    ends = zip(_addresses(sessions["orig_ip"]), _addresses(sessions["resp_ip"]), strict=True)
    for row, (origin, target) in zip(rows, ends, strict=True):
        start, number, orig_mac, proto, *rest = row
        yield Opened(start, number, mac(orig_mac), proto, origin, target, *rest)


def _addresses(column: NDArray[Any]) -> Iterator[bytes]:
    whole = column.tobytes()
    return (whole[i : i + _ADDRESS] for i in range(0, len(whole), _ADDRESS))


def counted(seconds: Rows, mac: Callable[[int], str]) -> Iterator[Counted]:
    """Counts of ``SECONDS`` rows, in their order; no loads between inside addresses."""
    names = ("second", "mac", "kind", *AMOUNTS)
    rows = zip(*(seconds[name].tolist() for name in names), strict=True)
    for (second, device, kind, *amounts), ip in zip(rows, _addresses(seconds["ip"]), strict=True):
        if KINDS[kind] != "load" or not is_private(ip):
            yield Counted(second * SECOND, mac(device), ip, KINDS[kind], *amounts)


def arp_events(rows: Rows, mac: Callable[[int], str]) -> Iterator[Arp]:
    """ARP packets, in their order."""
    for row in rows:
        yield Arp(
            time=int(row["time"]),
            mac=mac(int(row["src_mac"])),
            operation=int(row["arp_op"]),
            sender_mac=mac(int(row["arp_sha"])),
            sender_ip=row["src_ip"].tobytes(),
            target_ip=row["dst_ip"].tobytes(),
        )


def use_events(rows: Rows, mac: Callable[[int], str]) -> Iterator[Used]:
    """Who used which address, of ``USES`` rows, in their order."""
    times, macs = rows["time"].tolist(), rows["mac"].tolist()
    for time, device, ip in zip(times, macs, _addresses(rows["ip"]), strict=True):
        yield Used(time, mac(device), ip)
