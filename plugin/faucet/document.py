"""The operator's faucet.yaml as far as the hook is concerned: ports, chains, VLANs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from plugin.faucet.tree import MERGE, Path, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plugin.faucet.tree import Tree

_RANGE = re.compile(r"(\d+)-(\d+)")
_NUMBER = re.compile(r"\d+")
PORTS_MAX = 1 << 16
Kind = Literal["edge", "output_only", "mirror", "stack", "coprocessor", "dot1x"]
SECTIONS = ("interfaces", "interface_ranges")
_ONE = ("native_vlan", "acl_in", "acl_out")
_LISTS = ("tagged_vlans",)
_NAMES = (*_ONE, *_LISTS, "acls_in", "acls_out", "mirror")
"""Settings that name VLANs, ACLs or ports; those of which Faucet takes a list only."""
WIDE_PRIMING = ("aruba", "allied-telesis", "generictfm", "ciscoc9k", "noviflow")
"""Hardware that Faucet drives by table features: a new match field there is a cold start."""


class Interface(NamedTuple):
    """One mapping of ``interfaces`` or ``interface_ranges``."""

    dp: str
    path: Path
    section: str
    numbers: tuple[int, ...]
    name: str | None
    conf: Mapping[str, Any]
    """Its settings, those that it takes from a range included."""
    own: Mapping[str, Any]
    """Its settings as they stand in its own mapping."""

    @property
    def kind(self) -> Kind:
        """What the port is for; only ``edge`` ports are hooked."""
        for kind in ("stack", "coprocessor", "output_only", "mirror", "dot1x"):
            if self.conf.get(kind):
                return kind
        return "edge"

    @property
    def chain(self) -> tuple[str | int, ...]:
        """The ACLs at its entrance, first one first."""
        return chain_of(self.conf, "in")

    @property
    def vlans(self) -> tuple[str | int, ...]:
        """The VLANs it belongs to, as they are named there."""
        native = self.conf.get("native_vlan")
        tagged = self.conf.get("tagged_vlans") or ()
        return (*(() if native is None else (native,)), *tagged)

    def is_port(self, port: str | int | None) -> bool:
        """Tell whether this is the one port of that name or number on its datapath."""
        return self.section == "interfaces" and port in {self.name, *self.numbers}

    def answers_to(self, port: str | None) -> bool:
        """Tell whether this is the one port that ``DP:PORT`` names, by name or number."""
        if port is None or self.section != "interfaces":
            return False
        dp, _, name = port.rpartition(":")
        return self.dp == dp and name in {self.name, *map(str, self.numbers)}

    @property
    def label(self) -> str:
        """Where it stands, for people: ``sw1 port 3 (printer)``."""
        key = self.path[-1]
        named = f" ({self.name})" if self.name and self.name != str(key) else ""
        word = "ports" if self.section == "interface_ranges" else "port"
        return f"{self.dp} {word} {key}{named}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that decides where the hook goes."""

    interfaces: tuple[Interface, ...]
    vlans: Mapping[str | int, Mapping[str, Any]]
    """Declared VLANs of this file by key; a null one is empty."""
    acls: Mapping[str | int, Any]
    """All ACLs, those of the operator's include files too."""
    dps: Mapping[str, Mapping[str, Any]]
    elsewhere: Mapping[str, tuple[str, ...]]
    """What include files define: the sections ``dps``, ``vlans``, ``acls`` and their names."""

    def edges(self) -> Iterator[Interface]:
        """Give the interfaces to hook."""
        return (i for i in self.interfaces if i.kind == "edge")

    def vids(self) -> dict[int, str | int]:
        """Give the declared VLANs' numbers and their keys."""
        found = {}
        for key, conf in self.vlans.items():
            vid = vid_of(key, conf)
            if vid is not None:
                found[vid] = key
        return found


def vid_of(key: str | int, conf: Mapping[str, Any]) -> int | None:
    """Give the number of a declared VLAN."""
    vid = conf.get("vid", key)
    return vid if isinstance(vid, int) else None


