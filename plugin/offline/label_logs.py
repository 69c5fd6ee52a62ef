"""Labels in logs: Zeek's conn.log with a field of labels, Suricata's eve.json, other JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.errors import InputError
from plugin.flows.label_mapping import COLUMNS, EVE, NEEDED, TIMES, ZEEK, LabelMapping
from plugin.flows.labels import ABNORMAL, NORMAL
from plugin.offline.label_reading import LabelFile, Reading, near
from plugin.settings.units import quoted
from plugin.zeek.logs import LogReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVE_FIELDS = (
    "event_type", "flow_id", "timestamp", "src_ip", "src_port", "dest_ip", "dest_port", "proto",
    "flow.start", "flow.end", "flow.alerted",
)  # fmt: skip
_NO_LABEL = (
    "name another field in a mapping file (columns: label: conn_state), or say there what all "
    "rows are (every: abnormal)"
)

_CONN = "take the conn.log, which names both ends and the protocol of all connections"


def read_zeek(source: str, lines: Iterator[bytes], given: LabelMapping) -> LabelFile:
    """Read a conn.log, or another of Zeek's logs that has a connection's ends.

    Raises:
        InputError: it has not the fields that are needed, or labels nothing.
    """
    return _read_log("zeek", source, lines, given, ZEEK)


def read_json(source: str, lines: Iterator[bytes], given: LabelMapping) -> LabelFile:
    """Read JSON lines by a mapping; its names may be dotted, as ``flow.start`` is.

    Raises:
        InputError: they have not the fields that are needed, or label nothing.
    """
    return _read_log("json", source, lines, given, EVE)


def _read_log(
    kind: str, source: str, lines: Iterator[bytes], given: LabelMapping, known: LabelMapping
) -> LabelFile:
    mapping = given.over(known)
    needed = NEEDED if mapping.every is not None else (*NEEDED, "label")
    columns = {c: n for c, n in mapping.columns.items() if c in needed or c in TIMES}
    reading = Reading(source, mapping)
    reader = LogReader(fields=set(columns.values()), typed=False, problem=reading.problem)
    must = set(needed) | set(given.columns)
    for line, values in reader.rows(lines):
        if reader.described and not len(reading):  # a long log is not read to its end in vain
            _check(kind, source, reader, columns, must)
        try:
            reading.table.add({column: values.get(name) for column, name in columns.items()})
        except ValueError as error:
            reading.problem(line, str(error))
    _check(kind, source, reader, columns, must)
    return reading.file(kind)


def _check(
    kind: str, source: str, reader: LogReader, columns: dict[str, str], must: set[str]
) -> None:
    """Refuse a log without a field that is needed.

    Raises:
        InputError: the first that is missing.
    """
    for column in COLUMNS:
        name = columns.get(column)
        if name is None or column not in must or name in reader.fields or not reader.fields:
            continue
        if column == "label" and kind == "zeek":
            raise InputError(
                f"no field {quoted(name)}: Zeek itself does not say what is normal",
                where=source,
                advice=_NO_LABEL,
            )
        plain = kind == "zeek" and name == ZEEK.columns[column]
        hint = "" if plain else near(name, reader.fields)
        reason = f"no field {quoted(name)} ({column}){hint}"
        raise InputError(reason, where=source, advice=_CONN if plain else None)


def read_eve(source: str, lines: Iterator[bytes]) -> LabelFile:
    """Read Suricata's eve.json: flows with an alert are abnormal, flows without one normal.

    A flow has an alert if its record says so (``flow.alerted``), or if an alert with its
    ``flow_id`` came before it, as Suricata writes them. An alert whose flow has no record is
    abnormal from the flow's beginning to the alert.

    Raises:
        InputError: it has neither flows nor alerts.
    """
    reading = Reading(source, EVE.over(LabelMapping()))
    alerts: dict[int | str, tuple[int, dict[str, Any]]] = {}
    reader = LogReader(fields=_EVE_FIELDS, typed=False, problem=reading.problem)
    for line, values in reader.rows(lines):
        kind, flow = values["event_type"], values["flow_id"]
        number = flow if isinstance(flow, int | str) else f"line {line}"
        if kind == "alert":
            alerts[number] = (line, values)
        elif kind == "flow":
            alerted = values["flow.alerted"] is True or number in alerts
            alerts.pop(number, None)
            _add(reading, line, values, ABNORMAL if alerted else NORMAL, values["flow.end"])
        else:
            reading.others += 1
    for line, values in alerts.values():
        _add(reading, line, values, ABNORMAL, values["timestamp"])
    return reading.file("eve")


def _add(reading: Reading, line: int, values: dict[str, Any], value: int, end: object) -> None:
    cells = {column: values[name] for column, name in _EVE_ENDS.items()}
    start = values["flow.start"]
    cells |= {"start": values["timestamp"] if start is None else start, "end": end}
    try:
        reading.table.add(cells, value)
    except ValueError as error:
        reading.problem(line, str(error))


_EVE_ENDS = {column: EVE.columns[column] for column in NEEDED}
