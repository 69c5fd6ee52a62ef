"""A device to try a policy on, as people write it: YAML or JSON. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yaml.nodes import MappingNode

from plugin.actions import Place
from plugin.errors import PolicyError
from plugin.policy import values
from plugin.policy.conditions import ANOMALIES, COUNT_MAX, DECISIONS, SCORE_MAX
from plugin.policy.safety import UNDETERMINED
from plugin.policy.subject import WINDOWS_KEPT, RoleSeen, Seen, Subject, Window
from plugin.yaml_places import Document

if TYPE_CHECKING:
    from yaml.nodes import Node

FIELDS = (
    "mac",
    "port",
    "vlan",
    "addresses",
    "vendor",
    "name",
    "randomised",
    "os",
    "role",
    "behaviours",
    "windows",
    "captures",
    "source",
    "twice",
    "ignored",
)
_ROLE = ("decision", "label", "confidence", "model")
_SEEN = ("name", "score", "threshold", "reasons", "evidence")
_WINDOW = (
    "times",
    "capture",
    "evidence",
    "packets",
    "sessions",
    "decision",
    "label",
    "confidence",
    "anomaly",
    "novelty",
    "change",
    "behaviours",
)
VALUES_MAX = 10_000
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_SURE = 0.9
_PACKETS, _SESSIONS = 500, 50
"""Of a capture that does not say."""


def read_subject(content: str | bytes, source: str) -> Subject:
    """Read one device from a file of its own.

    Raises:
        PolicyError: all that is wrong in it, a line each.
    """
    document = Document(content, source, PolicyError)
    document.bound(VALUES_MAX)
    if document.root is None:
        document.note(f"{source}:1:1", "", "an empty file: a device has a mac")
    root, what = document.root, ""
    if isinstance(root, MappingNode) and [key.value for key, _ in root.value] == ["subject"]:
        root, what = root.value[0][1], "subject"  # as a sample has it
    found = subject(document, root, what)
    document.finish()
    return found


def subject(document: Document, node: Node | None, what: str) -> Subject:
    """Read one device; what is wrong is noted.

    Args:
        document: the file.
        node: the mapping.
        what: its path.
    """
    fields = document.fields(node, what, FIELDS)

    def path(name: str) -> str:
        return f"{what}.{name}" if what else name

    windows = _windows(document, fields.get("windows"), path("windows"))
    mac = _mac(document, fields.get("mac"), path("mac"), node)
    role = _role(document, fields["role"], path("role")) if "role" in fields else _told(windows)
    randomised = bool(int(mac[:2], 16) & 2)
    if "randomised" in fields:
        randomised = document.flag(fields["randomised"], path("randomised"))
    return Subject(
        mac=mac,
        place=_place(document, fields, path("port"), path("vlan")),
        addresses=tuple(w.text for w in document.words(fields.get("addresses"), path("addresses"))),
        vendor=document.text(fields.get("vendor"), path("vendor")) or None,
        name=document.text(fields.get("name"), path("name")) or None,
        randomised=randomised,
        role=role,
        behaviours=_behaviours(document, fields.get("behaviours"), path("behaviours")),
        windows=windows,
        captures=document.whole(
            fields.get("captures"), path("captures"), (0, COUNT_MAX), len(windows)
        ),
        os=document.text(fields.get("os"), path("os")) or None,
        source=document.text(fields.get("source"), path("source"), "halia"),
        twice=document.flag(fields.get("twice"), path("twice")),
        ignored=document.text(fields.get("ignored"), path("ignored")) or None,
    )


def _mac(document: Document, node: Node | None, what: str, parent: Node | None) -> str:
    if node is None:
        if parent is not None:
            document.note(parent, what, "is missing")
        return "00:00:00:00:00:00"
    text = document.text(node, what).lower().replace("-", ":")
    if not _MAC.fullmatch(text):
        document.note(node, what, "a MAC address such as 02:00:00:00:00:01 is expected")
        return "00:00:00:00:00:00"
    return text


def _place(document: Document, fields: dict[str, Node], port: str, vlan: str) -> Place | None:
    found = values.each(document, fields.get("port"), port, values.port)
    vid = document.whole(fields.get("vlan"), vlan, (1, values.VLAN_MAX), 1)
    if not found and "vlan" in fields and "port" not in fields:
        document.note(fields["vlan"], vlan, "a VLAN without a port: port: sw1:3")
    return Place(*found[0], vid) if found else None


def _told(windows: tuple[Window, ...]) -> RoleSeen | None:
    """Give the role as the last capture with enough in it says it."""
    for window in windows:
        if window.decision != UNDETERMINED:
            return RoleSeen(window.decision, window.label, window.confidence, "sample")
    return None


def _role(document: Document, node: Node, what: str) -> RoleSeen:
    fields = document.fields(node, what, _ROLE)
    sure = values.share(document, fields.get("confidence"), f"{what}.confidence", 1.0)
    return RoleSeen(
        values.choice(document, fields.get("decision"), f"{what}.decision", DECISIONS, "decision"),
        document.text(fields.get("label"), f"{what}.label", "Unknown"),
        _SURE if sure is None else sure,
        document.text(fields.get("model"), f"{what}.model", "sample"),
    )


def _behaviours(document: Document, node: Node | None, what: str) -> tuple[Seen, ...]:
    found: list[Seen] = []
    for path, item in values.items(document, node, what):
        if not isinstance(item, MappingNode):
            name = document.text(item, path)
            found.append(Seen(name, 1.0, 1.0, (), 0.0, f"finding-{len(found) + 1}"))
            continue
        fields = document.fields(item, path, _SEEN)
        if "name" not in fields:
            document.note(item, f"{path}.name", "is missing")
        found.append(
            Seen(
                document.text(fields.get("name"), f"{path}.name"),
                document.number(fields.get("score"), f"{path}.score", 1.0),
                document.number(fields.get("threshold"), f"{path}.threshold", 1.0),
                tuple(w.text for w in document.words(fields.get("reasons"), f"{path}.reasons")),
                0.0,
                document.text(
                    fields.get("evidence"), f"{path}.evidence", f"finding-{len(found) + 1}"
                ),
            )
        )
    return tuple(found)


def _windows(document: Document, node: Node | None, what: str) -> tuple[Window, ...]:
    """Read judged captures, the last first; ``times: 3`` is so many alike."""
    found: list[Window] = []
    for path, item in values.items(document, node, what):
        fields = document.fields(item, path, _WINDOW)
        times = document.whole(fields.get("times"), f"{path}.times", (1, WINDOWS_KEPT), 1)
        for _ in range(times):
            found.append(_window(document, fields, path, len(found) + 1))
    return tuple(found[:WINDOWS_KEPT])


def _window(document: Document, fields: dict[str, Node], path: str, number: int) -> Window:
    def text(name: str, default: str) -> str:
        return document.text(fields.get(name), f"{path}.{name}", default)

    def count(name: str, default: int) -> int:
        return document.whole(fields.get(name), f"{path}.{name}", (0, COUNT_MAX), default)

    def score(name: str) -> float | None:
        return values.share(document, fields.get(name), f"{path}.{name}", SCORE_MAX)

    def choice(name: str, known: tuple[str, ...], default: str) -> str:
        at = fields.get(name)
        return values.choice(document, at, f"{path}.{name}", known, name) if at else default

    sure = values.share(document, fields.get("confidence"), f"{path}.confidence", 1.0)
    label = text("label", "")
    behaviours = tuple(
        w.text for w in document.words(fields.get("behaviours"), f"{path}.behaviours")
    )
    return Window(
        text("capture", f"capture-{number}"),
        text("evidence", f"verdict-{number}"),
        0.0,
        count("packets", _PACKETS),
        count("sessions", _SESSIONS),
        choice("decision", DECISIONS, "known" if label else UNDETERMINED),
        label or "Unknown",
        _SURE if sure is None else sure,
        choice("anomaly", ANOMALIES, "anomalous" if behaviours else UNDETERMINED),
        score("novelty"),
        score("change"),
        behaviours,
    )
