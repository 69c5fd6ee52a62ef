"""Behaviours found in captures, and their parameters from a file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import numpy as np

from plugin.capture.scan import Scan
from plugin.capture.source import open_source
from plugin.core.layout import MAC, PACKET, SESSION
from plugin.errors import SettingsError, nearest
from plugin.ml.behaviour import Behaviours
from plugin.ml.behaviour.parameters import Parameters
from plugin.records import mac_text
from plugin.sessions.live import LiveSessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.nodes import Node

    from plugin.ml.behaviour.finding import Found

FILE = "behaviours.yaml"
FILE_BYTES_MAX = 1 << 20


def behaviours_in(path: Path | str, parameters: Parameters) -> Iterator[Found]:
    """Judge a capture's events in their order.

    Args:
        path: The capture, ``-`` for standard input.
        parameters: Of the detectors.

    Raises:
        CaptureError: it cannot be opened. (What lies before a tear is judged.)
    """
    names: list[str] = []
    scan = Scan(packets=True)
    behaviours = Behaviours(parameters)
    live = LiveSessions(lambda index: names[index])
    with open_source(Path(path)) as source:
        for chunk in scan.read(source):
            new = scan.macs(len(names))
            names += [mac_text(row[0]) for row in MAC.struct.iter_unpack(new)]
            for event in live.packets(np.frombuffer(chunk.packets, PACKET.dtype())):
                yield from behaviours.step(event)
            for closed in live.sessions(np.frombuffer(chunk.sessions, SESSION.dtype())):
                yield from behaviours.step(closed)


def load_parameters(file: Path) -> Parameters:
    """Read the parameters of all detectors; what the file leaves out keeps its default.

    Raises:
        SettingsError: all that is wrong in it, each with its place.
    """
    import yaml

    problems: list[str] = []
    try:
        content = file.read_bytes()
        if len(content) > FILE_BYTES_MAX:
            raise SettingsError(f"{file}: larger than {FILE_BYTES_MAX} bytes: no such file")
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingsError(f"{file}: {' '.join(str(error).split())}") from error
    if root is None:
        return Parameters()
    values: dict[str, Any] = {}
    for name, (place, node) in _members(file, root, "", problems).items():
        section = Parameters.__dataclass_fields__.get(name)
        if section is None:
            known = set(Parameters.__dataclass_fields__)
            problems.append(f"{place}: {name}: no such behaviour{nearest(name, known)}")
            continue
        kind = get_type_hints(Parameters)[name]
        values[name] = _section(file, node, name, kind, problems)
    if problems:
        raise SettingsError(*problems)
    return Parameters(**values)


def _members(
    file: Path, node: Node, where: str, problems: list[str]
) -> dict[str, tuple[str, Node]]:
    """The members of a mapping, by name, each with its place."""
    from yaml.nodes import MappingNode, ScalarNode

    found: dict[str, tuple[str, Node]] = {}
    if not isinstance(node, MappingNode):
        problems.append(f"{_place(file, node)}: {where or 'the file'}: a mapping is expected")
        return found
    for name, value in node.value:
        text = name.value if isinstance(name, ScalarNode) else "a key that is no plain text"
        if text in found:
            problems.append(f"{_place(file, name)}: {where}{text}: given twice")
        found[text] = (_place(file, name), value)
    return found


def _section(file: Path, node: Node, name: str, kind: type, problems: list[str]) -> object:
    fields = {one.name: one for one in dataclasses.fields(kind)}
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, (place, value) in _members(file, node, f"{name}.", problems).items():
        if key not in fields:
            problems.append(f"{place}: {name}.{key}: no such parameter{nearest(key, set(fields))}")
            continue
        try:
            values[key] = _convert(value, hints[key])
        except ValueError as error:
            problems.append(f"{_place(file, value)}: {name}.{key}: {error}")
    return kind(**values)


def _convert(node: Node, kind: Any) -> int | float | tuple[int, ...]:
    """A positive number, or a list of ports."""
    if get_args(kind):
        items = node.value if isinstance(node.value, list) else None
        if items is None:
            raise ValueError("a list of ports is expected")
        ports = tuple(int(item.value) for item in items if str(item.value).isdecimal())
        if len(ports) != len(items) or any(port > 65_535 for port in ports):  # noqa: PLR2004 - the largest port
            raise ValueError("a list of ports, 0 to 65535, is expected")
        return ports
    text = node.value if isinstance(node.value, str) else "more than one value"
    try:
        number: int | float = kind(text.replace("_", ""))
    except ValueError as error:
        raise ValueError(f"a number is expected, not {text}") from error
    if not 0 < number < 1e9:  # noqa: PLR2004 - thirty years, and no infinity
        raise ValueError(f"a number above 0 is expected, not {text}")
    return number


def _place(file: Path, node: Node) -> str:
    return f"{file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
