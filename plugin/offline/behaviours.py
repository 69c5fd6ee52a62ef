"""Behaviours found in captures, and their parameters from a file."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from plugin.errors import SettingsError, nearest
from plugin.ml.behaviour.parameters import Parameters
from plugin.ml.verdict import FINDINGS_MAX, judge
from plugin.offline.read import read_capture
from plugin.offline.suspects import suspects_in
from plugin.records import mac_text
from plugin.sessions.afterwards import arp_events, counted, session_events
from plugin.traffic import Passed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from yaml.nodes import Node

    from plugin.ml.behaviour.finding import Finding, Found
    from plugin.ml.verdict import Anomaly
    from plugin.offline.suspects import Suspects
    from plugin.records import Capture
    from plugin.traffic import Event

FILE = "behaviours.yaml"
FILE_BYTES_MAX = 1 << 20


def behaviours_in(path: Path | str, parameters: Parameters) -> list[Found]:
    """Judge what happens in a capture.

    Args:
        path: The capture, ``-`` for standard input.
        parameters: Of the detectors.

    Raises:
        CaptureError: it cannot be opened, or is no capture. (What lies before a tear is judged.)
    """
    return findings_of(read_capture(path, watched=True), parameters)


def findings_of(capture: Capture, parameters: Parameters) -> list[Found]:
    """Judge a capture that was read with ``watched=True``: findings in order of time.

    The detectors are those of the live stream, and so are their events, made from the records
    afterwards; but only of what :func:`plugin.offline.suspects.suspects_in` leaves over.
    """
    judged = suspects_in(capture, parameters)
    if not judged.any():
        return []
    names = [mac_text(mac.tobytes()) for mac in capture.macs["mac"]]
    return list(_judged(judged, names.__getitem__, capture.totals.last_ns, parameters))


def _judged(
    suspects: Suspects, mac: Callable[[int], str], last_ns: int | None, parameters: Parameters
) -> Iterator[Found]:
    from heapq import merge  # what most captures do not come to costs their start nothing

    from plugin.ml.behaviour import Behaviours

    events: Iterable[Event] = merge(
        session_events(suspects.sessions, mac),
        counted(suspects.seconds, mac),
        arp_events(suspects.arp, mac),
        key=attrgetter("time"),
    )
    behaviours = Behaviours(parameters)
    for event in events:
        yield from behaviours.step(event)
    if last_ns is not None:
        yield from behaviours.step(Passed(last_ns))


class Anomalies:
    """What behaviours were found, by device. Devices that go by their IP address are not judged."""

    def __init__(self, capture: Capture, parameters: Parameters | None) -> None:
        """Look at a capture that was read with ``watched=True``, or (without parameters) do not."""
        self._looked = parameters is not None
        self._found: dict[str, list[Finding]] = {}
        if parameters is not None:
            for one in findings_of(capture, parameters):
                self._found.setdefault(one.mac, []).append(one.finding)

    def of(self, mac: str | None) -> Anomaly | None:
        """What is abnormal about a device; None: nothing has looked."""
        if mac is None or not self._looked:
            return None
        return judge(self._found.get(mac, ()))

    def left_out(self, mac: str | None) -> tuple[str, ...]:
        """A warning, if there were more findings than a verdict holds."""
        more = len(self._found.get(mac or "", ())) - FINDINGS_MAX
        return (f"{more} further findings are not told",) if more > 0 else ()


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
        if name not in Parameters._fields:
            known = set(Parameters._fields)
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
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, (place, value) in _members(file, node, f"{name}.", problems).items():
        if key not in hints:
            problems.append(f"{place}: {name}.{key}: no such parameter{nearest(key, set(hints))}")
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