def chain_of(conf: Mapping[str, Any], way: Literal["in", "out"]) -> tuple[str | int, ...]:
    """Give the ACLs of a port or VLAN, from either of the two keys that Faucet knows."""
    many = conf.get(f"acls_{way}")
    one = conf.get(f"acl_{way}")
    return tuple(many) if isinstance(many, list) else () if one is None else (one,)


def read_situation(tree: Tree, included: Mapping[str, Mapping[str, Any]]) -> Situation:
    """Read what there is.

    Args:
        tree: the root file.
        included: the operator's include files by path, in the order in which Faucet loads them.

    Raises:
        UnreadableError: a section has not the form that Faucet takes.
    """
    plain = tree.plain
    acls = dict(_mapping(plain, "acls"))
    elsewhere: dict[str, tuple[str, ...]] = {}
    for document in included.values():
        acls.update(_mapping(document, "acls"))
        for section in ("dps", "vlans", "acls"):
            names = tuple(map(str, _mapping(document, section)))
            elsewhere[section] = elsewhere.get(section, ()) + names
    vlans = {
        key: {} if conf is None else _named(_checked(conf, f"vlans.{key}"), f"vlans.{key}")
        for key, conf in _mapping(plain, "vlans").items()
    }
    dps = {name: _checked(conf, f"dps.{name}") for name, conf in _mapping(plain, "dps").items()}
    found = [one for name, conf in dps.items() for one in _interfaces(str(name), conf)]
    return Situation(interfaces=tuple(found), vlans=vlans, acls=acls, dps=dps, elsewhere=elsewhere)


def numbers_of(key: str | int) -> tuple[int, ...]:
    """Give the ports of a range such as ``1-3,5`` (Faucet's own reading of it)."""
    text = str(key)
    found: set[int] = set()
    for first, last in _RANGE.findall(text):
        if int(last) > PORTS_MAX:
            raise UnreadableError(f"interface_ranges {key}: no such port")
        found.update(range(int(first), int(last) + 1))
    rest = _RANGE.sub("", text)
    found.update(int(n) for n in _NUMBER.findall(rest))
    return tuple(sorted(found))


def _interfaces(dp: str, conf: Mapping[str, Any]) -> Iterator[Interface]:
    ranges: dict[int, Mapping[str, Any]] = {}
    for key, own in _mapping(conf, "interface_ranges").items():
        path: Path = ("dps", dp, "interface_ranges", key)
        where = ".".join(map(str, path))
        settings = _named(_checked(own, where), where)
        numbers = numbers_of(key)
        ranges.update(dict.fromkeys(numbers, settings))
        yield Interface(dp, path, "interface_ranges", numbers, None, settings, settings)
    for key, own in _mapping(conf, "interfaces").items():
        path = ("dps", dp, "interfaces", key)
        where = ".".join(map(str, path))
        settings = _named(_checked(own, where), where)
        number = settings.get("number", key)
        above = ranges.get(number, {}) if isinstance(number, int) else {}
        numbers = (number,) if isinstance(number, int) else ()
        name = str(settings.get("name", key))
        merged = {**above, **settings}
        yield Interface(dp, path, "interfaces", numbers, name, merged, settings)


def _mapping(conf: Mapping[str, Any], key: str) -> Mapping[Any, Any]:
    found = conf.get(key, {})
    return _checked(found, key)


def _named(conf: Mapping[Any, Any], where: str) -> Mapping[Any, Any]:
    """Refuse what names a VLAN, an ACL or a port by something that is no name and no number."""
    for key in _NAMES:
        found = conf.get(key)
        many = key in _LISTS and found is not None
        if many and not isinstance(found, list):
            raise UnreadableError(f"{where}.{key} is no list")
        for one in found if isinstance(found, list) and key not in _ONE else (found,):
            if isinstance(one, list | dict):
                raise UnreadableError(f"{where}.{key} has something that is no name")
    return conf


def _checked(conf: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(conf, dict):
        raise UnreadableError(f"{where} is no mapping")
    if MERGE in conf:
        raise UnreadableError(f"{where} has a merge key (<<): write its settings out")
    return conf
