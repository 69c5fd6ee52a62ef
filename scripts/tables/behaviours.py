"""Print what behaviours name in the labelled captures of the shared data folder, as markdown.

Usage: python -m scripts.tables.behaviours [--write]

Two tables: devices by group of captures (good ones are false alarms), and the labelled attacks one
by one, with the behaviour that each is expected to be named as, where its kind has one. Parameters
are the default ones. ``--write`` puts both into docs/behaviours.md instead of printing them.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.behaviours import DETECTORS, SKIPPED, judge_all
from bench.inputs import shared_folder
from plugin.ml.behaviour.parameters import Parameters
from plugin.offline.behaviours import behaviours_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.behaviours import Group

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "behaviours.md"
BEGIN = "<!-- figures: begin (python -m scripts.tables.behaviours --write writes this part) -->\n"
END = "<!-- figures: end -->"
EXPECTED = {
    "ARP poisoning": {"arp-spoofing", "address-conflict", "mac-conflict"},
    "DHCP request flood": {"dhcp-flood"},
    "DNS C2 (dnscat2-like)": {"dns-tunnel"},
    "DNS tunnel (iodine)": {"dns-tunnel"},
    "Empire C2 beacon from a workstation": {"beacon"},
    "FTP password guessing": {"brute-force"},
    "HTTPS beacon every 2 s, no jitter (curl loop)": {"beacon"},
    "ICMP sweep": {"icmp-sweep"},
    "ICMP tunnel": {"icmp-tunnel"},
    "Pingback ICMP C2": {"icmp-tunnel"},
    "SSH password guessing": {"brute-force"},
    "TCP SYN flood, spoofed sources": {"syn-flood"},
    "TCP SYN port scan": {"vertical-scan"},
    "TCP amplification": {"amplification"},
    "TCP port scan": {"vertical-scan"},
    "UDP amplification (ISAKMP)": {"amplification"},
    "WannaCry worm spreading": {"horizontal-scan", "admin-fan-out"},
    "vulnerability scan (X-Scan)": {"vertical-scan"},
}
"""By ``attack_type``: any of these is its name. Kinds that are not here have none."""
MISSES = {
    "ARP poisoning": "three ARP packets in 15 s, and the owner of the address speaks no ARP",
    "Empire C2 beacon from a workstation": "to an inside address, where periods are ordinary",
    "Pingback ICMP C2": "twelve packets, and the host itself echoes what it is sent",
    "SSH password guessing": "11 sessions in 70 s; 25 in 60 s are asked for",
    "TCP amplification": "answers without payload, about one a second, one direction only",
    "TCP port scan": "ten packets in 0.2 ms: the capture ends before anybody could have answered",
    "WannaCry worm spreading": "each device in touch with at most four hosts, which answer",
}
"""Why an expected name is not told; looked up in the captures, not derived here."""


class Attack(NamedTuple):
    """A labelled attack capture."""

    path: str
    kind: str
    expected: frozenset[str]
    named: frozenset[str]

    @property
    def right(self) -> bool:
        """It is named as what it is."""
        return bool(self.expected & self.named)


def attacks_in(folder: Path) -> list[Attack]:
    """Judge the labelled attacks of a folder with labels.csv, in the order of their paths."""
    found = []
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        for row in sorted(csv.DictReader(stream), key=lambda row: row["path"]):
            if row["path"].startswith("attacks/") and ".pcap" in row["path"]:
                told = behaviours_in(folder / row["path"], Parameters())
                names = frozenset(one.finding.name for one in told)
                kind = row["attack_type"]
                found.append(Attack(row["path"], kind, frozenset(EXPECTED.get(kind, ())), names))
    return found


def group_lines(groups: Sequence[Group]) -> list[str]:
    """Devices that were named, by group: only behaviours that were found anywhere have a column."""
    shown = [name for name in DETECTORS if any(one.named.get(name) for one in groups)]
    lines = row_lines(
        ("captures", "attack", "captures", "devices", "hours", *shown, "findings"),
        (
            (
                one.name, one.attack, str(one.captures), str(one.devices), f"{one.hours:,.1f}",
                *(str(one.named.get(name, 0)) for name in shown), str(one.told),
            )
            for one in groups
        ),
    )  # fmt: skip
    unseen = ", ".join(f"`{name}`" for name in DETECTORS if name not in shown)
    return [*lines, "", f"In no capture of the folder: {unseen}."]


def attack_lines(attacks: Sequence[Attack]) -> list[str]:
    """Attacks that have a name or got one, and how many have neither."""
    shown = [one for one in attacks if one.expected or one.named]
    lines = row_lines(
        ("capture", "what it is", "expected", "named", ""),
        (
            (
                f"`{one.path.removeprefix('attacks/')}`",
                one.kind,
                " or ".join(sorted(one.expected)) or "-",
                ", ".join(sorted(one.named)) or "-",
                "" if one.right or not one.expected else MISSES.get(one.kind, "not looked into"),
            )
            for one in shown
        ),
    )
    due = [one for one in attacks if one.expected]
    right = sum(one.right for one in due)
    named = sum(bool(one.named) for one in attacks)
    caught = f"Of {len(attacks)} attack captures {named} have a device that is named"
    return [*lines, "", f"{caught}; of the {len(due)} whose kind has a name here, {right} are."]


def row_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in markdown."""
    head = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return head + [f"| {' | '.join(row)} |" for row in rows]


def figures(folder: Path) -> str:
    """Both tables."""
    lines = [*group_lines(judge_all(folder)), "", *attack_lines(attacks_in(folder))]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Print, or write into the document; 2 without the data."""
    folder = shared_folder()
    if folder is None:
        print(SKIPPED, file=sys.stderr)
        return 2
    text = figures(folder)
    if "--write" not in arguments:
        sys.stdout.write(text)
        return 0
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
