"""How often a device is called changed: on its ordinary days, and with an attack among its traffic.

    python -m scripts.tables.change DATA [--write docs/change.md]

DATA is the folder of labelled captures with its labels.csv. Tables in markdown: false alarms
over the windows of devices that were recorded for hours or days (``devices/iot-longrun``), by the
length of the warm-up; and the share of *made* windows that are called changed: a device's last
window with what the main device of an attack capture did in its first 15 minutes, as if the device
had done both; and beside it the same with captures of harmless office machines. No recording of one
device before and during an attack stands behind the second one.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.change.profile import DAY, DEFAULTS, Seen, fresh, update
from plugin.ml.change.rows import host_layout
from plugin.ml.change.score import score
from plugin.ml.dataset import choose_device
from plugin.ml.features import host, host_owners
from plugin.ml.features.host_owners import Owners
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from plugin.ml.change.profile import Parameters, Profile
    from plugin.records import Capture

HARMLESS = "harmless: an office machine"
WINDOW = 900.0
SECOND = 1_000_000_000
WARM_UPS = (4, 12, 24, 48)
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class Traffic(NamedTuple):
    """What one device sent and received in a window."""

    packets: NDArray[np.void]
    sessions: NDArray[np.void]
    owners: Owners
    """Row 0 is the device."""


class Device(NamedTuple):
    """A device that was recorded for long."""

    name: str
    rows: NDArray[np.float32]
    """(n_windows, n_columns), those with enough packets."""
    times: NDArray[np.float64]
    """(n_windows,) seconds."""
    last: Traffic
    """Of the last window."""


def device_of(name: str, capture: Capture, number: int) -> Device:
    """Cut a device's traffic into windows."""
    assert capture.packets is not None
    packets, sessions = capture.packets, capture.sessions
    whole = host_owners.by_mac(packets, sessions, np.array([number]), len(capture.macs))
    origin = int(packets["time"].min())
    cut, _, window = host_owners.windows(whole, packets["time"], sessions["start"], origin, WINDOW)
    rows = host.of_owners(packets, sessions, cut, len(window)).to_dense()
    seen = np.concatenate([cut.sender, cut.receiver])
    counts = np.bincount(seen[seen >= 0], minlength=len(window))
    enough = np.flatnonzero(counts >= DEFAULTS.packets)
    last = int(enough[-1])
    times = WINDOW * (1 + window[enough]).astype(np.float64)
    return Device(name, rows[enough], times, _traffic(packets, sessions, cut, last))


def _traffic(
    packets: NDArray[np.void], sessions: NDArray[np.void], owners: Owners, row: int
) -> Traffic:
    """The packets and sessions of one row, which becomes row 0."""
    here = np.flatnonzero((owners.sender == row) | (owners.receiver == row))
    begun = np.flatnonzero((owners.orig == row) | (owners.resp == row))
    places = (here, here, begun, begun)
    of = [np.where(part[at] == row, 0, -1) for part, at in zip(owners, places, strict=True)]
    return Traffic(packets[here], sessions[begun], Owners(*of))


def main_traffic(capture: Capture) -> Traffic | None:
    """What the main device of a capture did in its first window; None: there is none."""
    assert capture.packets is not None
    number = choose_device(capture.macs, capture.sessions)
    if number < 0:
        return None
    packets, sessions = capture.packets, capture.sessions
    end = int(packets["time"].min()) + int(WINDOW * SECOND)
    packets, sessions = packets[packets["time"] < end], sessions[sessions["start"] < end]
    owners = host_owners.by_mac(packets, sessions, np.array([number]), len(capture.macs))
    return _traffic(packets, sessions, owners, 0)


def together(one: Traffic, other: Traffic) -> NDArray[np.float32]:
    """(n_columns,) the row of a device that did both in the same window."""
    later = int(one.packets["time"].min()) - int(other.packets["time"].min())
    packets, sessions = other.packets.copy(), other.sessions.copy()
    packets["time"] += later
    for name in ("start", "end"):
        if name in (sessions.dtype.names or ()):
            sessions[name] += later
    packets = np.concatenate([one.packets, packets])
    order = np.argsort(packets["time"], kind="stable")
    joined = [np.concatenate(both) for both in zip(one.owners, other.owners, strict=True)]
    owners = Owners(joined[0][order], joined[1][order], joined[2], joined[3])
    sessions = np.concatenate([one.sessions, sessions])
    row: NDArray[np.float32] = host.of_owners(packets[order], sessions, owners, 1).to_dense()[0]
    return row


def replayed(device: Device, how: Parameters) -> tuple[Profile, int, int]:
    """Learn all windows of a device; its profile, windows compared, windows called changed."""
    profile, compared, changed = fresh(host_layout()), 0, 0
    for row, time in zip(device.rows, device.times.tolist(), strict=True):
        found = score(profile, row, host_layout(), how)
        if found is not None:
            compared += 1
            changed += found.score >= found.threshold
        profile = update(profile, Seen(row, time), host_layout(), how)
    return profile, compared, changed


