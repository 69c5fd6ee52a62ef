"""``service-ports``: one sparse row a device; what it serves and what it uses.

Sizes, timing and TTLs learn the laboratory in which they were recorded; who serves which
well-known port and who uses it is what survives a change of network. Values:

* ``serves_X``: sessions in which the device served X / sessions in which it served anything;
* ``uses_X``: sessions in which it asked for X / sessions in which it asked for anything;
* ``share_*``: sessions of that kind / all sessions of the device.

The server of a session is its responder. Where a TCP session has no SYN (it began before the
capture) or the protocol is not TCP, the originator may be misjudged: it is then the server if
its port has a column of its own or is below 1024 and the responder's port ranks lower (own
column, then 1-1023, then 1024-49151, then the rest). Served means that the server sent a
packet and, for TCP, not only a reset. An unanswered or refused request still is a use: the
client's part shows what it wanted. Headers only; computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml import services
from plugin.ml.features.addresses import groups as is_group
from plugin.ml.features.addresses import local
from plugin.ml.matrix import Matrix, distinct, from_entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

SYN, RST = 2, 4
N_TOKENS = len(services.TOKENS)
N_COLUMNS = 2 * N_TOKENS + len(services.SHARES)
_FIRST_SHARE = 2 * N_TOKENS
_SHARE = {name: _FIRST_SHARE + k for k, name in enumerate(services.SHARES)}
_ICMP, _ICMPV6, _OTHER = (services.TOKENS.index(name) for name in services.OTHERS)
_LOWEST_SERVER_RANK = 1


class Service(NamedTuple):
    """What each of n sessions is a use of, and how it went."""

    token: NDArray[np.int32]
    """(n,) index into ``services.TOKENS``."""
    server_is_resp: NDArray[np.bool_]
    """(n,) whether the responder is the server."""
    silent: NDArray[np.bool_]
    """(n,) the server sent nothing."""
    refused: NDArray[np.bool_]
    """(n,) the server sent nothing but TCP resets."""


def services_of(sessions: NDArray[np.void]) -> Service:
    """Find the server and the service of each of (n,) session records."""
    tables = services.port_tables()
    proto = sessions["proto"]
    tcp, udp = proto == services.TCP, proto == services.UDP
    orig, resp = sessions["orig_port"], sessions["resp_port"]
    flags_orig, flags_resp = sessions["orig_tcp_flags"], sessions["resp_tcp_flags"]

    kind = udp.astype(np.intp)
    rank_orig, rank_resp = tables.rank[kind, orig], tables.rank[kind, resp]
    sure = tcp & (((flags_orig | flags_resp) & SYN) > 0)
    swapped = (tcp | udp) & ~sure & (rank_orig <= _LOWEST_SERVER_RANK) & (rank_orig < rank_resp)

    port = np.where(swapped, orig, resp)
    token = np.full(len(sessions), _OTHER, np.int32)
    token[tcp] = tables.tcp[port[tcp]]
    token[udp] = tables.udp[port[udp]]
    token[proto == services.ICMP] = _ICMP
    token[proto == services.ICMPV6] = _ICMPV6

    packets = np.where(swapped, sessions["orig_packets"], sessions["resp_packets"])
    payload = np.where(swapped, sessions["orig_payload_bytes"], sessions["resp_payload_bytes"])
    flags = np.where(swapped, flags_orig, flags_resp)
    silent = packets == 0
    refused = tcp & ~silent & ((flags & RST) > 0) & ((flags & SYN) == 0) & (payload == 0)
    return Service(token, ~swapped, silent, refused)


def rows(
    sessions: NDArray[np.void],
    device_is_orig: NDArray[np.bool_],
    device: NDArray[np.integer] | None = None,
    n_devices: int = 1,
) -> Matrix:
    """One row a device.

    Args:
        sessions: (n,) records of ``SESSION.dtype()``.
        device_is_orig: (n,) whether the device is the session's originator.
        device: (n,) row to which each session belongs; without it all belong to row 0.
        n_devices: rows of the result.

    Returns:
        (n_devices, N_COLUMNS) matrix; a device without sessions has an empty row.
    """
    owner = np.zeros(len(sessions), np.int64) if device is None else device.astype(np.int64)
    service = services_of(sessions)
    serving = device_is_orig ^ service.server_is_resp
    answered = ~service.silent & ~service.refused
    served, used = serving & answered, ~serving
    external = ~(local(sessions["orig_ip"]) & local(sessions["resp_ip"]))
    multicast = is_group(sessions["resp_ip"])

    per_device = 1.0 / np.maximum(np.bincount(owner, minlength=n_devices), 1)
    parts = [
        _entries(owner, served, service.token, _one_over(owner, served, n_devices)),
        _entries(owner, used, N_TOKENS + service.token, _one_over(owner, used, n_devices)),
    ]
    shares = {
        "serves": served,
        "serves_external": served & external,
        "uses": used,
        "uses_external": used & external,
        "uses_multicast": used & multicast,
        "refused": used & service.refused,
        "silent": used & service.silent & ~multicast,
        "called_refused": serving & service.refused,
        "called_silent": serving & service.silent,
    }
    for name, member in shares.items():
        column = np.full(len(sessions), _SHARE[name], np.int32)
        parts.append(_entries(owner, member, column, per_device))
    rows_, columns, values = (np.concatenate(list(part)) for part in zip(*parts, strict=True))
    return from_entries(rows_, columns, values, n_rows=n_devices, n_columns=N_COLUMNS)


def _one_over(
    owner: NDArray[np.int64], member: NDArray[np.bool_], n_devices: int
) -> NDArray[np.float64]:
    """(n_devices,) 1 / how many of its sessions are members; 1 where none is."""
    return 1.0 / np.maximum(np.bincount(owner[member], minlength=n_devices), 1)


def _entries(
    owner: NDArray[np.int64],
    member: NDArray[np.bool_],
    column: NDArray[np.int32],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Each member session adds its device's weight to a column of its device's row.

    Counted first, weighted after: a share is one division of whole numbers, not a sum of many
    rounded ones.
    """
    chosen = owner[member]
    keys = chosen * N_COLUMNS + column[member]
    found = distinct(keys)
    rows_, columns = np.divmod(keys[found.first], N_COLUMNS)
    return rows_, columns.astype(np.int32), found.counts * weight[rows_]
