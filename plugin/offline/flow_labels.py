"""Files of labels of flows: what a file is, is told by its content, never by its name.

Known are CSV with the columns of CIC-IDS-2017, Zeek's conn.log (its own text format and JSON) with
a column ``label``, Suricata's eve.json, and anything else in columns by a mapping file.
"""

from __future__ import annotations

import json
from itertools import chain, islice
from typing import TYPE_CHECKING

from plugin.errors import InputError, printable
from plugin.flows.label_mapping import LabelMapping, parse_mapping
from plugin.flows.labels import UNLABELLED, known, match
from plugin.offline.label_csv import read_csv
from plugin.offline.label_logs import read_eve, read_json, read_zeek
from plugin.offline.label_reading import LabelFile
from plugin.offline.text_lines import open_lines
from plugin.zeek.logs import flat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from plugin.flows.records import Flows

__all__ = ["LabelFile", "must_match", "read_labels", "read_mapping"]

_LOOKED_AT = 100
"""Lines in which a JSON log may show what it is: the first may be torn."""
_BOM = b"\xef\xbb\xbf"
_CAPTURES = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",
)
_ZEEK_HEADS = tuple(
    b"#" + name
    for name in (
        b"separator", b"set_separator", b"empty_field", b"unset_field", b"path", b"open",
        b"fields", b"types",
    )
)  # fmt: skip


def read_mapping(path: Path) -> LabelMapping:
    """Read a mapping file.

    Raises:
        SettingsError: all that is wrong in it, each with its place.
    """
    from plugin.yaml_places import read_limited

    return parse_mapping(read_limited(path, kind="mapping file"), printable(str(path)))


def read_labels(
    path: Path,
    *,
    mapping: LabelMapping | None = None,
    progress: Callable[[int], None] | None = None,
) -> LabelFile:
    """Read a file of labels.

    Args:
        path: the file, ``-`` for standard input; gzip, xz and zstd are unpacked.
        mapping: what its columns mean, where they are not those of a known format.
        progress: called with the bytes of the file taken so far.

    Raises:
        InputError: it cannot be read, is nothing that is known, or labels nothing. (Rows that are
            damaged come as ``problems``.)
    """
    given = mapping or LabelMapping()
    with open_lines(path, progress) as (name, lines):
        head = list(islice(lines, _LOOKED_AT))
        if head:
            head[0] = head[0].removeprefix(_BOM)
        first = _first(head, name)
        whole = chain(head, lines)
        if first.startswith(_ZEEK_HEADS):
            return read_zeek(name, whole, given)
        if not first.startswith(b"{"):
            return read_csv(name, whole, given)
        fields = _fields(head)
        if "id.orig_h" in fields:
            return read_zeek(name, whole, given)
        if "event_type" in fields and mapping is None:
            return read_eve(name, whole)
        return read_json(name, whole, given)


def _first(head: list[bytes], source: str) -> bytes:
    """The first line that is not blank.

    Raises:
        InputError: there is none, or it is the beginning of something else.
    """
    if b"".join(head[:2]).startswith(_CAPTURES):  # pcapng begins with a line feed
        raise InputError("is a capture, no file of labels", where=source)
    first = next((line for line in head if line.strip()), None)
    if first is None:
        raise InputError("is empty: no labels", where=source)
    if first.lstrip().startswith(b"["):
        raise InputError("is a JSON array; JSON lines, one object each, are expected", where=source)
    return first


def _fields(head: list[bytes]) -> set[str]:
    """The fields of the first line that is JSON as it should be."""
    for line in head:
        try:
            return set(flat(json.loads(line)))
        except (ValueError, AttributeError, RecursionError):  # no JSON, no object, too deep
            continue
    return set()


def must_match(flows: Flows, file: LabelFile) -> NDArray[np.int8]:
    """What a file says of each flow: see :func:`plugin.flows.labels.match`.

    Raises:
        InputError: it says nothing of any of them, though there are some.
    """
    values = match(flows, file.labels)
    if not len(values) or (values != UNLABELLED).any():
        return values
    at_all = known(flows, file.labels)
    if at_all:
        reason = f"its labels have the addresses and ports of {at_all} flows, but other times"
        advice = "give the time zone in a mapping file (time: zone), or no start column"
    else:
        reason = f"none of its {file.labels.total} labels has the addresses and ports of a flow"
        advice = "it belongs to another capture, or names the other direction (directions: both)"
    raise InputError(reason, where=file.source, advice=advice)
