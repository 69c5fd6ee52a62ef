"""Labelled captures: which file is whose, and the rows that a model learns from them.

One capture is one sample. A group (capture, device, network) never stands on both sides of a
split. This file computes only; :mod:`plugin.offline.training` reads the files.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from plugin.ml.matrix import Matrix

MIN_CAPTURES = 3
"""A class with fewer captures is not learned; its captures serve the open-set test."""

PREFIXES = (1, 2, 3, 5, 8, 13, 21)
"""How many first sessions of a capture are tried, to learn which evidence suffices."""

_GROUP = "group"
_GROUP_COLUMNS = (_GROUP, "capture", "device")
_KINDS = ("", "pcap")
_MAC = re.compile(r"[\da-f]{2}(?::[\da-f]{2}){5}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One labelled capture of one device."""

    path: str
    """As it stands in the list, relative to the list's folder."""
    label: str
    """The class: a role or a device type."""
    group: str
    """What must not be split: this capture, its device or its network."""
    mac: str = ""
    """The labelled device, where the list says it; else it is chosen by :func:`choose_device`."""
    ip: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    """All columns of the list's row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Samples with their feature rows."""

    features: str
    """Name of the feature set."""
    unit: str
    """``session`` (several rows a sample) or ``device`` (one)."""
    samples: tuple[Sample, ...]
    rows: Matrix
    """(n_rows, n_columns), sample by sample, sessions in order of their begin."""
    owner: NDArray[np.int64]
    """(n_rows,) the sample of each row."""
    packets: NDArray[np.int64]
    """(n_samples,) packets in the device's sessions."""
    sessions: NDArray[np.int64]
    """(n_samples,) sessions of the device."""
    digests: tuple[str, ...]
    """SHA-256 of each file."""
    prefixes: Mapping[int, Matrix] = field(default_factory=dict)
    """Where a row is not one session: number of first sessions -> (n_samples, n_columns)."""

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.samples)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each sample."""
        return tuple(s.label for s in self.samples)

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of each sample."""
        return tuple(s.path for s in self.samples)

    @property
    def groups(self) -> tuple[str, ...]:
        """The group of each sample."""
        return tuple(s.group for s in self.samples)

    def take(self, which: NDArray[np.integer]) -> Material:
        """The chosen samples, in the order asked for."""
        counts = np.bincount(self.owner, minlength=len(self))
        begins = np.concatenate(([0], np.cumsum(counts)))
        pieces = [np.arange(begins[i], begins[i + 1]) for i in which]
        numbers = np.concatenate(pieces) if pieces else np.zeros(0, np.int64)
        return Material(
            features=self.features,
            unit=self.unit,
            samples=tuple(self.samples[i] for i in which),
            rows=self.rows.rows(numbers),
            owner=np.repeat(np.arange(len(which)), counts[which]).astype(np.int64),
            packets=self.packets[which],
            sessions=self.sessions[which],
            digests=tuple(self.digests[i] for i in which),
            prefixes={k: m.rows(np.asarray(which)) for k, m in self.prefixes.items()},
        )

    def grouped_by(self, column: str) -> Material:
        """The same in the groups of a column; ``group`` where the list has none: as they are.

        Raises:
            DatasetError: no such column.
        """
        there = {name for sample in self.samples for name in sample.columns}
        if column == _GROUP and column not in there:
            return self
        if any(column not in sample.columns for sample in self.samples):
            raise DatasetError(
                f"no column {column!r} to leave out by",
                advice=f"the list has {', '.join(sorted({*there, _GROUP}))};"
                " folders ROLE/DEVICE/ or names ROLE-DEVICE-… give a device",
            )
        samples = tuple(replace(s, group=s.columns[column] or s.path) for s in self.samples)
        return replace(self, samples=samples)

    @property
    def prefix_counts(self) -> tuple[int, ...]:
        """Numbers of first sessions that :meth:`first_sessions` can give."""
        return PREFIXES if self.unit == "session" else tuple(self.prefixes)

    def first_sessions(self, count: int) -> tuple[Matrix, NDArray[np.int64]]:
        """Rows and owners as they would be after each sample's first ``count`` sessions."""
        if self.unit != "session":
            return self.prefixes[count], np.arange(len(self))
        counts = np.bincount(self.owner, minlength=len(self))
        place = np.arange(len(self.owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = place < count
        return self.rows.rows(kept), self.owner[kept]


class Cases(NamedTuple):
    """Material with its truth in numbers."""

    material: Material
    y: NDArray[np.int64]
    """(n_samples,) class numbers; ``n_classes`` itself stands for the background: captures
    that are none of the classes, learned only so as not to be taken for one."""
    n_classes: int

    def take(self, which: NDArray[np.integer]) -> Cases:
        """The chosen samples."""
        return Cases(self.material.take(which), self.y[which], self.n_classes)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(n_samples,) which samples have one of the classes."""
        return self.y < self.n_classes


def samples_from_rows(
    rows: Iterable[Mapping[str, str]],
    *,
    label_column: str = "label",
    group_column: str | None = None,
    where: Sequence[tuple[str, str]] = (),
    source: str = "labels.csv",
) -> tuple[Sample, ...]:
    """Read the rows of a labels.csv.

    Args:
        rows: dictionaries of a CSV with a ``path`` column.
        label_column: the column of the class; rows where it is empty are left out.
        group_column: the column of the group; an empty cell is a group of its own. By default
            the first of ``group``, ``capture``, ``device`` that the list has, else each file
            is its own group.
        where: (column, pattern) pairs, as in :mod:`fnmatch`; a row must match all.
        source: the list's name, for messages.

    Raises:
        DatasetError: a column or a cell is missing, an address is none, or nothing is left.
    """
    table = list(rows)
    named = set(table[0]) if table else set()
    group = group_column or next((c for c in _GROUP_COLUMNS if c in named), "path")
    for column in ("path", label_column, group, *(c for c, _ in where)):
        if table and column not in named:
            raise DatasetError(
                f"no column {column!r}", where=source, advice=f"it has {', '.join(sorted(named))}"
            )
    for number, row in enumerate(table, 2):  # the header is row 1
        if None in row.values():  # so csv says that a row has fewer cells than the header
            raise DatasetError("has fewer cells than the header", where=f"{source}: row {number}")
    samples = tuple(
        Sample(
            path=row["path"],
            label=row[label_column],
            group=row[group] or row["path"],
            mac=_mac(row.get("mac", ""), f"{source}: row {number}"),
            ip=_ip(row.get("ip", ""), f"{source}: row {number}"),
            columns=dict(row),
        )
        for number, row in enumerate(table, 2)
        if row.get("kind", "") in _KINDS
        and row[label_column]
        and all(fnmatchcase(row[column], pattern) for column, pattern in where)
    )
    if not samples:
        raise DatasetError("no labelled capture is left", where=source)
    return samples


def _mac(text: str, where: str) -> str:
    mac = text.strip().lower().replace("-", ":")
    if mac and not _MAC.fullmatch(mac):
        raise DatasetError(
            f"{text!r} is no MAC address", where=where, advice="write it as 0e:00:00:00:00:0a"
        )
    return mac


def _ip(text: str, where: str) -> str:
    ip = text.strip()
    try:
        return ip and str(ipaddress.ip_address(ip))
    except ValueError as error:
        raise DatasetError(f"{text!r} is no IP address", where=where) from error


def samples_from_names(paths: Iterable[str], *, source: str = ".") -> tuple[Sample, ...]:
    """Take roles, and devices where they are told, from names.

    A file in a sub-folder has the name of its topmost folder as its role (``Printer/a.pcap``),
    and that of the next one, if there is one, as its device (``Printer/hall/a.pcap``). A file
    without a folder has what stands before the first ``-`` of its name as its role and the second
    part as its device (``ActiveDirectoryController-labs-Fri0036-n00.pcap``). Role and device
    together are the group; where no device is told, the file is its own group.

    Returns:
        Samples with the columns ``path``, ``label``, ``group`` and, if any name tells one,
        ``device`` (empty where it is not told).

    Raises:
        DatasetError: a name carries no role, or there is no file.
    """
    told = []
    for path in sorted(paths):
        *folders, name = path.split("/")
        parts = folders or name.split("-")
        if not folders and (len(parts) < 2 or not parts[0]):  # noqa: PLR2004 — Role-rest
            raise DatasetError(
                "the name carries no role",
                where=path,
                advice="name it Role-device-….pcap, put it in a folder Role/, or make a labels.csv",
            )
        told.append((path, parts[0], "-".join(parts[:2]) if len(parts) > 1 else ""))
    named = any(device for _, _, device in told)
    samples = []
    for path, label, device in told:
        group = device or path
        columns = {"path": path, "label": label, "group": group}
        columns |= {"device": device} if named else {}
        samples.append(Sample(path=path, label=label, group=group, columns=columns))
    if not samples:
        raise DatasetError("no capture in this folder", where=source)
    return tuple(samples)


def choose_device(
    macs: NDArray[np.void], sessions: NDArray[np.void], *, mac: str = "", ip: bytes = b""
) -> int:
    """Find the labelled device among the addresses of its capture.

    The row's MAC decides where it is given; else the row's IP: the MAC that most of its
    sessions show for it. Where neither is given: the MAC that takes part in most sessions (a
    capture at one device has it in all of them); among equals the one that stands for fewest
    IP addresses (a gateway stands for many), then the one with most frames sent and received.

    Args:
        macs: (m,) records of ``MAC.dtype()``.
        sessions: (n,) records of ``SESSION.dtype()``.
        mac: twelve hexadecimal digits with colons, or empty.
        ip: 16 bytes (IPv4 mapped), or empty.

    Returns:
        Index into ``macs``, or -1: not in this capture, or a capture without link addresses.
    """
    if mac:
        wanted = np.frombuffer(bytes.fromhex(mac.replace(":", "")), np.uint8)
        found = np.flatnonzero((macs["mac"] == wanted).all(axis=1))
        return int(found[0]) if len(found) else -1
    ends = [(sessions[f"{end}_ip"], sessions[f"{end}_mac"]) for end in ("orig", "resp")]
    if ip:
        own = np.frombuffer(ip, np.uint8)
        shown = np.concatenate([at[(address == own).all(axis=1)] for address, at in ends])
        shown = shown[shown >= 0]
        return int(np.bincount(shown).argmax()) if len(shown) else -1
    return _main_device(macs, ends)


def _main_device(
    macs: NDArray[np.void], ends: Sequence[tuple[NDArray[np.uint8], NDArray[np.int32]]]
) -> int:
    takes_part: Counter[int] = Counter()
    addresses: dict[int, set[bytes]] = {}
    for address, at in ends:
        for one, number in zip(address, at.tolist(), strict=True):
            if number >= 0 and not macs["mac"][number][0] & 1:  # not broadcast or multicast
                takes_part[number] += 1
                addresses.setdefault(number, set()).add(one.tobytes())
    if not takes_part:
        return -1
    frames = macs["tx_packets"] + macs["rx_packets"]
    return min(takes_part, key=lambda i: (-takes_part[i], len(addresses[i]), -int(frames[i]), i))


def split_open(
    labels: Sequence[str], minimum: int = MIN_CAPTURES
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Samples of classes that can be learned, and those that serve the open-set test."""
    counts = Counter(labels)
    large = np.array([counts[label] >= minimum for label in labels], np.bool_)
    return np.flatnonzero(large), np.flatnonzero(~large)


def encode(labels: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Classes in alphabetical order, and the class number of each label."""
    classes = tuple(sorted(set(labels)))
    number = {name: i for i, name in enumerate(classes)}
    return classes, np.array([number[label] for label in labels], np.int64)


def training_digest(digests: Iterable[str]) -> str:
    """SHA-256 over the sorted SHA-256 digests of the training files, a line each."""
    return hashlib.sha256("\n".join(sorted(digests)).encode("ascii")).hexdigest()
