"""From sessions to the rows that a model reads, for each of the feature sets in ``SCHEMAS``.

A session has two ends, and a row is written from the point of view of one device: a *view* is
the device's sessions and, for each, whether the device is the originator. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.features import networkml4104, service_ports
from plugin.ml.matrix import Matrix, empty, vstack
from plugin.ml.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from numpy.typing import NDArray

    class CaptureArrays(Protocol):
        """The arrays of a capture that features look at (``plugin.records.Capture`` has them)."""

        @property
        def sessions(self) -> NDArray[np.void]: ...
        @property
        def packets(self) -> NDArray[np.void] | None: ...


__all__ = ["HOST", "NEEDS_PACKETS", "device_rows", "device_view", "extract", "first_sessions"]

HOST = frozenset({"halia-host", "halia-host-sent"})
"""Sets of :mod:`plugin.ml.features.host`: one row a device, or a device's window."""
NEEDS_PACKETS = HOST | {"networkml-4104-window"}
"""Sets that look at single packets: read the capture with ``packets=True``."""


def device_view(capture: CaptureArrays, mac_id: int) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """The sessions in which a device takes part.

    Args:
        capture: what was read.
        mac_id: index into the capture's MAC table.

    Returns:
        (n,) session records and (n,) whether the device is the originator. A session with the
        device at both ends is seen once, from its originator.
    """
    orig = capture.sessions["orig_mac"] == mac_id
    mine = orig | (capture.sessions["resp_mac"] == mac_id)
    chosen = np.flatnonzero(mine)
    return capture.sessions.take(chosen), orig[chosen]


def extract(name: str, sessions: NDArray[np.void], device_is_orig: NDArray[np.bool_]) -> Matrix:
    """Rows of one device's view: one a session, or one for the device (see ``Schema.unit``).

    Raises:
        KeyError: no such set, or one of ``NEEDS_PACKETS`` (see :func:`device_rows`).
    """
    if name == "networkml-4104":
        return networkml4104.rows(sessions, device_is_orig)
    if name == "service-ports":
        return service_ports.rows(sessions, device_is_orig)
    raise KeyError(name)


def device_rows(name: str, capture: CaptureArrays, mac_id: int) -> Matrix:
    """All rows of one device in one capture, for any set.

    Args:
        name: a key of ``SCHEMAS``.
        capture: read with ``packets=True`` if the set is one of ``NEEDS_PACKETS``.
        mac_id: index into the capture's MAC table.

    Raises:
        ValueError: the set needs packets and the capture was read without.
    """
    if name not in NEEDS_PACKETS:
        return extract(name, *device_view(capture, mac_id))
    if capture.packets is None:
        raise ValueError(f"{name} looks at packets: read the capture with packets=True")
    if name in HOST:
        from plugin.ml.features import host

        return host.of_device(capture.packets, capture.sessions, mac_id, name)
    from plugin.ml.features import classic

    result = classic.windows(capture.packets, capture.sessions, device=mac_id)
    return result.matrix if result.matrix.n_rows else empty(classic.N_COLUMNS, 0)


def first_sessions(
    name: str, capture: CaptureArrays, mac_id: int, counts: Sequence[int]
) -> Matrix | None:
    """Rows of a set that sums a device up, as after its first sessions.

    Args:
        name: a key of ``SCHEMAS``.
        capture: read with ``packets=True`` if the set is one of ``NEEDS_PACKETS``.
        mac_id: index into the capture's MAC table.
        counts: (n_rows,) how many sessions each row looks at.

    Returns:
        (n_rows, n_columns), or None: a row of the set is a session or a window.
    """
    sessions, is_orig = device_view(capture, mac_id)
    if name in HOST:
        from plugin.ml.features import host

        assert capture.packets is not None
        return host.first_sessions(capture.packets, sessions, mac_id, counts, name)
    if name in NEEDS_PACKETS or SCHEMAS[name].unit == "session":
        return None
    return vstack([extract(name, sessions[:k], is_orig[:k]) for k in counts])
