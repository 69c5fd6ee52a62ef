"""Single values of a policy file: times, addresses, ports, hours, actions. Pure.

Each function reads one part of a :class:`plugin.yaml_places.Document`; what is wrong is noted
there with its place, and read as if it were absent.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from yaml.nodes import MappingNode, SequenceNode

from plugin.actions import KINDS, Action, Service, parse_action, parse_service
from plugin.errors import nearest
from plugin.policy.rules import DAY, Hours
from plugin.settings.units import quoted, span
from plugin.yaml_places import is_null

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from ipaddress import IPv4Network, IPv6Network

    from yaml.nodes import Node

    from plugin.yaml_places import Document

SPAN_MAX = 365 * DAY
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PORT_MAX, VLAN_MAX = 0xFFFF_FF00, 4094
"""OpenFlow's last port that is one; the last VLAN that a switch may use."""
_OCTETS = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){0,5}")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")
_DIGITS = re.compile(r"[0-9]{1,10}")
_MINUTES = 24 * 60
T = TypeVar("T")


def seconds(
    document: Document, node: Node | None, what: str, default: float, *, zero: bool = False
) -> float:
    """Read a time span such as ``90s`` or ``7d``.

    Args:
        document: the file.
        node: the part.
        what: its path.
        default: what an absent one is.
        zero: whether it may be 0.
    """
    if node is None:
        return default
    text = getattr(node, "value", "")
    try:
        found = span(text) if isinstance(text, str) else -1.0
    except ValueError:
        found = -1.0
    if found > SPAN_MAX or found < 0.0 or (found == 0.0 and not zero):
        least = "0 or longer" if zero else "longer than 0"
        said = f"a time span such as 90s, 15m, 2h, 7d is expected, {least}, at most 365d"
        document.note(node, what, said)
        return default
    return found


def share(document: Document, node: Node | None, what: str, top: float) -> float | None:
    """Read a number above 0 and not above ``top``; None: it is absent or wrong."""
    if node is None:
        return None
    found = document.number(node, what, -1.0)
    if found > top:
        document.note(node, what, f"a number above zero, {top:g} at most, is expected")
    return found if 0.0 < found <= top else None


def each(
    document: Document, node: Node | None, what: str, read: Callable[[str], T]
) -> tuple[T, ...]:
    """Read a list of texts (a single text is a list of one), each by a function.

    Args:
        document: the file.
        node: the part.
        what: its path.
        read: gives the value, or raises ValueError with what is wrong.
    """
    found = []
    for word in document.words(node, what):
        try:
            found.append(read(word.text))
        except ValueError as error:
            document.note(word.place, what, str(error))
    return tuple(dict.fromkeys(found))


def one_of(known: Collection[str], noun: str) -> Callable[[str], str]:
    """Make a reader of names out of a fixed set."""

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(
                f"no such {noun} {quoted(text)}{nearest(text, known) if known else ''}"
            )
        return text

    return read


def choice(
    document: Document, node: Node | None, what: str, known: tuple[str, ...], noun: str
) -> str:
    """Read one name of a fixed set; the first is that of an absent one."""
    if node is None:
        return known[0]
    text = document.text(node, what)
    try:
        return one_of(known, noun)(text) if text else known[0]
    except ValueError as error:
        document.note(node, what, str(error))
        return known[0]


def mac(text: str) -> str:
    """Read a MAC address, or its first octets.

    Raises:
        ValueError: it is none.
    """
    plain = text.lower().replace("-", ":")
    if not _OCTETS.fullmatch(plain):
        raise ValueError(f"{quoted(text)} is no MAC address and no beginning of one (02:00:5e)")
    return plain


def network(text: str) -> IPv4Network | IPv6Network:
    """Read an address or a network.

    Raises:
        ValueError: it is none.
    """
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"{quoted(text)} is no network such as 10.0.0.0/24") from error
    raise ValueError(f"{quoted(text)} is an address inside a network: {meant} is the network")


