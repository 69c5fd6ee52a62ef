"""Peers of a device's own IPv6 network that count as outside.

Inside are private addresses (docs/features.md). Where an office gives its machines global IPv6
addresses, colleagues are outside by that rule, and a poll of the file server looks like a beacon.
Who reads such a finding should know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.addresses import address_text
from plugin.ml import services
from plugin.ml.features.addresses import is_v4, local, words
from plugin.ml.matrix import distinct

if TYPE_CHECKING:
    from plugin.ml.devices import Devices
    from plugin.records import Capture

_HALF = 8
"""Bytes of an IPv6 address that name its network (RFC 4291, 2.5.1)."""


def own_network_words(capture: Capture, devices: Devices, k: int) -> str | None:
    """The warning about a device; None: it has no such peers.

    Counted are TCP and UDP sessions whose two ends share a /64 that is not inside.

    Args:
        capture: the capture.
        devices: its devices.
        k: position of the device.
    """
    views = devices.views
    first, last = np.searchsorted(views.device, [k, k + 1])
    sessions = capture.sessions[views.session[first:last]]
    high, low = words(sessions["orig_ip"])
    near = (high == words(sessions["resp_ip"])[0]) & ~is_v4(high, low)
    near &= ~local(sessions["orig_ip"]) & ~local(sessions["resp_ip"])
    near &= (sessions["proto"] == services.TCP) | (sessions["proto"] == services.UDP)
    if not near.any():
        return None
    mine = views.is_orig[first:last, None]
    peers = np.where(mine, sessions["resp_ip"], sessions["orig_ip"])[near]
    number = len(distinct(np.ascontiguousarray(peers).view("V16")[:, 0]).first)
    network = address_text(peers[0, :_HALF].tobytes() + bytes(_HALF))
    return (
        f"{number} of its peers {'is' if number == 1 else 'are'} in its own network {network}/64,"
        " which counts as outside: what was found may be ordinary work among neighbours"
    )
