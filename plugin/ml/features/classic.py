"""``networkml-4104-window``: what NetworkML's code 0.2 to 0.4.8 computed, per device and window.

Its README speaks of packets of one session; its code counted sessions in windows of 15 minutes.
This is the code's vector, before its normalisation (which only subtracted the mean):

* Session: unordered pair {IP:port, IP:port}; the protocol is not part of it, there are no
  time-outs; packets without ports (ICMP, later fragments) have port 0.
* Window: the first IP packet opens one; a packet ``window`` seconds after a window's first or
  later opens the next. Sessions are counted afresh in each; empty stretches make no window.
* Threshold: a session counts only if its first packet in the capture comes more than
  ``threshold`` seconds after the capture's first. NetworkML had 120 in effect, which drops half
  of a short capture's sessions; 0, the default here, drops none.
* Direction: the sender of a session's first packet in the window initiated it. Sessions of
  which the device is neither end count nowhere.
* Vector: ``v[p]`` sessions that the device initiated with source port p (0 to 1023),
  ``v[1024 + p]`` destination port; ``v[2048 + p]`` and ``v[3072 + p]`` the same of sessions
  initiated by the other end; each / (nI + nR), where a count of 0 is taken as 1. Then the
  shares external, TCP, UDP, ICMP of the initiated sessions (/ nI) and of the others (/ nR).
* Protocol: byte 23 of the first packet's frame, so 0 for IPv6 and for tagged frames.
* Private: its string tests, see :func:`plugin.ml.features.addresses.classic_private`;
  external = not both ends private.

Whose device: the MAC of the (IP, MAC) pair with a private IP that takes part in most sessions
of the first window, unless the caller names one. Two things differ on purpose: NetworkML's
packets collapsed when time and ends were equal, which changes no vector, and its protocol byte
read part of an address or of the IP identification where it missed, which is 0 here.
Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.core.layout import NO_SESSION
from plugin.ml.features.addresses import classic_private
from plugin.ml.matrix import Matrix, distinct, empty, from_entries
from plugin.ml.schema import N_PORTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_COLUMNS = 4 * N_PORTS + 8
NANOSECONDS = 1_000_000_000
_PROTOCOLS = (6, 17, 1)
_IPV4 = 4
_NO_DEVICE = -1


class Windows(NamedTuple):
    """One row a window."""

    matrix: Matrix
    """(n_windows, 4104)."""
    start: NDArray[np.int64]
    """(n_windows,) time of each window's first packet, ns."""
    device: int
    """MAC index of the device, -1 = none could be told."""


class _Counted(NamedTuple):
    """Sessions of windows: the first packet of each (window, session), in file order."""

    window: NDArray[np.int64]
    first: NDArray[np.void]


def windows(
    packets: NDArray[np.void],
    sessions: NDArray[np.void],
    *,
    device: int | None = None,
    window: float = 900.0,
    threshold: float = 0.0,
) -> Windows:
    """The classic vectors of one device, one row a window of the capture.

    Args:
        packets: records of ``PACKET.dtype()`` in file order.
        sessions: the same capture's ``SESSION.dtype()`` records, in order of id from 0.
        device: MAC index of the device; None finds it as NetworkML did.
        window: seconds.
        threshold: seconds; 0 keeps every session, NetworkML's effective value was 120.
    """
    ip = packets.take(np.flatnonzero(packets["session"] != NO_SESSION))
    if not len(ip):
        return Windows(empty(N_COLUMNS), np.zeros(0, np.int64), _NO_DEVICE)
    begins = window_starts(ip["time"], _nanoseconds(window))
    pair = _pairs(sessions)[ip["session"]]
    number = np.searchsorted(begins, np.arange(len(ip)), "right") - 1
    counted = _first_packets(number, pair, ip, _nanoseconds(threshold))
    if device is None:
        device = busiest_private(counted.first[counted.window == 0])
    return Windows(_vectors(counted, device, len(begins)), ip["time"][begins], device)


_TIME_MAX = np.iinfo(np.int64).max


def _nanoseconds(seconds: float) -> int:
    return int(min(seconds * NANOSECONDS, _TIME_MAX >> 1))


