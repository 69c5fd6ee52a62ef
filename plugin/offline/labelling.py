"""Labels for captures, in a list that ``halia train`` and ``halia evaluate`` read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from plugin.addresses import address_text
from plugin.durable import replace_file
from plugin.errors import DatasetError, OutputError
from plugin.ml.dataset import choose_device
from plugin.ml.devices import addresses_of, devices_of
from plugin.ml.labels import Table, Told, labelled, parse_table, to_text
from plugin.offline.classify import is_device
from plugin.offline.training import LIST_NAME, file_digest, spelled
from plugin.records import mac_text

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.records import Capture

__all__ = ["LIST_NAME", "List", "device_in", "main_device", "spelled"]


class List:
    """A list of labelled captures in a file.

    Args:
        file: it; it is made with the first label when it is not there.
        network: where the captures were recorded; empty: nobody says.

    Raises:
        DatasetError: there is something else in the file.
    """

    def __init__(self, file: Path, network: str = "") -> None:
        self.file, self._network = file, network
        try:
            text = file.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise DatasetError(f"cannot be read: {reason or error}", where=str(file)) from error
        self.table: Table = parse_table(text, str(file))

    def put(self, capture: Path, label: str, mac: str) -> Told:
        """Label a device of a capture; it is in the file when this returns.

        Args:
            capture: the file.
            label: its class.
            mac: the device.

        Raises:
            OSError: the capture cannot be read.
            OutputError: the list cannot be written.
        """
        where = os.path.relpath(capture.resolve(), self.file.parent.resolve())
        told = labelled(
            self.table,
            {
                "path": where.replace(os.sep, "/"),
                "label": label,
                "mac": mac,
                "device": mac,
                "network": self._network,
                "sha256": file_digest(capture),
            },
        )
        try:
            replace_file(self.file, to_text(told.table).encode())
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror}", where=str(self.file)
            ) from error
        self.table = told.table
        return told


def device_in(capture: Capture, wanted: str) -> str | None:
    """The MAC of the device with this MAC or IP address; None: it has sent nothing here."""
    devices = devices_of(capture)
    ips = addresses_of(capture, devices).ips
    for mac, addresses in zip(devices.macs, ips, strict=True):
        if is_device(wanted, mac, tuple(map(address_text, addresses))):
            return mac
    return None


def main_device(capture: Capture) -> str | None:
    """The device that a capture is of, as training chooses it; None: nobody has a session in it."""
    number = choose_device(capture.macs, capture.sessions)
    return None if number < 0 else mac_text(capture.macs["mac"][number].tobytes())