def port(text: str) -> tuple[str, int]:
    """Read ``SWITCH:PORT``.

    Raises:
        ValueError: it is none.
    """
    switch, _, number = text.rpartition(":")
    if not switch or not _DIGITS.fullmatch(number) or not 1 <= int(number) <= PORT_MAX:
        raise ValueError(f"{quoted(text)} is no SWITCH:PORT such as sw1:3")
    return switch, int(number)


def vlan(text: str) -> int:
    """Read a VLAN's number.

    Raises:
        ValueError: it is none.
    """
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= VLAN_MAX:
        raise ValueError(f"{quoted(text)} is no VLAN's number from 1 to {VLAN_MAX}")
    return int(text)


def items(document: Document, node: Node | None, what: str) -> Iterator[tuple[str, Node]]:
    """Give the items of a list, each with its path."""
    if node is None:
        return
    if not isinstance(node, SequenceNode):
        document.note(node, what, "a list is expected")
        return
    for number, item in enumerate(node.value):
        yield f"{what}[{number}]", item


def hours(document: Document, node: Node | None, what: str) -> tuple[Hours, ...]:
    """Read a list of ``{days: [sat, sun], from: "02:00", to: "04:00"}``."""
    found = []
    for path, item in items(document, node, what):
        before = len(document.problems)
        fields = document.fields(item, path, ("days", "from", "to"))
        days = each(document, fields.get("days"), f"{path}.days", one_of(DAYS, "day"))
        begin = _clock(document, fields.get("from"), f"{path}.from", item)
        end = _clock(document, fields.get("to"), f"{path}.to", item)
        if "days" in fields and not days and len(document.problems) == before:
            document.note(fields["days"], f"{path}.days", "no day at all")
        if len(document.problems) == before:
            numbers = frozenset(map(DAYS.index, days or DAYS))
            found.append(Hours(numbers, begin % _MINUTES, end))
    return tuple(found)


def _clock(document: Document, node: Node | None, what: str, parent: Node) -> int:
    """Read a time of day as its minute."""
    if node is None:
        document.note(parent, what, "is missing")
        return 0
    text = document.text(node, what)
    if text and not _CLOCK.fullmatch(text):
        document.note(node, what, f'{quoted(text)} is no time of day such as "22:30"')
        return 0
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute) if text else 0


def services(document: Document, node: Node | None, what: str) -> tuple[Service, ...]:
    """Read what a quarantined device may still reach: ``[dhcp, {dns: 10.0.0.53}]``."""
    found: list[Service] = []
    for path, item in items(document, node, what):
        pairs: list[tuple[str, str | None, str]]
        if isinstance(item, MappingNode):
            pairs = [
                (key.text, None if is_null(value) else document.text(value, path), key.place)
                for key, value in document.entries(item, path)
            ]
        else:
            pairs = [(word.text, None, word.place) for word in document.words(item, path)]
        for kind, address, place in pairs:
            try:
                found.append(parse_service(kind, address))
            except ValueError as error:
                document.note(place, path, str(error))
    return tuple(dict.fromkeys(found))


def action(document: Document, node: Node | None, what: str, parent: Node) -> Action | None:
    """Read an action; None (and a problem) if there is none."""
    if node is None:
        document.note(parent, what, f"is missing: one of {', '.join(KINDS)}")
        return None
    text = document.text(node, what)
    kind = text.partition(":")[0]
    if not text:
        return None
    if kind not in KINDS:
        document.note(node, what, f"no such action {quoted(kind)}{nearest(kind, KINDS)}")
        return None
    try:
        return parse_action(text)
    except ValueError as error:
        document.note(node, what, str(error))
        return None


def furnished(
    found: Action, allow: tuple[Service, ...] | None, default: tuple[Service, ...], *, away: bool
) -> Action:
    """Give a quarantine its services.

    Args:
        found: any action; others stay as they are.
        allow: its own; None: it has none of its own, then ``default``.
        default: of every quarantine without its own.
        away: whether what it sends is redirected.
    """
    if found.kind != "quarantine":
        return found
    return replace(found, allow=default if allow is None else allow, redirect=away)
