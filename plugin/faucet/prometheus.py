"""What Faucet knows now, from its Prometheus page: the way back after lost events. Pure.

The page's text format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from plugin.faucet.event import loaded_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plugin.events import LoadedFile

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_ESCAPE = re.compile(r"\\(.)")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_ESCAPED = {"n": "\n", "\\": "\\", '"': '"'}


class Sample(NamedTuple):
    """One line of the page."""

    name: str
    labels: Mapping[str, str]
    value: float


class Learned(NamedTuple):
    """Where Faucet has learned a MAC."""

    dp_id: int
    dp_name: str
    mac: str
    vid: int
    port: int


class PortState(NamedTuple):
    """Whether a port is up."""

    dp_id: int
    port: int
    up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What Faucet's page says at one time."""

    learned: tuple[Learned, ...]
    ports: tuple[PortState, ...]
    datapaths: tuple[tuple[int, bool], ...]
    """Datapath and whether it is connected."""
    files: tuple[LoadedFile, ...]
    """The configuration files that were loaded."""
    config_error: str
    applied: float | None
    """Part of the datapaths that have the configuration (``faucet_config_applied``)."""
    event_id: int | None


def parse_page(text: str) -> Iterator[Sample]:
    """Give the samples of a page; lines that are none are passed over."""
    for line in text.splitlines():
        found = _sample(line)
        if found is not None:
            yield found


def snapshot(text: str) -> Snapshot:
    """Gather from a page what Halia asks Faucet for."""
    learned, ports, datapaths = [], [], []
    single: dict[str, float] = {}
    config: Mapping[str, str] = {}
    for sample in parse_page(text):
        labels = sample.labels
        try:
            if sample.name == "learned_l2_port":
                learned.append(_learned(labels, sample.value))
            elif sample.name == "port_status":
                port = int(_digits(labels.get("port", "")))
                ports.append(PortState(_dp_id(labels), port, sample.value == 1))
            elif sample.name == "dp_status":
                datapaths.append((_dp_id(labels), sample.value == 1))
            elif sample.name == "faucet_config_hash_info":
                config = labels
            elif not labels:
                single[sample.name] = sample.value
        except ValueError:  # a label that says nothing: the line is worth as much as none
            continue
    event_id = single.get("faucet_event_id")
    return Snapshot(
        learned=tuple(sorted(learned)),
        ports=tuple(sorted(ports)),
        datapaths=tuple(sorted(datapaths)),
        files=loaded_files(config.get("config_files", ""), config.get("hashes", "")),
        config_error=config.get("error", ""),
        applied=single.get("faucet_config_applied"),
        event_id=None if event_id is None else int(event_id),
    )


def _learned(labels: Mapping[str, str], value: float) -> Learned:
    mac = labels.get("eth_src", "").lower()
    port = int(value)
    if not _MAC.fullmatch(mac) or port <= 0:
        raise ValueError("no device")
    vid = int(_digits(labels.get("vid", "")))
    return Learned(_dp_id(labels), labels.get("dp_name", ""), mac, vid, port)


def _digits(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(1 << 64))):
        raise ValueError("no number")
    return text


def _dp_id(labels: Mapping[str, str]) -> int:
    """Faucet writes it as ``0x1``."""
    text = labels.get("dp_id", "")
    if text.startswith("0x") and len(text) <= len("0x") + 16:
        return int(text, 16)
    return int(_digits(text))


def _sample(line: str) -> Sample | None:
    start = _NAME.match(line)
    if start is None:  # a comment, an empty line, something else
        return None
    name, rest = start.group(), line[start.end() :]
    labels: dict[str, str] = {}
    if rest.startswith("{"):
        at = 1
        while (label := _LABEL.match(rest, at)) is not None:
            labels[label[1]] = _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[0]), label[2])
            at = label.end()
        if not rest.startswith("}", at):
            return None
        rest = rest[at + 1 :]
    words = rest.split()
    try:
        return Sample(name, labels, _finite(words[0])) if words else None
    except ValueError:
        return None


def _finite(text: str) -> float:
    number = float(text)
    if number - number:  # infinite or no number
        raise ValueError("not finite")
    return number
