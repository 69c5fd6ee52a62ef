"""What a window of a device is compared by: the columns of ``halia-host``. Pure.

Some groups of them are left out. Which packets come first, and in which order kinds of packets do,
tells something of a device that is switched on, nothing of a window that begins anywhere; and sizes
and gaps by kind take large steps with the first packet of a kind.
Columns are shares, 0 to 1, and logarithms of base 10, so that one is a large step in each.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from plugin.ml.change.distance import layout
from plugin.ml.features import device_rows, host
from plugin.ml.schema import SCHEMAS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plugin.ml.change.distance import Layout
    from plugin.ml.features import CaptureArrays

LEFT_OUT = frozenset({"first", "order", "kind_sizes", "kind_gaps"})
WORDS = {
    "kinds": "kinds of packets",
    "sizes": "packet sizes",
    "gaps": "gaps between packets",
    "openings": "what sessions begin with",
    "ttl": "TTLs",
    "ip": "IP headers",
    "tcp": "TCP flags and windows",
    "syn": "how TCP sessions are opened",
    "ports": "own ports",
    "peers": "whom it talks to",
    "link": "broadcasts, multicasts and own addresses",
    "arp": "ARP",
    "icmpv6": "ICMPv6",
    "rates": "amounts and rates",
    "services": "services that it serves and uses",
    "sessions": "sessions",
    "turns": "who speaks after whom",
    "balance": "sent against received",
}
"""Groups of columns, as reasons name them."""
FLOORS = {
    "icmpv6": 0.33,
    "link": 0.40,
    "balance": 0.48,
    "turns": 0.56,
    "arp": 0.57,
    "ports": 0.64,
    "kinds": 0.67,
}
"""A sixth of how far apart the two farthest of the 294 shipped reference devices are in a group,
where that is less than the general floor, 1: so a change is told at half of that, at a margin of 3.
"""


@cache
def host_layout() -> Layout:
    """The layout of :func:`host_row`'s rows."""
    schema = SCHEMAS[host.FULL]
    groups = {
        WORDS.get(name, name.replace("_", " ")): columns
        for name, columns in host.groups().items()
        if name not in LEFT_OUT
    }
    floors = {WORDS[name]: floor for name, floor in FLOORS.items()}
    return layout(schema.hash, schema.names, groups, floors=floors)


def host_row(capture: CaptureArrays, number: int) -> NDArray[np.float32]:
    """(n_columns,) the row of a device in a capture.

    Args:
        capture: read with ``packets=True``.
        number: the device's index into the capture's MAC table.
    """
    row: NDArray[np.float32] = device_rows(host.FULL, capture, number).to_dense()[0]
    return row
