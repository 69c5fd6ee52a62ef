"""One vocabulary of roles: the seed's name, NetworkML's label, a capture's label, the policy's.

The same role has four spellings in the world. ``configs/roles.yaml`` joins them, and this file
is its only loader; training turns capture labels into roles with it, and writes NetworkML's
labels into the model's manifest, so that classifying needs no YAML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "roles.yaml"
"""Its name in the folder ``configs``."""


class Role(NamedTuple):
    """One role or device type."""

    label: str
    """What a verdict shows and a policy matches."""
    kind: str
    """"role" or "device"."""
    seed: str | None = None
    """Its name in NetworkML's README."""
    networkml: str | None = None
    """Its label in NetworkML's results."""
    sources: tuple[str, ...] = ()
    """Labels of training captures that mean it."""
    group: str | None = None
    """Kind of device, of a device type."""

    @property
    def names(self) -> frozenset[str]:
        """Every spelling, folded for comparison."""
        spellings = (self.label, self.seed, self.networkml, *self.sources)
        return frozenset(name.casefold() for name in spellings if name)


class Vocabulary(NamedTuple):
    """All roles and device types."""

    unknown: str
    """The label of what no role fits."""
    entries: tuple[Role, ...]
    by_name: Mapping[str, Role]

    def find(self, name: str) -> Role | None:
        """The entry that has this name in any of its spellings, in capitals or not."""
        return self.by_name.get(name.casefold())

    def labels(self, kind: str) -> tuple[str, ...]:
        """Labels of all entries of a kind ("role" or "device")."""
        return tuple(entry.label for entry in self.entries if entry.kind == kind)

    def networkml(self, labels: Iterable[str]) -> dict[str, str]:
        """NetworkML's own label for each of these that has one: for a model's manifest."""
        found = ((label, self.find(label)) for label in labels)
        return {label: role.networkml for label, role in found if role and role.networkml}


def load_vocabulary(path: Path) -> Vocabulary:
    """Read ``roles.yaml`` (imports yaml).

    Args:
        path: the file; ``settings.data_folder("configs") / FILE``.

    Raises:
        SettingsError: it cannot be read, or what is wrong in it.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path}: {reason}") from error
    return parse_vocabulary(document, str(path))


def parse_vocabulary(document: Any, where: str = FILE) -> Vocabulary:
    """Check a vocabulary that was read.

    Args:
        document: what the YAML held.
        where: the file, for messages.

    Raises:
        SettingsError: every problem.
    """
    problems: list[str] = []
    if not isinstance(document, dict):
        raise SettingsError(f"{where}: is no mapping of unknown, roles and device_types")
    problems += [f"{key}: unknown key" for key in sorted(set(document) - {"unknown", *_SECTIONS})]
    entries = [
        role
        for section, kind in _SECTIONS.items()
        for role in _section(section, kind, document.get(section), problems)
    ]
    unknown = document.get("unknown")
    if not isinstance(unknown, str) or not unknown:
        problems.append("unknown: is no text")
        unknown = ""
    by_name: dict[str, Role] = {}
    for role in entries:
        for name in sorted(role.names):
            if name in by_name or name == unknown.casefold():
                problems.append(f"{role.label}: the name {name!r} has another meaning already")
            by_name[name] = role
    if problems:
        raise SettingsError(*(f"{where}: {problem}" for problem in problems))
    return Vocabulary(unknown, tuple(entries), by_name)


_SECTIONS = {"roles": "role", "device_types": "device"}
_TEXTS = ("label", "seed", "networkml", "group")


def _section(section: str, kind: str, items: object, problems: list[str]) -> list[Role]:
    if not isinstance(items, list):
        problems.append(f"{section}: is no list")
        return []
    return [
        role
        for number, item in enumerate(items)
        if (role := _entry(f"{section}[{number}]", kind, item, problems))
    ]


def _entry(place: str, kind: str, item: object, problems: list[str]) -> Role | None:
    if not isinstance(item, dict) or not isinstance(item.get("label"), str):
        problems.append(f"{place}: is no mapping with a label")
        return None
    known = {*_TEXTS, "sources"}
    problems += [f"{place}: unknown key {key}" for key in sorted(set(map(str, item)) - known)]
    texts = {name: item.get(name) for name in _TEXTS}
    sources = item.get("sources", [])
    wrong = [name for name, text in texts.items() if not isinstance(text, str | None)]
    if not isinstance(sources, list) or not all(isinstance(one, str) for one in sources):
        wrong.append("sources")
    if wrong:
        problems.append(f"{place}: no text in {', '.join(wrong)}")
        return None
    del texts["label"]
    return Role(item["label"], kind, sources=tuple(sources), **texts)
