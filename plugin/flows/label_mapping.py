"""What the columns of a file of labels mean: known formats, and others by a mapping file.

A mapping file is YAML. All of it is optional; what it leaves out is as in the format that the
file was found to have (CSV: the columns of CIC-IDS-2017; Zeek's conn.log; JSON lines: Suricata's
names)::

    columns:                 # which column is what; blanks around the file's names do not count
      src_ip: Source IP
      dst_ip: Destination IP
      src_port: Source Port
      dst_port: Destination Port
      proto: Protocol        # a number, or tcp, udp
      label: Label
      start: Timestamp       # without it a label holds at all times
      end: Last seen         # or:
      duration: Flow Duration
    normal: [BENIGN, "*-Normal-*"]   # any case, * and ? as in file names; all else is abnormal
    abnormal: [BOT]          # alone: all else is normal; with normal: all else is passed over
    ignore: [Background*]    # passed over in any case
    every: abnormal          # instead of these three: what every row is
    delimiter: ";"           # of a CSV
    directions: both         # a row speaks of the answers too (one: it does not)
    time:
      format: "%d/%m/%Y %H:%M:%S"    # or s, ms, us, ns (since 1970), iso; else s or iso
      zone: "-03:00"         # of times that have none
      duration: us           # unit of the durations: s, ms, us, ns
      slack: 60s             # the times may be wrong by this much
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from plugin.flows.labels import ABNORMAL, NORMAL
from plugin.settings import units

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from yaml.nodes import Node

    from plugin.yaml_places import Document

NEEDED = ("src_ip", "dst_ip", "src_port", "dst_port", "proto")
TIMES = ("start", "end", "duration")
COLUMNS = (*NEEDED, "label", *TIMES)
SCALES = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
AUTO, ISO = "auto", "iso"
_KEYS = (
    "columns", "normal", "abnormal", "ignore", "every", "delimiter", "directions", "time",
)  # fmt: skip
_SOME_TIME = datetime(2017, 7, 3, 12, 8, 11, tzinfo=UTC)
_EVERY = {"normal": NORMAL, "abnormal": ABNORMAL}
_DIRECTIONS = {"one": False, "both": True}


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """What the columns of a file of labels mean."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """:data:`COLUMNS`: the file's own names of them."""
    normal: tuple[str, ...] | None = None
    """Patterns of labels, lower case; None: whatever is not abnormal."""
    abnormal: tuple[str, ...] | None = None
    """None: whatever is not normal."""
    ignore: tuple[str, ...] = ()
    every: int | None = None
    """What all rows are, whatever a label says."""
    delimiter: str | None = None
    both: bool | None = None
    """A row speaks of both directions."""
    time_format: str = AUTO
    """A unit of :data:`SCALES` since 1970, :data:`ISO`, :data:`AUTO`, or a format of strptime."""
    zone_minutes: int = 0
    """East of UTC, for times that do not say."""
    duration_unit: str = "s"
    slack: float = 0.0
    """Seconds."""

    def over(self, known: LabelMapping) -> LabelMapping:
        """Fill in from a known format what this one leaves out.

        Known formats have no times but such as need no description.
        """
        says = (self.normal, self.abnormal, self.every) != (None, None, None) or self.ignore
        verdicts = self if says else known
        columns = known.columns
        if set(TIMES) & set(self.columns):  # the file's own times take the place of all known ones
            columns = {k: v for k, v in columns.items() if k not in TIMES}
        return replace(
            self,
            columns={**columns, **self.columns},
            normal=verdicts.normal,
            abnormal=verdicts.abnormal,
            ignore=verdicts.ignore,
            every=verdicts.every,
            delimiter=self.delimiter or known.delimiter,
            both=known.both if self.both is None else self.both,
        )

    def verdict(self, label: str) -> int | None:
        """What a label says: normal, abnormal, or (None) neither, as an empty one does."""
        if self.every is not None:
            return self.every
        text = label.strip().lower()
        if not text or _any(text, self.ignore):
            return None
        if self.normal is None:
            return ABNORMAL if self.abnormal is None or _any(text, self.abnormal) else NORMAL
        if _any(text, self.normal):
            return NORMAL
        return ABNORMAL if self.abnormal is None or _any(text, self.abnormal) else None


CIC = LabelMapping(
    columns={
        "src_ip": "Source IP",
        "dst_ip": "Destination IP",
        "src_port": "Source Port",
        "dst_port": "Destination Port",
        "proto": "Protocol",
        "label": "Label",
    },
    normal=("benign", "normal"),
    delimiter=",",
    both=False,
)
"""The CSV files of CIC-IDS-2017 as netml reads them: no times, the direction that is written."""

CIC_SHORT = {
    "src_ip": "Src IP", "dst_ip": "Dst IP", "src_port": "Src Port", "dst_port": "Dst Port",
}  # fmt: skip
"""What later versions of its flow meter call the columns."""

