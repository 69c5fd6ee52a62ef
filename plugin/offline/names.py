"""Names that devices told of themselves in a capture that kept them (``halia capture --names``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.capture.announced import LEAST, announced_in
from plugin.capture.source import damaged_errors, open_source
from plugin.core._reference_container import Container, DamagedError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from plugin.capture.source import Source

ETHERNET = 1
BLOCK = 1 << 20
DEVICES_MAX = 10_000
"""Names that are kept: whoever forges addresses fills no memory."""


def names_in(path: Path) -> dict[str, str]:
    """The last name that each device told, by MAC; a DHCP name counts more than one of mDNS.

    Args:
        path: the capture; only its readable part counts.

    Raises:
        CaptureError: it cannot be opened.
    """
    found: dict[str, tuple[str, str]] = {}
    with open_source(path) as source:
        for frame in _frames(source):
            told = announced_in(frame)
            if told is None or (told.mac not in found and len(found) >= DEVICES_MAX):
                continue
            how = found.get(told.mac, ("", told.how))[1]
            if told.how == "dhcp" or how == "mdns":
                found[told.mac] = (told.name, told.how)
    return {mac: name for mac, (name, _) in found.items()}


def _frames(source: Source) -> Iterator[bytes]:
    """The frames of an Ethernet capture that are long enough to tell a name."""
    container, block, have = Container(), bytearray(BLOCK), 0
    while True:
        try:
            got = source.read_into(memoryview(block)[have:])
        except damaged_errors():
            return
        if not got:
            return
        have += got
        whole = bytes(memoryview(block)[:have])
        try:
            at = yield from _whole_frames(container, whole)
        except DamagedError:
            return
        have -= at
        block[:have] = whole[at:]
        if have == len(block):
            block += bytes(len(block))


def _whole_frames(container: Container, data: bytes) -> Generator[bytes, None, int]:
    """Those of a block; returns where the rest of it begins."""
    at = 0
    while (record := container.step(data, at, len(data))) is not None:
        if isinstance(record, int):
            at = record
            continue
        start, captured, _, _, link, _, at = record
        if captured >= LEAST and link == ETHERNET:
            yield data[start : start + captured]
    return at
