"""``networkml-4104``: one sparse row a session, as NetworkML's README describes it.

For each of the two directions, the packets that the device sends in the session and those that
it receives: the share of packets with source port 1, 2 ... 1024, with destination port 1 ...
1024, the share that is TCP, UDP, ICMP, and the share that belongs to an external session. All
packets of one direction of a session have the same ports and protocol, so each value is 1 where
that direction has packets and the port, protocol or place fits, else 0: at most 8 stored values
a row. The order of columns is NetworkML's: ports sent, ports received, then the four shares of
each direction. Ports above 1024 have no column; ICMP covers ICMPv6.

External: not both ends are inside, see :func:`plugin.ml.features.addresses.local`.
Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.features.addresses import local
from plugin.ml.matrix import Matrix, starts_of
from plugin.ml.schema import N_PORTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SENT_SOURCE, SENT_DESTINATION, RECEIVED_SOURCE, RECEIVED_DESTINATION = (
    place * N_PORTS for place in range(4)
)
TAIL_SENT = 4 * N_PORTS
TAIL_RECEIVED = TAIL_SENT + 4
EXTERNAL, TCP, UDP, ICMP = range(4)

_OFFSET = np.zeros(256, np.int32)
_OFFSET[[6, 17, 1, 58]] = (TCP, UDP, ICMP, ICMP)


def rows(sessions: NDArray[np.void], device_is_orig: NDArray[np.bool_]) -> Matrix:
    """One row a session.

    Args:
        sessions: (n,) records of ``SESSION.dtype()``.
        device_is_orig: (n,) whether the device is the session's originator.

    Returns:
        (n, 4104) matrix; a row without packets in a direction has no values for it.
    """
    orig, resp = sessions["orig_port"], sessions["resp_port"]
    own = np.where(device_is_orig, orig, resp).astype(np.int32)
    peer = np.where(device_is_orig, resp, orig).astype(np.int32)
    orig_packets, resp_packets = sessions["orig_packets"] > 0, sessions["resp_packets"] > 0
    sent = np.where(device_is_orig, orig_packets, resp_packets)
    received = np.where(device_is_orig, resp_packets, orig_packets)
    proto = sessions["proto"]
    known = _OFFSET[proto] > 0
    external = ~(local(sessions["orig_ip"]) & local(sessions["resp_ip"]))
    own_bin, peer_bin = (own > 0) & (own <= N_PORTS), (peer > 0) & (peer <= N_PORTS)

    # Eight candidate values a row, in ascending order of columns, and which of them exist.
    n = len(sessions)
    columns = np.empty((n, 8), np.int32)
    exists = np.empty((n, 8), np.bool_)
    candidates = (
        (SENT_SOURCE - 1 + own, sent & own_bin),
        (SENT_DESTINATION - 1 + peer, sent & peer_bin),
        (RECEIVED_SOURCE - 1 + peer, received & peer_bin),
        (RECEIVED_DESTINATION - 1 + own, received & own_bin),
        (TAIL_SENT + EXTERNAL, sent & external),
        (TAIL_SENT + _OFFSET[proto], sent & known),
        (TAIL_RECEIVED + EXTERNAL, received & external),
        (TAIL_RECEIVED + _OFFSET[proto], received & known),
    )
    counts = np.zeros(n, np.int8)
    for k, (column, there) in enumerate(candidates):
        columns[:, k] = column
        exists[:, k] = there
        counts += there
    indices = columns.ravel().compress(exists.ravel())
    return Matrix(
        starts_of(counts),
        indices,
        np.ones(len(indices), np.float32),
        TAIL_RECEIVED + 4,
    )
