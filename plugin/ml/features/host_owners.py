"""Whose packets and sessions are whose: what turns a capture into rows of ``halia-host``.

A row is a device in a whole capture, or in a window of it. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.core.layout import NO_SESSION, ORIG, RESP
from plugin.ml.matrix import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.devices import Devices

SECOND = 1_000_000_000
LONGEST = 2**62
"""Nanoseconds: a longer window holds every capture too."""


class Owners(NamedTuple):
    """The row of each packet and session at each of its ends; -1 = none."""

    sender: NDArray[np.int64]
    """(n_packets,) row of the device that sent the packet."""
    receiver: NDArray[np.int64]
    """(n_packets,) row of the device that it is addressed to."""
    orig: NDArray[np.int64]
    """(n_sessions,) row of the originator."""
    resp: NDArray[np.int64]
    """(n_sessions,) row of the responder."""


def by_mac(
    packets: NDArray[np.void],
    sessions: NDArray[np.void],
    mac_ids: NDArray[np.integer],
    n_macs: int,
) -> Owners:
    """Rows by link address: row k is ``mac_ids[k]``, -1 is nobody.

    Args:
        packets: (n,) records of ``PACKET.dtype()``.
        sessions: (m,) records of ``SESSION.dtype()``.
        mac_ids: (n_rows,) indices into the MAC table, none twice.
        n_macs: length of that table.
    """
    row = np.full(n_macs + 1, -1, np.int64)  # the last place is that of NO_MAC, -1
    known = np.flatnonzero(np.asarray(mac_ids) >= 0)
    row[np.asarray(mac_ids)[known]] = known
    return Owners(
        row[packets["src_mac"]],
        row[packets["dst_mac"]],
        row[sessions["orig_mac"]],
        row[sessions["resp_mac"]],
    )


def by_devices(
    packets: NDArray[np.void], sessions: NDArray[np.void], devices: Devices, n_macs: int
) -> Owners:
    """Rows by device, in the order of ``devices``; without link addresses by IP address.

    Then a packet is sent by whoever stands at that end of its session, so that packets without a
    session are nobody's.
    """
    if not len(devices) or devices.mac_ids[0] >= 0:
        return by_mac(packets, sessions, devices.mac_ids, n_macs)
    views = devices.views
    ends = np.full((2, len(sessions) + 1), -1, np.int64)  # the last place is that of NO_SESSION
    ends[np.where(views.is_orig, ORIG, RESP), views.session] = views.device
    assert NO_SESSION == -1
    # Records need not have ids from 0 on without gaps, so each is found by its id.
    place = np.searchsorted(sessions["id"], packets["session"])
    place = np.where(packets["session"] == NO_SESSION, -1, place)
    forth = packets["direction"] == ORIG
    orig, resp = ends[ORIG][place], ends[RESP][place]
    return Owners(
        np.where(forth, orig, resp), np.where(forth, resp, orig), ends[ORIG][:-1], ends[RESP][:-1]
    )


def windows(
    owners: Owners, times: NDArray[np.int64], starts: NDArray[np.int64], origin: int, seconds: float
) -> tuple[Owners, NDArray[np.int64], NDArray[np.int64]]:
    """Cut rows into windows of time: one new row for each (row, window) with a packet or session.

    Args:
        owners: the rows to cut.
        times: (n_packets,) ns.
        starts: (n_sessions,) ns; a session belongs to the window in which it began.
        origin: where a window begins, ns.
        seconds: their length.

    Returns:
        The new rows, ascending with the old ones, then with time; (n_new,) the old row of each;
        (n_new,) the number of its window, the first one's being 0.
    """
    length = max(1, int(min(seconds * SECOND, LONGEST)))
    number = np.concatenate([(times - origin) // length] * 2 + [(starts - origin) // length] * 2)
    number -= number.min(initial=0)
    row = np.concatenate(owners)
    some = row >= 0
    keys = row[some] * (int(number.max(initial=0)) + 1) + number[some]
    found = distinct(keys)
    new = np.full(len(row), -1, np.int64)
    new[some] = found.number
    cuts = np.cumsum([len(part) for part in owners])[:-1]
    old = row[some][found.first]
    return Owners(*np.split(new, cuts)), old, number[some][found.first]
