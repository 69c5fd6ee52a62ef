"""Which device somebody means: by MAC address, IP address or name. Pure.

An order hits one device or none. Where two could be meant nobody guesses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from plugin.addresses import device_address
from plugin.errors import DeniedError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LISTED = 10
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")


class Known(NamedTuple):
    """A device by all that it can be called."""

    mac: str
    addresses: Sequence[str] = ()
    name: str | None = None


def mac_in(text: str) -> str | None:
    """The MAC address that a text is, however it was typed; None: it is something else."""
    try:
        found = device_address(text)
    except ValueError:
        return None
    return found if _MAC.fullmatch(found) else None


def whom(text: str, known: Iterable[Known]) -> str | None:
    """Find the MAC address of the device that is meant.

    A MAC address is itself, whether or not anybody knows it. Addresses go before names: a device
    can call itself what it likes, 10.0.0.1 too.

    Args:
        text: what somebody typed.
        known: all devices; one may stand there more than once.

    Returns:
        None: nobody has that address or name.

    Raises:
        DeniedError: it could be more than one; the text lists them.
    """
    mac = mac_in(text)
    if mac is not None:
        return mac
    try:
        wanted: str | None = device_address(text)
    except ValueError:
        wanted = None
    devices = list(known)
    found = {one.mac: one for one in devices if wanted is not None and wanted in one.addresses}
    if not found:
        name = text.strip().casefold()
        found = {one.mac: one for one in devices if (one.name or "").casefold() == name and name}
    if len(found) > 1:
        raise _ambiguous(text, list(found.values()))
    return next(iter(found), None)


def _ambiguous(text: str, found: list[Known]) -> DeniedError:
    listed = ", ".join(f"{one.mac}{f' ({one.name})' * bool(one.name)}" for one in found[:_LISTED])
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return DeniedError(
        f"could be any of {len(found)} devices: {listed}{more}",
        where=printable(text),
        advice="say which one by its MAC address",
    )