def alarms_table(devices: Sequence[Device]) -> Iterator[str]:
    """False alarms by warm-up and device."""
    names = [_short(one.name) for one in devices]
    yield f"| warm-up | {' | '.join(names)} | all |"
    yield f"|---|{'---|' * (len(names) + 1)}"
    for span, words in ((0.0, ""), (DAY, " and a day")):
        for windows in WARM_UPS:
            how = DEFAULTS._replace(windows=windows, span=span)
            found = [replayed(one, how)[1:] for one in devices]
            compared, changed = (sum(column) for column in zip(*found, strict=True))
            cells = [f"{c} of {n}" if n else "-" for n, c in found]
            share = f"{changed} of {compared} ({changed / max(compared, 1):.1%})"
            yield f"| {windows} windows{words} | {' | '.join(cells)} | {share} |"


class Made(NamedTuple):
    """A window of a device with another's traffic in it."""

    kind: str
    device: str
    packets: int
    """Of the other."""
    changed: bool


def made_of(devices: Sequence[Device], others: Sequence[tuple[str, Traffic]]) -> list[Made]:
    """Put each of the others' traffic among that of each device that has a past."""
    how = DEFAULTS._replace(span=0.0)
    found = []
    for device in devices:
        profile, compared, _ = replayed(device, how)
        for kind, traffic in others if compared else ():
            said = score(profile, together(device.last, traffic), host_layout(), how)
            assert said is not None
            yes = said.score >= said.threshold
            found.append(Made(kind, device.name, len(traffic.packets), yes))
    return found


def by_kind(made: Sequence[Made]) -> Iterator[str]:
    """Made windows that are called changed, by kind of what was put in."""
    kinds = [(kind, [one for one in made if one.kind == kind]) for kind in _names(made, "kind")]
    for kind, mine in [*kinds, ("all attacks", [one for one in made if one.kind != HARMLESS])]:
        captures = len(mine) // max(len(_names(mine, "device")), 1)
        yield f"| {kind} | {captures} | {_shares(mine)} |"


def by_device(made: Sequence[Made]) -> Iterator[str]:
    """The same by device, with how many packets were put in where it was noticed, and where not."""
    for name in _names(made, "device"):
        mine = [one for one in made if one.device == name and one.kind != HARMLESS]
        sizes = ([one.packets for one in mine if one.changed is yes] for yes in (True, False))
        cells = " | ".join(f"{np.median(some):.0f}" if some else "-" for some in sizes)
        yield f"| {_short(name)} | {_shares(mine)} | {cells} |"


def _names(made: Sequence[Made], field: str) -> list[str]:
    return list(dict.fromkeys(getattr(one, field) for one in made))


def _shares(made: Sequence[Made]) -> str:
    changed = sum(one.changed for one in made)
    return f"{len(made)} | {changed} ({changed / max(len(made), 1):.0%})"


def _short(name: str) -> str:
    return name.removesuffix(".pcap").removesuffix("_first")


def _captures(data: Path, folder: str) -> Iterator[tuple[str, dict[str, str], Capture]]:
    with (data / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["path"].startswith(f"{folder}/")]
    for row in rows:
        if row["kind"] == "pcap":
            yield row["path"], row, read_capture(data / row["path"], packets=True)


def _others(data: Path, folder: str) -> Iterator[tuple[str, Traffic]]:
    """What the main devices of a folder's captures did, each with its kind."""
    for path, _, capture in _captures(data, folder):
        traffic = main_traffic(capture)
        if traffic is not None:
            yield path.removeprefix(f"{folder}/").split("/")[0], traffic


def tables(data: Path) -> str:
    """All tables."""
    devices = []
    for path, row, capture in _captures(data, "devices/iot-longrun"):
        number = choose_device(capture.macs, capture.sessions, mac=row["mac"].lower())
        one = device_of(Path(path).name, capture, number)
        if len(one.rows) >= WARM_UPS[0]:
            devices.append(one)
    others = sorted(_others(data, "attacks"), key=lambda one: one[0])
    others += [(HARMLESS, traffic) for _, traffic in _others(data, "devices/enterprise")]
    made = made_of(devices, others)
    lines = [
        *alarms_table(devices),
        "",
        "| put among its traffic | captures | made windows | called changed |",
        "|---|---|---|---|",
        *by_kind(made),
        "",
        "| device | windows with attacks | called changed | packets put in: noticed | not |",
        "|---|---|---|---|---|",
        *by_device(made),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables, or write them into a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", type=Path, help="a document with marks for the figures")
    args = parser.parse_args()
    text = tables(args.data)
    if args.write is None:
        print(text, end="")
        return
    before, _, rest = args.write.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    args.write.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
