"""The events of a stream, made afterwards from the records of a whole capture.

They are those of :mod:`plugin.sessions.live`, but for what only a stream needs: ``Closed`` (a
record knows whether anybody answered). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.addresses import is_private
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


def outcome(sessions: Rows, some: NDArray[np.int64] | slice = slice(None)) -> Outcome:
    """What became of sessions' openings, as :class:`plugin.traffic.Answered` defines it.

    Args:
        sessions: ``SESSION`` rows.
        some: Which of them.
    """
    history, start = sessions["history"][some], sessions["start"][some]
    tcp = sessions["proto"][some] == TCP
    acknowledged = tcp & ((sessions["orig_tcp_flags"][some] & ACK) != 0)
    told = sessions["resp_packets"][some] > 0
    first = (history >= _LOWER).argmax(axis=1)
    letter = np.take_along_axis(history, first[:, None], axis=1)[:, 0]
    # Of a session that was there before the capture, the originator's first word is an answer.
    fresh = ~tcp | (history[:, 0] == _SYN) | (history[:, 0] == _TURNED)
    before = acknowledged & ~fresh
    return Outcome(
        told | acknowledged,
        np.where(told & ~before, np.maximum(start, sessions["resp_first"][some]), start),
        tcp & (letter == _RESET) & ~acknowledged,
        fresh,
    )


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
