"""What a model of roles says about all devices of a capture: calibrated confidences.

Per window: the mean over the rows of the window's sessions, calibrated; then the plain mean over
the windows in which the device has a session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml import devices as devices_in
from plugin.ml.features import HOST, NEEDS_PACKETS, networkml4104, service_ports
from plugin.ml.matrix import distinct
from plugin.ml.role import calibrate, predict_proba

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.ml.devices import Devices, Views
    from plugin.ml.matrix import Matrix
    from plugin.ml.model import Model
    from plugin.offline.host_rows import HostRows
    from plugin.records import Capture

SECOND = 1_000_000_000
LONGEST = 2**62
"""Nanoseconds: a longer window holds every capture too."""


class Parts(NamedTuple):
    """How a capture is cut for prediction."""

    window: float | None
    """Seconds; None: it is one."""
    origin: int
    """Where the first begins, ns."""


class Asked(NamedTuple):
    """Which devices are asked about."""

    chosen: NDArray[np.int64]
    """Their positions among all devices of the capture, ascending."""
    rows: HostRows
    """Of the whole capture, where it is not cut."""


def confidences_of(
    model: Model, capture: Capture, devices: Devices, parts: Parts, asked: Asked | None = None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Calibrated confidences of every device.

    Per window: the mean over the rows of the window's sessions, calibrated; then the plain mean
    over the windows in which the device has a session. A session belongs to the window of its
    first packet. Without ``window`` the capture is one.

    Args:
        model: whose classes.
        capture: read as the model needs it.
        devices: those that are asked about.
        parts: how the capture is cut.
        asked: where they are among all devices, to take their rows from what is known already.

    Returns:
        (n_devices, n_classes), and (n_devices,) which devices there was anything for.
    """
    if model.manifest.schema_name in NEEDS_PACKETS:
        return _by_packets(model, capture, devices, parts, asked)
    views = devices.views
    cell, owner = _cells(capture, views, parts)
    mean = _cell_means(model, capture, views, cell, len(owner))
    per_cell = calibrate(mean, model.manifest.temperature)
    windows = np.bincount(owner, minlength=len(devices))
    sums = np.zeros((len(devices), per_cell.shape[1]))
    np.add.at(sums, owner, per_cell)
    return sums / np.maximum(windows, 1)[:, None], windows > 0


def _cells(
    capture: Capture, views: Views, parts: Parts
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the (device, window) pairs that have sessions.

    Returns:
        (n_views,) the pair of each view, ascending with its device; (n_cells,) its device.
    """
    number = np.zeros(len(views.session), np.int64)
    if parts.window is not None and len(number):
        start = capture.sessions["start"][views.session]
        length = max(1, int(min(parts.window * SECOND, LONGEST)))
        number = (start - parts.origin) // length
    pairs = views.device * (int(number.max(initial=0)) + 1) + number
    found = distinct(pairs)
    return found.number, views.device[found.first]


def _cell_means(
    model: Model, capture: Capture, views: Views, cell: NDArray[np.int64], n_cells: int
) -> NDArray[np.float64]:
    """(n_cells, n_classes) mean probabilities over each cell's rows, in bounded memory."""
    n_classes = len(model.manifest.classes)
    sums = np.zeros((n_cells, n_classes))
    counts = np.zeros(n_cells)
    for block in devices_in.blocks(views):
        sessions = capture.sessions.take(views.session[block])
        is_orig, cells = views.is_orig[block], cell[block]
        if model.manifest.schema_name == "networkml-4104":
            rows: Matrix = networkml4104.rows(sessions, is_orig)
            owner = cells
        else:
            # All windows of a device are in its block, so each cell is summed up in one.
            known = distinct(cells)
            owner = cells[known.first]
            rows = service_ports.rows(sessions, is_orig, known.number, len(owner))
        np.add.at(sums, owner, predict_proba(model, rows))
        np.add.at(counts, owner, 1)
    return sums / np.maximum(counts, 1)[:, None]


def _by_packets(
    model: Model, capture: Capture, devices: Devices, parts: Parts, asked: Asked | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The same for sets that look at packets."""
    if model.manifest.schema_name in HOST:
        return _by_host(model, capture, devices, parts, asked)
    from plugin.ml.features import classic

    assert capture.packets is not None
    found = np.zeros((len(devices), len(model.manifest.classes)))
    covered = np.zeros(len(devices), np.bool_)
    length = parts.window or model.manifest.window_seconds
    for k, mac in enumerate(devices.mac_ids.tolist()):
        rows = classic.windows(capture.packets, capture.sessions, device=mac, window=length).matrix
        rows = rows.rows(rows.counts() > 0)
        covered[k] = mac >= 0 and rows.n_rows > 0
        if covered[k]:
            each = calibrate(predict_proba(model, rows), model.manifest.temperature)
            found[k] = each.mean(axis=0)
    return found, covered


def _by_host(
    model: Model, capture: Capture, devices: Devices, parts: Parts, asked: Asked | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The same for ``halia-host``: a row for each device and window."""
    from plugin.ml.features import host, host_owners

    packets, sessions = capture.packets, capture.sessions
    assert packets is not None
    name = model.manifest.schema_name
    owner = np.arange(len(devices))
    if parts.window is None and asked is not None:
        rows = asked.rows.of(name, asked.chosen)
    else:
        owners = host_owners.by_devices(packets, sessions, devices, len(capture.macs))
        if parts.window is not None:
            cut = packets["time"], sessions["start"], parts.origin, parts.window
            owners, owner, _ = host_owners.windows(owners, *cut)
        (rows,) = host.sets_of_owners(packets, sessions, owners, len(owner), (name,))
    some = rows.counts() > 0
    each = calibrate(predict_proba(model, rows.rows(some)), model.manifest.temperature)
    found = np.zeros((len(devices), len(model.manifest.classes)))
    np.add.at(found, owner[some], each)
    counts = np.bincount(owner[some], minlength=len(devices))
    return found / np.maximum(counts, 1)[:, None], counts > 0
