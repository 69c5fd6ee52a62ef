"""Novelty of the devices of a capture: their rows, the model of normal, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml import devices as devices_in
from plugin.ml.features import HOST, service_ports
from plugin.ml.matrix import empty, vstack
from plugin.ml.novelty.judge import Device, enough, explained, judge
from plugin.ml.store import find_optional, load_normal
from plugin.ml.verdict import KNOWN
from plugin.offline.host_rows import HostRows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.behaviour.finding import Finding
    from plugin.ml.devices import Devices
    from plugin.ml.matrix import Matrix
    from plugin.ml.novelty.explain import Explanation
    from plugin.ml.novelty.model import Normal
    from plugin.ml.novelty.references import Memory
    from plugin.ml.verdict import Role
    from plugin.records import Capture

SHIPPED = "normal"
"""The model that comes with Halia."""


def load_normals(name: str, folders: Iterable[Path]) -> Normal | None:
    """The model of normal of a name or directory; of the shipped one None if none came along.

    Raises:
        ModelError: there is none, or it is refused.
    """
    place = find_optional(name, SHIPPED, folders)
    return None if place is None else load_normal(place)


def rows_of(capture: Capture, devices: Devices, name: str) -> Matrix:
    """(n_devices, n_columns) a row of each device over the whole capture.

    Args:
        capture: read with ``packets=True`` if the set is one of ``NEEDS_PACKETS``.
        devices: all of its devices, or some (:func:`plugin.ml.devices.chosen_of`).
        name: ``service-ports`` or one of ``HOST``.
    """
    if name in HOST:
        return HostRows(capture, devices, (name,)).of(name, np.arange(len(devices)))
    views, done = devices.views, 0
    parts = []
    for block in devices_in.blocks(views):
        sessions = capture.sessions.take(views.session[block])
        owner = views.device[block] - done
        n = int(owner[-1]) + 1
        parts.append(service_ports.rows(sessions, views.is_orig[block], owner, n))
        done += n
    return vstack([*parts, empty(service_ports.N_COLUMNS, len(devices) - done)])


class Novelties:
    """Says of each device of a capture whether it is novel.

    Args:
        capture: read as its model of normal needs it.
        devices: all of its devices.
        chosen: positions of those that are asked about, ascending.
        normal: the model; None: nothing looks.
        memory: what is remembered of the site; None: nothing.
        rows: rows of the capture that others asked for too.
    """

    def __init__(
        self,
        capture: Capture,
        devices: Devices,
        chosen: NDArray[np.int64],
        normal: Normal | None,
        memory: Memory | None,
        *,
        rows: HostRows | None = None,
    ) -> None:
        self._normal, self._memory = normal, memory
        self._macs = devices.macs
        if normal is None:
            return
        sessions = np.bincount(devices.views.device, minlength=len(devices))
        manifest = normal.manifest
        # A flood of forged addresses has a million devices about which nothing could be said.
        some = (devices.packets >= manifest.min_packets) & (sessions >= manifest.min_sessions)
        kept = chosen[some[chosen]]
        if rows is not None and manifest.schema_name in HOST:
            self._rows = rows.of(manifest.schema_name, kept)
        else:
            some_devices = devices_in.chosen_of(devices, kept)
            self._rows = rows_of(capture, some_devices, manifest.schema_name)
        self._place = dict(zip(kept.tolist(), range(len(kept)), strict=True))

    def of(self, k: int, role: Role, packets: int, sessions: int) -> Finding | None:
        """What novelty there is about device ``k``; None: nothing looked, or saw too little."""
        device = self._device(k, role, packets, sessions)
        return None if device is None or self._normal is None else judge(self._normal, role, device)

    def explained(self, k: int, role: Role, packets: int, sessions: int) -> Explanation | None:
        """Every feature of device ``k`` beside what is usual; None where nothing was compared."""
        device = self._device(k, role, packets, sessions)
        if device is None or self._normal is None or not enough(self._normal, role, device):
            return None
        label = role.labels[0] if role.decision == KNOWN else None
        return explained(self._normal, label, device)

    def _device(self, k: int, role: Role, packets: int, sessions: int) -> Device | None:
        if self._normal is None or k not in self._place:
            return None
        row = self._rows.rows(np.array([self._place[k]])).to_dense()[0]
        site = own = None
        mac = self._macs[k]
        if self._memory is not None and mac is not None:
            own = _fitting(self._memory.own(mac), len(row))
            if role.decision == KNOWN:
                site = _fitting(self._memory.site(role.labels[0], mac), len(row))
        return Device(row, packets, sessions, site, own)


def _fitting(rows: NDArray[np.float32], width: int) -> NDArray[np.float32] | None:
    """Rows of the model's feature set; a site that remembers others remembers nothing for it."""
    return rows if len(rows) and rows.shape[1] == width else None
