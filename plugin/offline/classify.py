"""Captures in, a verdict for each of their devices out.

The composition root of ``halia classify``: it joins reading captures, the devices in them,
features and models. Imports numpy and nothing heavier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.addresses import address_text, device_address
from plugin.errors import ModelError, OptionError, SettingsError
from plugin.ml import devices as devices_in
from plugin.ml import verdict
from plugin.ml.features import NEEDS_PACKETS, networkml4104, service_ports
from plugin.ml.matrix import distinct
from plugin.ml.role import calibrate, predict_proba
from plugin.ml.store import find_model, list_models, load_model
from plugin.offline.read import read_capture
from plugin.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.devices import Devices, Views
    from plugin.ml.matrix import Matrix
    from plugin.ml.model import Model
    from plugin.ml.verdict import Verdict
    from plugin.records import Capture

__all__ = [
    "AUTO",
    "Options",
    "classify",
    "classify_capture",
    "find_model",
    "list_models",
    "load_model",
    "load_models",
    "model_folders",
]

AUTO = ("device", "enterprise")
"""Models that ``auto`` runs, the one that answers when none is sure last."""
SECOND = 1_000_000_000


class Options(NamedTuple):
    """How to classify."""

    device: str | None = None
    """Only the device with this MAC or IP address."""
    window: float | None = None
    """Seconds: predict for each window and average; None takes the capture as one."""


def classify(
    path: Path | str,
    *,
    model: str = "auto",
    device: str | None = None,
    window: float | None = None,
) -> list[Verdict]:
    """Say what each device of a capture is.

    Args:
        path: the capture.
        model: a model's name or directory; ``auto`` runs the shipped ones.
        device: only the device with this MAC or IP address.
        window: seconds; see :class:`Options`.

    Raises:
        CaptureError: it cannot be opened, or is no capture.
        ModelError: there is no such model, or it is refused.
        OptionError: ``device`` is no address, or ``window`` no length.
    """
    if window is not None and not window > 0:
        raise OptionError("is no length of a window", where=f"window {window}")
    device = address_option(device)
    models = load_models(model)
    capture = read_capture(path, packets=needs_packets(models))
    return classify_capture(capture, models, Options(device, window))


def model_folders(data: Path | None = None) -> list[Path]:
    """Where named models are looked for; empty if Halia has none with it."""
    try:
        return [data_folder("models", data)]
    except SettingsError:
        if data is not None:
            raise
        return []


def load_models(name: str, data: Path | None = None) -> list[Model]:
    """Load one model, or those of ``auto``.

    Args:
        name: a model's name or directory, or ``auto``.
        data: the setting ``data``, where models/ is.

    Raises:
        ModelError: there is none, or it is refused.
    """
    folders = model_folders(data)
    if name != "auto":
        return [load_model(find_model(name, folders))]
    there = {path.name: path for path in list_models(folders)}
    found = [load_model(there[one]) for one in AUTO if one in there]
    if not found:
        raise ModelError("no models come with this Halia", advice="name one with --model PATH")
    return found


def needs_packets(models: Sequence[Model]) -> bool:
    """Whether captures must be read with ``packets=True`` for these models."""
    return any(model.manifest.schema_name in NEEDS_PACKETS for model in models)


def classify_capture(
    capture: Capture, models: Sequence[Model], options: Options | None = None
) -> list[Verdict]:
    """Say what each device of a capture is; see :func:`classify`."""
    wanted = options or Options()
    devices = devices_in.devices_of(capture)
    sessions = np.bincount(devices.views.device, minlength=len(devices))
    addresses = devices_in.addresses_of(capture, devices)
    ips = [tuple(map(address_text, packed)) for packed in addresses.ips]
    chosen = [k for k in range(len(devices)) if is_device(wanted.device, devices.macs[k], ips[k])]
    if not chosen:
        return []
    found = [_confidences(model, capture, devices, wanted.window) for model in models]
    totals = capture.totals
    start, end = totals.first_ns, totals.last_ns
    seconds = 0.0 if start is None or end is None else (end - start) / SECOND
    recommended = max(model.manifest.window_seconds for model in models)
    warnings = verdict.warnings_of(seconds, recommended, cut=capture.problem is not None)
    if wanted.window is not None:
        warnings += (f"averaged over windows of {wanted.window:g} seconds",)
    verdicts = []
    for k in chosen:
        packets, count = int(devices.packets[k]), int(sessions[k])
        relay = verdict.relay_reason(*addresses.counts[k].tolist()) if addresses.relays[k] else None
        roles = tuple(
            verdict.decide(
                model.manifest, p[k] if covered[k] else None, packets, count, relay=relay
            )
            for model, (p, covered) in zip(models, found, strict=True)
        )
        verdicts.append(
            verdict.Verdict(
                mac=devices.macs[k],
                ips=ips[k],
                source=capture.source,
                packets=packets,
                sessions=count,
                start_ns=start,
                end_ns=end,
                role=verdict.choose(roles),
                roles=roles if len(roles) > 1 else (),
                warnings=warnings,
            )
        )
    return verdicts


def address_option(device: str | None) -> str | None:
    """The address of ``device`` as it is written here.

    Raises:
        OptionError: it is none.
    """
    try:
        return None if device is None else device_address(device)
    except ValueError as error:
        raise OptionError(str(error), where="device") from error


def is_device(wanted: str | None, mac: str | None, ips: tuple[str, ...]) -> bool:
    """Whether a device is the one asked for, by MAC (any case, colons or dashes) or IP address."""
    if wanted is None:
        return True
    return wanted.lower().replace("-", ":") == mac or wanted.lower() in ips


def _confidences(
    model: Model, capture: Capture, devices: Devices, window: float | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Calibrated confidences of every device.

    Per window: the mean over the rows of the window's sessions, calibrated; then the plain mean
    over the windows in which the device has a session. A session belongs to the window of its
    first packet. Without ``window`` the capture is one.

    Returns:
        (n_devices, n_classes), and (n_devices,) which devices there was anything for.
    """
    if model.manifest.schema_name in NEEDS_PACKETS:
        return _by_packets(model, capture, devices, window)
    views = devices.views
    cell, owner = _cells(capture, views, window)
    mean = _cell_means(model, capture, views, cell, len(owner))
    per_cell = calibrate(mean, model.manifest.temperature)
    windows = np.bincount(owner, minlength=len(devices))
    sums = np.zeros((len(devices), per_cell.shape[1]))
    np.add.at(sums, owner, per_cell)
    return sums / np.maximum(windows, 1)[:, None], windows > 0


def _cells(
    capture: Capture, views: Views, window: float | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the (device, window) pairs that have sessions.

    Returns:
        (n_views,) the pair of each view, ascending with its device; (n_cells,) its device.
    """
    number = np.zeros(len(views.session), np.int64)
    if window is not None and len(number):
        start = capture.sessions["start"][views.session]
        number = (start - start.min()) // max(1, int(window * SECOND))
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
    model: Model, capture: Capture, devices: Devices, window: float | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The same for the classic set, whose rows are windows of packets."""
    from plugin.ml.features import classic

    assert capture.packets is not None
    found = np.zeros((len(devices), len(model.manifest.classes)))
    covered = np.zeros(len(devices), np.bool_)
    length = window or model.manifest.window_seconds
    for k, mac in enumerate(devices.mac_ids.tolist()):
        rows = classic.windows(capture.packets, capture.sessions, device=mac, window=length).matrix
        rows = rows.rows(rows.counts() > 0)
        covered[k] = mac >= 0 and rows.n_rows > 0
        if covered[k]:
            each = calibrate(predict_proba(model, rows), model.manifest.temperature)
            found[k] = each.mean(axis=0)
    return found, covered
