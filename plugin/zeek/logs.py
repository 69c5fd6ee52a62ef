"""Zeek's logs as typed rows: its own text format and JSON, a line at a time.

The text format describes itself in lines that begin with ``#``: separators, how an unset and an
empty field are written, names and types of the columns. Such a head may come again in the middle,
where files were put together. Sources: Zeek's manual on its log formats, and its ASCII writer's
reference for the escapes. Which column is which is told by its name, never by its place.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.zeek.values import KNOWN, Marks, converter, json_value, unescape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

_WIDE = re.compile(r" {2,}")
"""What IoT-23 puts between the last columns, which it added to Zeek's."""
_NESTED_MAX = 4
_MARKS = {"#set_separator": "between", "#empty_field": "empty", "#unset_field": "unset"}


class Row(NamedTuple):
    """One line of a log."""

    line: int
    """Its number in the file, from 1."""
    values: dict[str, Any]
    """By field: None where it is unset or absent; see :mod:`plugin.zeek.values` for the types."""


class _Column(NamedTuple):
    name: str
    at: int
    convert: Callable[[str], Any]


class LogReader:
    """Reads one log, or several one after the other.

    Attributes:
        fields: names of the present columns; of JSON, of all lines so far.
        path: what Zeek calls the log, such as ``conn``; empty: it does not say.
        closed: the log says that it was closed: it is whole.
    """

    def __init__(
        self,
        *,
        fields: Collection[str] | None = None,
        typed: bool = True,
        problem: Callable[[int, str], None] | None = None,
    ) -> None:
        """Begin.

        Args:
            fields: those that are wanted; others are not looked at. None: all.
            typed: make numbers, times … of the texts; else they stay as they are written, unset
                fields excepted.
            problem: called with the number of each line that is no row, and why.
        """
        self.fields: dict[str, None] = {}
        self.path = ""
        self.closed = False
        self._wanted = None if fields is None else frozenset(fields)
        self._typed = typed
        self._problem = problem or (lambda _line, _reason: None)
        self._marks = Marks()
        self._separator = "\t"
        self._columns: tuple[_Column, ...] = ()
        self._width = self._tail = 0

    @property
    def described(self) -> bool:
        """Whether a head told the columns: ``fields`` are all that there are."""
        return bool(self._width)

    def rows(self, lines: Iterable[bytes]) -> Iterator[Row]:
        """Read lines; what is damaged is told to ``problem`` and passed over."""
        for number, raw in enumerate(lines, 1):
            line = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
            if number == 1:
                line = line.removeprefix("\ufeff")
            try:
                values = self._line(line)
            except ValueError as error:
                whole = raw.endswith(b"\n")
                self._problem(number, str(error) if whole else f"{error}: the file ends in it")
                continue
            if values is not None:
                yield Row(number, values)

    def _line(self, line: str) -> dict[str, Any] | None:
        if line.startswith("#"):
            self._directive(line)
            return None
        if line.startswith("{"):
            return self._object(line)
        if not line.strip():
            return None
        if not self._width:
            raise ValueError("no row of a Zeek log: no #fields before it, and no JSON")
        cells = self._cells(line)
        values: dict[str, Any] = {}
        for name, at, convert in self._columns:
            try:
                values[name] = convert(cells[at])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return values

    def _cells(self, line: str) -> list[str]:
        cells = line.split(self._separator)
        if self._tail:
            cells[-1:] = _WIDE.split(cells[-1], self._tail)
        if len(cells) > self._width:
            # Real logs end their rows with a separator that the head does not have.
            if any(cells[self._width :]):
                raise ValueError(f"{len(cells)} cells, its head has {self._width}")
        elif len(cells) < self._width:
            raise ValueError(f"{len(cells)} cells, its head has {self._width}")
        return cells

    def _directive(self, line: str) -> None:
        if line.startswith("#separator"):
            self._separator = unescape(line[len("#separator") :].strip(" ")) or "\t"
            self._marks = Marks()
            return
        name, _, rest = line.partition(self._separator)
        if name in _MARKS:
            mark = _MARKS[name]
            # Only what stands between values is written with escapes.
            self._marks = self._marks._replace(
                **{mark: unescape(rest) or "," if mark == "between" else rest}
            )
        elif name == "#path":
            self.path = rest
        elif name == "#fields":
            names = self._head(rest)
            self.fields, self.closed = dict.fromkeys(names), False
            self._schema(names, [KNOWN.get(n, "string") for n in names])
        elif name == "#types":
            types = self._head(rest)
            if len(types) != self._width:
                raise ValueError(f"{len(types)} types, {self._width} fields")
            self._schema(list(self.fields), types)
        elif name == "#close":
            self.closed = True

    def _head(self, rest: str) -> list[str]:
        *names, last = rest.split(self._separator)
        parts = _WIDE.split(last.strip(" "))
        self._tail = len(parts) - 1
        return [*names, *parts]

    def _schema(self, names: list[str], types: list[str]) -> None:
        if len(self.fields) != len(names):
            self._columns, self._width = (), 0
            raise ValueError("two fields have one name")
        self._width = len(names)
        wanted = self._wanted
        self._columns = tuple(
            _Column(name, at, converter(kind if self._typed else "", self._marks))
            for at, (name, kind) in enumerate(zip(names, types, strict=True))
            if wanted is None or name in wanted
        )

    def _object(self, line: str) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except RecursionError:
            raise ValueError("no JSON: nested too deeply") from None
        except ValueError as error:
            raise ValueError(f"no JSON: {error}") from None
        values = flat(found)
        self.path = str(values.get("_path") or values.get("@stream") or self.path)
        self.fields.update(dict.fromkeys(values))
        if self._wanted is not None:
            values = {name: values.get(name) for name in self._wanted}
        if not self._typed:
            return values
        for name in KNOWN.keys() & values.keys():
            try:
                values[name] = json_value(KNOWN[name], values[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return values


def flat(found: dict[str, Any]) -> dict[str, Any]:
    """A JSON object with the names that Zeek's text format has.

    Objects within become dotted names (``id.orig_h``), and so does ``id_orig_h``, as it is called
    where dots are not liked.

    Raises:
        ValueError: it is nested too deeply for a log.
    """
    values: dict[str, Any] = {}
    _flatten("", found, values, _NESTED_MAX)
    return values


def _flatten(prefix: str, found: dict[str, Any], values: dict[str, Any], depth: int) -> None:
    if not depth:
        raise ValueError("no row of a log: nested too deeply")
    for key, value in found.items():
        name = prefix + key
        if isinstance(value, dict):
            _flatten(f"{name}.", value, values, depth - 1)
            continue
        if name.startswith(("id_orig_", "id_resp_")):
            name = "id." + name[3:]
        values[name] = value
