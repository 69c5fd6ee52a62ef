"""Who made a device, by the first three bytes of its MAC (the IEEE's list of OUIs).

The list comes with the library aiooui (extra ``live``), which maps it from its file: no network,
and next to no memory beyond the library itself. It is loaded at the first question.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCK = threading.Lock()
_GROUP_BIT, _LOCAL_BIT = 1, 2
_FIRST_OCTET = slice(0, 2)
_REGISTRAR = "IEEE Registration Authority"
"""Who holds the blocks that are given away in parts: no maker."""


def vendor_of(mac: str) -> str | None:
    """The maker of a network card.

    Args:
        mac: lower case with colons.

    Returns:
        Its name as the IEEE lists it; None for random and group addresses, for unknown makers,
        and where the library is not installed.
    """
    if int(mac[_FIRST_OCTET], 16) & (_GROUP_BIT | _LOCAL_BIT):
        return None
    look_up = _loaded()
    vendor = None if look_up is None else look_up(mac)
    return None if vendor in {None, _REGISTRAR} else vendor


def vendors_known() -> bool:
    """Whether the list is there."""
    return _loaded() is not None


def _loaded() -> Callable[[str], str | None] | None:
    with _LOCK:  # the library loads once, for one event loop
        return _table()


@cache
def _table() -> Callable[[str], str | None] | None:
    try:
        import aiooui
    except ImportError:
        return None
    import asyncio

    asyncio.run(aiooui.async_load())
    return aiooui.get_vendor
