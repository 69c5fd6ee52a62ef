"""Flows to rows of numbers: gaps, sizes, statistics, windows, their transforms, header fields.

SOURCE of each: netml 0.7.1 (what its ``PCAP.flow2features`` gives); :func:`matrix` says how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin import core
from plugin.flows import by_numpy
from plugin.flows.cut import nanoseconds
from plugin.flows.spec import FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.flows.records import Flows
    from plugin.flows.spec import Spec

    Array = NDArray[np.float64]

CHUNK = 8192
"""Flows transformed at a time, so that the memory beside the result is bounded."""


def matrix(flows: Flows, spec: Spec) -> Array:
    """A row for each flow, (n, spec.dimension) float64.

    IAT
        seconds from each packet to the next.
    SIZE
        bytes on the wire of each packet.
    IAT_SIZE
        a size after each gap: the gap to the next packet, the packet's size, and so on. The last
        packet has no gap: its size stands where that would.
    STATS
        duration (s), packets and bytes by duration (0 where that is 0), mean, standard deviation
        (of the population) and quartiles (between the two nearest in proportion) of the sizes,
        least, largest, packets, bytes.
    SAMP_NUM, SAMP_SIZE
        packets, or bytes, by window. A window ends with the last packet that is no more than its
        length after its begin; the next begins a length later. Windows that pass without a packet
        are 0, at most 500 between two packets and in all. The next packet counts in the window
        that began last, however little is left of it.

    A row ends with zeros, or the flow is cut, where their lengths differ. Header fields stand
    first: how often each TCP flag was set in the whole flow, then the TTL of each packet. The
    transform is the real part of the discrete Fourier transform, of values and header fields apart.

    Args:
        flows: parts of flows (:func:`plugin.flows.cut.cut`).
        spec: which columns.
    """
    made = np.zeros((len(flows), spec.dimension))
    if not len(flows):
        return made
    window = 0 if spec.sampling is None else max(1, nanoseconds(spec.sampling))
    compiled = core.flow_loops()
    if compiled is None:
        by_numpy.rows(flows, spec.feature, window, header=spec.header, out=made)
    else:
        starts, time, size, ttl, flags = (np.ascontiguousarray(each).data for each in flows[1:])
        how = (FEATURES.index(spec.feature), spec.header, window)
        compiled.flow_rows((starts, time, size, ttl, flags), how, spec.values, made.data)
    if spec.fft:
        _transform(made[:, : spec.headers])
        _transform(made[:, spec.headers :])
    return made


def _transform(rows: Array) -> None:
    """The real part of each row's discrete Fourier transform, in its place."""
    width = rows.shape[1]
    for at in range(0, len(rows) if width else 0, CHUNK):
        some = rows[at : at + CHUNK]
        half = np.fft.rfft(some, axis=1).real
        some[:, : half.shape[1]] = half
        # The real part of a real row's transform is the same from both ends.
        some[:, half.shape[1] :] = half[:, 1 : width - half.shape[1] + 1][:, ::-1]
