"""Cutting what is ours out of a faucet.yaml that others have edited since. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from plugin.faucet import hook
from plugin.faucet.document import SECTIONS, numbers_of
from plugin.faucet.edits import RemoveItem, RemoveKey, remove
from plugin.faucet.tree import Path, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMMENT = re.compile(r"^[ \t]*# halia: .*\n?", re.MULTILINE)
_INCLUDES = re.compile(r"halia_\w+\.ya?ml")
_CHAINS = ("acls_in", "acls_out")


def strip(text: str) -> str:
    """Give the text without our ACLs, chain entries, VLAN, include line and comments.

    A quarantine VLAN that a port still uses stays.

    Raises:
        UnreadableError: it cannot be done without harm.
    """
    if "halia" not in text:
        return text
    plain = Tree(text).plain
    new = remove(text, list(_removals(plain)))
    bare = _COMMENT.sub("", new)
    return bare if Tree(bare).plain == Tree(new).plain else new


def is_ours(name: Any) -> bool:
    """Tell whether an ACL's name is one of ours."""
    return isinstance(name, str) and hook.OURS.fullmatch(name) is not None


def _removals(plain: dict[Any, Any]) -> Iterator[RemoveKey | RemoveItem]:
    yield from _from_list(plain, ("include-optional",), _is_include)
    mirrors = hook.PORT in _mapping(plain.get("acls"))
    yield from _keys(plain, "acls", [n for n in _mapping(plain.get("acls")) if is_ours(n)])
    vlans = _mapping(plain.get("vlans"))
    gone = [hook.QUARANTINE] if hook.QUARANTINE in vlans and not _in_use(plain) else []
    yield from _keys(plain, "vlans", gone)
    for name, conf in vlans.items():
        if name not in gone:
            yield from _from_chains(_mapping(conf), ("vlans", name))
    for dp, conf in _mapping(plain.get("dps")).items():
        ranges = _mapping(_mapping(conf).get("interface_ranges"))
        ranged = {number for key in ranges for number in numbers_of(key)}
        for section in SECTIONS:
            for port, settings in _mapping(_mapping(conf).get(section)).items():
                own = _mapping(settings)
                # A port of a range got a chain of its own only where it had an empty one: without
                # it, it would take the range's.
                keep = section == "interfaces" and own.get("number", port) in ranged
                yield from _from_chains(own, ("dps", dp, section, port), keep=keep)
                if mirrors and own.get("mirror"):
                    yield RemoveKey(("dps", dp, section, port, "mirror"))


def _keys(plain: dict[Any, Any], section: str, names: list[Any]) -> Iterator[RemoveKey]:
    if names and len(names) == len(plain[section]):
        yield RemoveKey((section,))  # nothing but ours was in it
    else:
        yield from (RemoveKey((section, name)) for name in names)


def _from_chains(
    conf: dict[Any, Any], path: Path, *, keep: bool = False
) -> Iterator[RemoveKey | RemoveItem]:
    for key in _CHAINS:
        yield from _from_list(conf, (*path, key), is_ours, keep=keep)


def _from_list(
    conf: dict[Any, Any], path: Path, ours: Callable[[Any], bool], *, keep: bool = False
) -> Iterator[RemoveKey | RemoveItem]:
    items = conf.get(path[-1])
    if not isinstance(items, list):
        return
    found = [item for item in items if ours(item)]
    if found and len(found) == len(items) and not keep:
        yield RemoveKey(path)
    else:
        yield from (RemoveItem(path, item) for item in found)


def _is_include(name: Any) -> bool:
    return isinstance(name, str) and _INCLUDES.fullmatch(name) is not None


def _in_use(plain: dict[Any, Any]) -> bool:
    vlan = _mapping(_mapping(plain["vlans"])[hook.QUARANTINE])
    names = {hook.QUARANTINE, vlan.get("vid")}
    for conf in _mapping(plain.get("dps")).values():
        for section in SECTIONS:
            for settings in _mapping(_mapping(conf).get(section)).values():
                port = _mapping(settings)
                tagged = port.get("tagged_vlans")
                if port.get("native_vlan") in names:
                    return True
                if isinstance(tagged, list) and names & set(map(str, tagged)):
                    return True
    return False


def _mapping(found: Any) -> dict[Any, Any]:
    return found if isinstance(found, dict) else {}
