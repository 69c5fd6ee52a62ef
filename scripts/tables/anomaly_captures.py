"""The captures of the anomaly experiments: harmless ones by family, attacks by kind and source.

A *row* is one device of one capture (every link address that sent a frame), or one window of it;
a *case* is one capture, and its score is the highest of its rows': the worst one alarms.
Harmless are the captures of ``labels.csv`` under ``devices/`` that say ``attack`` = no, attacks
those under ``attacks/``. What says *mixed* or *unknown* is used nowhere.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.devices import devices_of
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.devices import Devices
    from plugin.records import Capture

    Rows = NDArray[np.float64]
    Extract = Callable[[Capture, Devices], Rows | tuple[Rows, NDArray[np.int64]]]
    """A capture and its devices in, (n_devices, n_columns) out; or (n_rows, n_columns) and the
    device of each row, where a device has several (windows) or none."""

OFFICE, GADGET = "office", "gadget"
_GADGETS = {
    "console": "GameConsole",
    "ics_hmi": "iFixHMI",
    "ics_plc": "ModiconPLC",
    "iot_assistant": "AmazonEcho",
    "iot_camera": "BlinkCam D-LinkCam D-LinkDayCam EdimaxCam EdnetCam NetatmoWelcomeCam YiCam",
    "iot_hub": "D-LinkDoorSensor D-LinkHomeHub EdnetGateway HomeMaticPlug HueBridge "
    "HueSwitch Lightify MAXGateway NestDevice SmartThingsHub WeMoLink",
    "iot_kitchen": "SmarterCoffee iKettle2",
    "iot_lock": "LocklyHub SchlageLock",
    "iot_plug": "D-LinkSwitch EdimaxPlug1101W EdimaxPlug2101W TP-LinkPlugHS100 "
    "TP-LinkPlugHS110 WeMoInsightSwitch WeMoSwitch",
    "iot_scale": "Aria Withings",
    "iot_sensor": "D-LinkSensor D-LinkSiren D-LinkWaterSensor",
    "phone": "AndroidPhone",
    "workstation": "WinXPWorkstation",
}
"""Families of gadgets by what they are for, whoever made them: the column ``type_group``."""
_FAMILIES = {label: family for family, labels in _GADGETS.items() for label in labels.split()} | {
    "ad_domain_controller": "domain controller",
    "kerberos_kdc": "domain controller",
    "smb_file_server": "file share",
    "nfs_server": "file share",
    "exchange_server": "mail server",
    "mail_server": "mail server",
    "git_server": "git server",
    "ocsp_responder": "certificate server",
    "printer": "printer",
    "windows_workstation": "workstation",
    "developer_workstation": "workstation",
    # as models/sources.csv spells them
    "Active Directory controller": "domain controller",
    "Distributed file share": "file share",
    "Exchange server": "mail server",
    "mail server": "mail server",
    "git server": "git server",
    "OCSP responder": "certificate server",
    "Printer": "printer",
    "Workstation": "workstation",
    "Developer workstation": "workstation",
}


def family_of(label: str) -> str:
    """The family of a label; families are left out together.

    Raises:
        KeyError: nobody said which.
    """
    return _FAMILIES[label]


class Case(NamedTuple):
    """One capture."""

    path: str
    attack: bool
    family: str
    """Of a harmless device: what it is for, of office machines the role. Left out together."""
    place: str
    """Of a harmless device: the column ``network``; of an attack: ``source``."""
    kind: str
    """Of an attack: its folder. Of a harmless device: ``office`` or ``gadget``."""
    source: str
    """The repository it comes from."""
    attack_type: str


class Table(NamedTuple):
    """The cases and their rows."""

    cases: tuple[Case, ...]
    owner: NDArray[np.int64]
    """(n_rows,) the case of each row, ascending."""
    device: tuple[str, ...]
    """(n_rows) the link address (or nothing): for lists of misses, never a feature."""
    values: NDArray[np.float64]
    """(n_rows, n_columns)."""

    @property
    def attack(self) -> NDArray[np.bool_]:
        """(n_cases,) which are attacks."""
        return np.array([case.attack for case in self.cases], np.bool_)

    def column(self, name: str) -> NDArray[np.str_]:
        """(n_cases,) one field of all cases."""
        return np.array([str(getattr(case, name)) for case in self.cases])


def list_cases(data: Path) -> tuple[Case, ...]:
    """The cases of a folder with ``labels.csv``, harmless ones first, in order of path."""
    with (data / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["kind"] == "pcap"]
    found = [_case(row) for row in rows if _is_harmless(row) or row["path"].startswith("attacks/")]
    return tuple(sorted(found, key=lambda case: (case.attack, case.path)))


def _is_harmless(row: dict[str, str]) -> bool:
    return row["path"].startswith("devices/") and row["attack"] == "no"


def _case(row: dict[str, str]) -> Case:
    attack = row["path"].startswith("attacks/")
    source = row["source_repo"].removeprefix("github:")
    return Case(
        path=row["path"],
        attack=attack,
        family="" if attack else family_of(row["label"]),
        place=source if attack else row["network"],
        kind=row["path"].split("/")[1] if attack else GADGET if row["type_group"] else OFFICE,
        source=source,
        attack_type=row["attack_type"] if attack else "",
    )


def table_of(data: Path, extract: Extract, cases: Sequence[Case] | None = None) -> Table:
    """Read every case once and take its rows.

    Args:
        data: the folder with ``labels.csv``.
        extract: gives the rows of a capture that was read with ``packets=True, watched=True``.
        cases: which; all by default.
    """
    chosen = list_cases(data) if cases is None else tuple(cases)
    owner, device, values = [], [], []
    for number, case in enumerate(chosen):
        capture = read_capture(data / case.path, packets=True, watched=True)
        devices = devices_of(capture)
        found = extract(capture, devices)
        rows, of = found if isinstance(found, tuple) else (found, np.arange(len(devices)))
        if len(rows) != len(of):
            raise ValueError(f"{case.path}: {len(rows)} rows for {len(of)} devices")
        owner.append(np.full(len(rows), number))
        device += [devices.macs[k] or "" for k in of.tolist()]
        values.append(rows)
    return Table(chosen, np.concatenate(owner), tuple(device), np.concatenate(values))


def save_table(table: Table, path: Path) -> None:
    """Keep the rows of a table (not its cases) in a file."""
    np.savez_compressed(
        path,
        owner=table.owner,
        device=np.array(table.device),
        values=table.values,
        paths=np.array([case.path for case in table.cases]),
    )


def load_table(data: Path, path: Path) -> Table:
    """The table of a file that :func:`save_table` wrote."""
    known = {case.path: case for case in list_cases(data)}
    with np.load(path) as kept:
        cases = tuple(known[name] for name in kept["paths"].tolist())
        return Table(cases, kept["owner"], tuple(kept["device"].tolist()), kept["values"])