def window_starts(times: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """(n_windows,) position of each window's first packet among (n,) times in file order, ns."""
    latest = np.maximum.accumulate(times)
    begins = [0]
    while True:
        end = min(int(latest[begins[-1]]) + length, _TIME_MAX)
        following = int(np.searchsorted(latest, end, "left"))
        if following >= len(times):
            return np.array(begins, np.int64)
        begins.append(following)


def _pairs(sessions: NDArray[np.void]) -> NDArray[np.int64]:
    """(n_sessions,) the same number for sessions of one unordered {IP:port, IP:port}."""
    ends = np.zeros((len(sessions), 2, 18), np.uint8)
    for k, side in enumerate(("orig", "resp")):
        ends[:, k, :16] = sessions[f"{side}_ip"]
        ends[:, k, 16:] = sessions[f"{side}_port"].astype(">u2")[:, None].view(np.uint8)
    whole = ends.reshape(-1, 2, 18).copy().view("V18")[:, :, 0]
    whole.sort(axis=1)
    key = np.ascontiguousarray(whole).view("V36")[:, 0]
    return distinct(key).number


def _first_packets(
    number: NDArray[np.int64], pair: NDArray[np.int64], ip: NDArray[np.void], threshold: int
) -> _Counted:
    """The packet that begins each session in each window, sessions under the threshold left out."""
    if threshold > 0:
        known = distinct(pair)
        late = ip["time"][known.first] - ip["time"][0] > threshold
        kept = late[known.number]
        number, pair, ip = number[kept], pair[kept], ip.take(np.flatnonzero(kept))
    key = number * (int(pair.max(initial=0)) + 1) + pair
    where = np.sort(distinct(key).first)
    return _Counted(number[where], ip.take(where))


def busiest_private(first: NDArray[np.void]) -> int:
    """MAC index of the (private IP, MAC) pair in most sessions; the first seen wins a tie.

    Args:
        first: (n,) first packets of the sessions.

    Returns:
        The index, -1 if no end has a private address and a MAC.
    """
    macs = np.stack([first["src_mac"], first["dst_mac"]], axis=1).ravel()
    ips = np.stack([first["src_ip"], first["dst_ip"]], axis=1).reshape(-1, 16)
    fit = classic_private(ips) & (macs >= 0)
    if not fit.any():
        return _NO_DEVICE
    keys = np.concatenate([ips[fit], macs[fit].astype("<i4")[:, None].view(np.uint8)], axis=1)
    whole = np.ascontiguousarray(keys).view("V20")[:, 0]
    known = distinct(whole)
    most = known.counts == known.counts.max()
    return int(macs[fit][known.first[most].min()])


def _vectors(counted: _Counted, device: int, n_windows: int) -> Matrix:
    first, number = counted.first, counted.window
    initiated = first["src_mac"] == device
    answered = ~initiated & (first["dst_mac"] == device)
    if device == _NO_DEVICE:
        return empty(N_COLUMNS, n_windows)
    counts = [
        np.maximum(np.bincount(number[mine], minlength=n_windows), 1)
        for mine in (initiated, answered)
    ]
    total = counts[0] + counts[1]
    external = ~(classic_private(first["src_ip"]) & classic_private(first["dst_ip"]))
    plain4 = (first["ip_version"] == _IPV4) & (first["vlan"] < 0)
    protocols = [plain4 & (first["proto"] == proto) for proto in _PROTOCOLS]

    rows, columns, values = [], [], []
    for way, mine in enumerate((initiated, answered)):
        for end, field in enumerate(("src_port", "dst_port")):
            port = first[field].astype(np.int64)
            member = mine & (port < N_PORTS)
            rows.append(number[member])
            columns.append((2 * way + end) * N_PORTS + port[member])
            values.append(1.0 / total[number[member]])
        for k, kind in enumerate((external, *protocols)):
            member = mine & kind
            rows.append(number[member])
            columns.append(np.full(int(member.sum()), 4 * N_PORTS + 4 * way + k, np.int64))
            values.append(1.0 / counts[way][number[member]])
    return from_entries(
        np.concatenate(rows),
        np.concatenate(columns),
        np.concatenate(values),
        n_rows=n_windows,
        n_columns=N_COLUMNS,
    )