ZEEK = LabelMapping(
    columns={
        "src_ip": "id.orig_h",
        "dst_ip": "id.resp_h",
        "src_port": "id.orig_p",
        "dst_port": "id.resp_p",
        "proto": "proto",
        "label": "label",
        "start": "ts",
        "duration": "duration",
    },
    normal=("benign", "normal"),
    ignore=("unknown", "background"),
    both=True,
)
"""A conn.log with a column ``label``, as IoT-23's: Zeek itself judges nothing."""

EVE = LabelMapping(
    columns={
        "src_ip": "src_ip",
        "dst_ip": "dest_ip",
        "src_port": "src_port",
        "dst_port": "dest_port",
        "proto": "proto",
        "label": "label",
        "start": "flow.start",
        "end": "flow.end",
    },
    normal=("benign", "normal"),
    ignore=("unknown", "background"),
    both=True,
)
"""JSON lines of other origin, if they have Suricata's names."""


def parse_mapping(content: str | bytes, source: str) -> LabelMapping:
    """Read a mapping file.

    Args:
        content: YAML.
        source: the file's name, for problems.

    Raises:
        SettingsError: all that is wrong in it, each with its place.
    """
    from plugin.yaml_places import Document  # YAML costs a start that needs none 20 ms

    document = Document(content, source)
    document.bound(10_000)
    found = document.fields(document.root, "", _KEYS)
    columns = {
        name: document.text(node, f"columns.{name}").strip()
        for name, node in document.fields(
            found.get("columns"), "columns", COLUMNS, "column"
        ).items()
    }
    if {"end", "duration"} <= set(columns):
        document.note(found["columns"], "columns", "end and duration: one of them")
    if {"end", "duration"} & set(columns) and "start" not in columns:
        document.note(found["columns"], "columns", "end and duration need start")
    every = _EVERY.get(_choice(document, found.get("every"), "every", _EVERY))
    patterns = {name: _patterns(document, found, name) for name in ("normal", "abnormal", "ignore")}
    if every is not None and any(patterns.values()):
        document.note(found["every"], "every", "takes the place of normal, abnormal and ignore")
    both = _DIRECTIONS.get(_choice(document, found.get("directions"), "directions", _DIRECTIONS))
    mapping = LabelMapping(
        columns=columns,
        normal=patterns["normal"],
        abnormal=patterns["abnormal"],
        ignore=patterns["ignore"] or (),
        every=every,
        delimiter=_delimiter(document, found.get("delimiter")),
        both=both,
        **_time(document, found.get("time")),
    )
    document.finish()
    return mapping


def _patterns(document: Document, found: Mapping[str, Node], name: str) -> tuple[str, ...] | None:
    if name not in found:
        return None
    words = document.texts(found[name], name, many=True) or []
    return tuple((text or "").strip().lower() for text, _ in words)


def _choice(document: Document, node: Node | None, what: str, choices: Collection[str]) -> str:
    """One of several words; empty where it is absent or wrong."""
    text = document.text(node, what)
    if node is not None and text and text not in choices:
        document.note(node, what, f"{' or '.join(choices)} is expected")
    return text


def _delimiter(document: Document, node: Node | None) -> str | None:
    if node is None:
        return None
    text = document.text(node, "delimiter")
    if text and (len(text) > 1 or text in '"\r\n'):
        document.note(node, "delimiter", "one character is expected, such as ; or \\t")
        return None
    return text or None


def _time(document: Document, node: Node | None) -> dict[str, Any]:
    found = document.fields(node, "time", ("format", "zone", "duration", "slack"))
    values: dict[str, Any] = {}
    if "format" in found:
        text = document.text(found["format"], "time.format")
        if text and text not in {*SCALES, ISO} and not _reads_times(text):
            what = "s, ms, us, ns, iso or a format such as %d/%m/%Y %H:%M is expected"
            document.note(found["format"], "time.format", what)
        values["time_format"] = text
    if "zone" in found:
        values["zone_minutes"] = _zone(document, found["zone"])
    if "duration" in found:
        values["duration_unit"] = _choice(document, found["duration"], "time.duration", SCALES)
    if "slack" in found:
        try:
            values["slack"] = units.span(document.text(found["slack"], "time.slack", "0"))
        except ValueError as error:
            document.note(found["slack"], "time.slack", str(error))
    return values


def _reads_times(format_: str) -> bool:
    """Whether strptime can read what it writes by a format."""
    try:
        datetime.strptime(_SOME_TIME.strftime(format_), format_)  # noqa: DTZ007 - not kept
    except (ValueError, re.error):  # a directive that there is none of, one that is there twice
        return False
    return "%" in format_


def _zone(document: Document, node: Node) -> int:
    """Minutes east of UTC of ``+02:00``, ``-0300`` or ``UTC``."""
    text = document.text(node, "time.zone")
    try:
        moment = datetime.strptime("Z" if text.upper() == "UTC" else text, "%z")
    except ValueError:
        document.note(node, "time.zone", 'a time zone such as "-03:00" or UTC is expected')
        return 0
    east = moment.utcoffset() or timedelta()
    return int(east.total_seconds()) // 60


def _any(text: str, patterns: tuple[str, ...]) -> bool:
    return any(text == p or fnmatchcase(text, p) for p in patterns)
