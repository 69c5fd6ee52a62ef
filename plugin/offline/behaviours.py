"""Behaviours found in captures, and their parameters from a file."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import numpy as np

from plugin.ml.behaviour import Behaviours
from plugin.ml.behaviour.parameters import Parameters
from plugin.ml.features.addresses import groups
from plugin.ml.verdict import FINDINGS_MAX, judge, says_yes
from plugin.offline.judged import compiled_findings
from plugin.offline.read import read_capture
from plugin.records import mac_text
from plugin.sessions.afterwards import arp_events, counted, session_events, use_events
from plugin.sessions.watch import TCP, UDP, merged
from plugin.settings import units
from plugin.settings.urls import TCP_PORT_MAX
from plugin.traffic import Passed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from yaml.nodes import Node

    from plugin.ml.behaviour.finding import Finding, Found
    from plugin.ml.verdict import Anomaly
    from plugin.records import Capture, Rows
    from plugin.traffic import Event
    from plugin.yaml_places import Document

FILE = "behaviours.yaml"
_GROUP_BIT = 1
NO_LINK = "has no link address: behaviours go by it, and were not looked for"
"""A warning about a device of a capture without link addresses."""
BEHIND = "stands for other devices: what was found may have been done by one behind it"
"""A warning about a router's findings."""


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

    The compiled core judges it as the detectors of the live stream would; without it they do so
    themselves, event by event (:func:`by_events`).
    """
    found = compiled_findings(capture, parameters)
    return [*by_events(capture, parameters)] if found is None else found


def by_events(capture: Capture, parameters: Parameters) -> Iterator[Found]:
    """Judge a capture with the detectors of the live stream, by events made afterwards."""
    from heapq import merge  # what needs no compiler costs the start of others nothing

    watched = capture.watched
    assert watched is not None, "read without watched=True"
    names = [mac_text(mac.tobytes()) for mac in capture.macs["mac"]]
    mac, sessions = names.__getitem__, capture.sessions
    events: Iterable[Event] = merge(
        session_events(sessions[_to_one(sessions, capture.macs)], mac),
        counted(merged(watched.seconds), mac),
        arp_events(watched.arp, mac),
        use_events(watched.uses, mac),
        key=attrgetter("time"),
    )
    behaviours = Behaviours(parameters)
    for event in events:
        yield from behaviours.step(event)
    if capture.totals.last_ns is not None:
        yield from behaviours.step(Passed(capture.totals.last_ns))


def _to_one(sessions: Rows, macs: Rows) -> NDArray[np.bool_]:
    """(n,) sessions from a device to one receiver; not the later fragments of others."""
    first_octet = np.append(macs["mac"][:, 0], 0)  # no link address: index -1
    found: NDArray[np.bool_] = sessions["orig_mac"] >= 0
    found &= (first_octet[sessions["resp_mac"]] & _GROUP_BIT) == 0
    ports = (sessions["orig_port"] != 0) | (sessions["resp_port"] != 0)
    found &= ports | ((sessions["proto"] != TCP) & (sessions["proto"] != UDP))
    found &= ~groups(sessions["resp_ip"])
    return found


class Anomalies:
    """What behaviours were found, by device. Devices that go by their IP address are not judged.

    Detectors tell what lasts again and again: of the same with the same evidence the last is kept,
    at the place of the first.
    """

    def __init__(self, capture: Capture, parameters: Parameters | None) -> None:
        """Look at a capture that was read with ``watched=True``, or (without parameters) do not."""
        self._looked = parameters is not None
        found: dict[str, dict[tuple[str, tuple[str, ...]], Finding]] = {}
        if parameters is not None:
            for one in findings_of(capture, parameters):
                last = one.finding
                found.setdefault(one.mac, {})[last.name, last.evidence] = last
        self._found = {mac: tuple(some.values()) for mac, some in found.items()}

    def of(
        self, mac: str | None, novelty: Finding | None = None, suspicion: Finding | None = None
    ) -> Anomaly | None:
        """What is abnormal about a device; None: nothing has looked.

        Args:
            mac: of the device; None: it goes by its IP address.
            novelty: what novelty says of it.
            suspicion: what the signs come to.
        """
        if novelty is None and not says_yes(suspicion) and (mac is None or not self._looked):
            return None
        named = self._found.get(mac or "", ())
        # What has a name needs no suspicion beside it.
        return judge(named, novelty, suspicion=None if named else suspicion)

    def warnings(self, mac: str | None, *, relay: bool) -> tuple[str, ...]:
        """What to know of the findings: there are more, or none, or they may be about others.

        Args:
            mac: of the device.
            relay: it stands for other devices.
        """
        if mac is None:
            return (NO_LINK,) if self._looked else ()
        found = len(self._found.get(mac, ()))
        more = found - FINDINGS_MAX
        told = (f"{more} further findings are not told",) if more > 0 else ()
        return told + ((BEHIND,) if found and relay else ())


def load_parameters(file: Path) -> Parameters:
    """Read the parameters of all detectors; what the file leaves out keeps its default.

    Raises:
        SettingsError: all that is wrong in it, each with its place.
    """
    from plugin.yaml_places import Document, read_limited

    document = Document(read_limited(file, kind="file of parameters"), str(file))
    kinds = get_type_hints(Parameters)
    sections = document.fields(document.root, "", kinds, "behaviour")
    values = {name: _section(document, node, name, kinds[name]) for name, node in sections.items()}
    document.finish()
    return Parameters(**values)


def _section(document: Document, node: Node, name: str, kind: type) -> Any:
    """Read the parameters of one detector."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in document.fields(node, name, hints, "parameter").items():
        read = _ports if get_args(hints[key]) else _number
        values[key] = read(document, value, f"{name}.{key}", hints[key])
    return kind(**values)


def _ports(document: Document, node: Node, what: str, kind: object) -> tuple[int, ...]:
    """A list of ports; nothing is of use after a problem."""
    del kind
    if not isinstance(node.value, list):
        document.note(node, what, "a list of ports is expected")
        return ()
    ports = [units.whole(text or "") for text, _ in document.texts(node, what, many=True) or ()]
    found = tuple(port for port in ports if port is not None and port <= TCP_PORT_MAX)
    if len(found) != len(ports):
        document.note(node, what, f"a list of ports, 0 to {TCP_PORT_MAX}, is expected")
    return found


def _number(document: Document, node: Node, what: str, kind: Callable[[str], float]) -> float:
    """A number above zero, of the kind that the parameter has."""
    text = node.value if isinstance(node.value, str) else "more than one value"
    try:
        number = kind(text.replace("_", ""))
    except ValueError:
        document.note(node, what, f"a number is expected, not {text[: units.QUOTED_MAX]}")
        return 0
    if not 0 < number < units.LONGEST:
        document.note(node, what, f"a number above 0 is expected, not {text[: units.QUOTED_MAX]}")
    return number
