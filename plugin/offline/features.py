"""Captures in, a feature matrix out, and the files it can be written to.

A row is a session or a device (see ``Schema.unit``), from the point of view of one device; a
session between two devices of a capture gives a row for each. With the classic set a row is a
device's window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.addresses import address_text
from plugin.errors import OptionError
from plugin.ml import devices as devices_in
from plugin.ml.features import (
    HOST,
    NEEDS_PACKETS,
    classic,
    host,
    host_owners,
    networkml4104,
    service_ports,
)
from plugin.ml.matrix import Matrix, empty, vstack
from plugin.ml.schema import SCHEMAS
from plugin.offline.classify import address_option, is_device
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.devices import Devices, Views
    from plugin.ml.schema import Schema
    from plugin.records import Capture

NO_SESSION = -1
WINDOW = 900.0
"""Seconds of a classic window."""


class Table(NamedTuple):
    """A feature matrix and what each row is."""

    schema: Schema
    matrix: Matrix
    source: NDArray[np.object_]
    """(n_rows,) the capture."""
    device: NDArray[np.object_]
    """(n_rows,) MAC address of the device, its IP address in captures without."""
    session: NDArray[np.int64]
    """(n_rows,) id of the session in its capture; -1 where a row is a device's.
    In sets with windows: number of the window."""


class Classic(NamedTuple):
    """Options of the sets that look at packets."""

    window: float | None = None
    """Seconds; None: 900 in the classic set, the whole capture in ``halia-host``."""
    threshold: float = 0.0
    """Seconds, of the classic set; 120 is what NetworkML had in effect."""


def features(
    path: Path | str,
    *,
    set: str = "networkml-4104",  # noqa: A002 - the option's name
    device: str | None = None,
    options: Classic | None = None,
) -> Table:
    """Extract the features of a capture.

    Args:
        path: the capture.
        set: a feature set, see ``SCHEMAS``.
        device: only this device, by MAC or IP address.
        options: of the sets that look at packets.

    Raises:
        CaptureError: it cannot be opened, or is no capture.
        OptionError: there is no such set, or ``device`` is no address.
    """
    schema_named(set)
    device = address_option(device)
    capture = read_capture(path, packets=set in NEEDS_PACKETS)
    return features_of(capture, set, device=device, options=options)


def schema_named(name: str) -> Schema:
    """The schema of a feature set.

    Raises:
        OptionError: there is none of that name.
    """
    if name not in SCHEMAS:
        raise OptionError("no such feature set", where=name, advice=f"one of {', '.join(SCHEMAS)}")
    return SCHEMAS[name]


def features_of(
    capture: Capture, name: str, *, device: str | None = None, options: Classic | None = None
) -> Table:
    """Extract the features of a capture that was read; see :func:`features`."""
    devices = devices_in.devices_of(capture)
    ips: list[tuple[str, ...]] = [()] * len(devices)
    if device is not None or None in devices.macs:
        known = devices_in.addresses_of(capture, devices).ips
        ips = [tuple(map(address_text, packed)) for packed in known]
    who = [mac or own[0] for mac, own in zip(devices.macs, ips, strict=True)]
    if name == "networkml-4104-window":
        matrix, owner, session = _windows(capture, devices, options or Classic())
    elif name in HOST:
        matrix, owner, session = _hosts(capture, devices, name, (options or Classic()).window)
    elif name == "networkml-4104":
        views = devices.views
        matrix = vstack([empty(SCHEMAS[name].n_columns), *_session_rows(capture, views)])
        owner, session = views.device, capture.sessions["id"][views.session]
    else:
        matrix = vstack([empty(SCHEMAS[name].n_columns), *_device_rows(capture, devices)])
        owner = np.arange(len(devices))
        session = np.full(len(devices), NO_SESSION)
    if device is not None:
        fits = [is_device(device, devices.macs[k], ips[k]) for k in range(len(devices))]
        kept = np.array(fits, np.bool_)[owner]
        matrix, owner, session = matrix.rows(kept), owner[kept], session[kept]
    source = np.full(len(owner), capture.source, object)
    return Table(SCHEMAS[name], matrix, source, np.array(who, object)[owner], session)


def has_device(capture: Capture, device: str) -> bool:
    """Whether a capture holds a device, be it without sessions and so without rows."""
    devices = devices_in.devices_of(capture)
    known = devices_in.addresses_of(capture, devices).ips
    return any(
        is_device(device, mac, tuple(map(address_text, packed)))
        for mac, packed in zip(devices.macs, known, strict=True)
    )


def joined(tables: Iterable[Table], schema: Schema) -> Table:
    """Several captures' rows, one below the other; no capture gives no rows."""
    parts = list(tables)
    nothing = np.zeros(0, object)
    return Table(
        schema,
        vstack([empty(schema.n_columns), *(part.matrix for part in parts)]),
        np.concatenate([nothing, *(part.source for part in parts)]),
        np.concatenate([nothing, *(part.device for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.session for part in parts)]),
    )


def _session_rows(capture: Capture, views: Views) -> Iterator[Matrix]:
    for block in devices_in.blocks(views):
        sessions = capture.sessions.take(views.session[block])
        yield networkml4104.rows(sessions, views.is_orig[block])


def _device_rows(capture: Capture, devices: Devices) -> Iterator[Matrix]:
    """Rows of devices in order; one without sessions has an empty row."""
    views, done = devices.views, 0
    for block in devices_in.blocks(views):
        sessions = capture.sessions.take(views.session[block])
        owner = views.device[block] - done
        n = int(owner[-1]) + 1
        yield service_ports.rows(sessions, views.is_orig[block], owner, n)
        done += n
    yield empty(service_ports.N_COLUMNS, len(devices) - done)


def _windows(
    capture: Capture, devices: Devices, options: Classic
) -> tuple[Matrix, NDArray[np.int64], NDArray[np.int64]]:
    assert capture.packets is not None
    parts = [empty(classic.N_COLUMNS)]
    owner: list[int] = []
    number: list[int] = []
    for k, mac in enumerate(devices.mac_ids.tolist()):
        found = classic.windows(
            capture.packets,
            capture.sessions,
            device=mac,
            window=WINDOW if options.window is None else options.window,
            threshold=options.threshold,
        )
        parts.append(found.matrix)
        owner += [k] * found.matrix.n_rows
        number += range(found.matrix.n_rows)
    return vstack(parts), np.array(owner, np.int64), np.array(number, np.int64)


def _hosts(
    capture: Capture, devices: Devices, name: str, window: float | None
) -> tuple[Matrix, NDArray[np.int64], NDArray[np.int64]]:
    packets, sessions = capture.packets, capture.sessions
    assert packets is not None
    owners = host_owners.by_devices(packets, sessions, devices, len(capture.macs))
    owner = np.arange(len(devices))
    number = np.full(len(devices), NO_SESSION)
    if window is not None:
        origin = int(packets["time"].min()) if len(packets) else 0
        owners, owner, number = host_owners.windows(
            owners, packets["time"], sessions["start"], origin, window
        )
    matrix = host.of_owners(packets, sessions, owners, len(owner), sent_only=name == host.SENT)
    return matrix, owner, number
