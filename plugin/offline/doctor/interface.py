"""The interface that copies come to: there, up, ours to read, and not joining frames."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from typing import TYPE_CHECKING

from plugin.capture.packet_socket import Opening, bind, check_interface, open_socket
from plugin.errors import CaptureError, OptionError
from plugin.offline.doctor.check import Check, failed, ok, skipped, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.settings import Settings

_SIOCGIFFLAGS, _SIOCETHTOOL = 0x8913, 0x8946
_UP, _RUNNING = 0x1, 0x40
_ETHTOOL_GFLAGS, _ETHTOOL_GGRO = 0x25, 0x2B
_FLAG_LRO = 1 << 15


def interface(settings: Settings) -> Iterator[Check]:
    """All checks of the interface."""
    name = settings.capture.iface
    if name is None:
        yield skipped(
            "interface",
            "capture.iface is not set: no traffic is captured, so no role is told",
            "set capture.iface to the interface behind the mirror port",
        )
        return
    try:
        check_interface(name)
    except OptionError as error:
        yield failed("interface", f"{name}: {error.reason}", error.advice or _OTHER)
        return
    yield _link(name)
    yield _right(name)
    yield _joining(name)


_OTHER = "set capture.iface to an Ethernet interface"


def _link(name: str) -> Check:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        answer = fcntl.ioctl(asker, _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
    (flags,) = struct.unpack_from("=H", answer, 16)
    if not flags & _UP:
        return failed("interface", f"{name} is down", f"ip link set {name} up")
    if not flags & _RUNNING:
        return failed("interface", f"{name} is up, but has no link", "look at cable and port")
    return ok("interface", f"{name} is up")


def _right(name: str) -> Check:
    """Open it as a capture would, all frames included, and close it again."""
    opening = Opening(iface=name)
    try:
        with open_socket(opening) as raw:
            bind(raw, opening)
    except CaptureError as error:
        return failed("capture right", f"{name}: {error.reason}", error.advice or "run it as root")
    except OSError as error:
        return failed(
            "capture right",
            f"{name} cannot be read promiscuously: {error.strerror}",
            "set capture.iface to an interface that can",
        )
    return ok("capture right", f"{name} can be read, frames for others included")


def _joining(name: str) -> Check:
    """GRO and LRO join frames before anybody sees them: counts are then not the wire's."""
    gro = _ethtool(name, _ETHTOOL_GGRO)
    flags = _ethtool(name, _ETHTOOL_GFLAGS)
    if gro is None and flags is None:
        return skipped("offloads", f"{name} does not tell what it joins")
    on = [("gro", bool(gro)), ("lro", bool(flags and flags & _FLAG_LRO))]
    joined = [word for word, is_on in on if is_on]
    if joined:
        off = " ".join(f"{word} off" for word in joined)
        return warn(
            "offloads",
            f"{name} joins frames ({', '.join(joined)}): sizes and counts are not the wire's",
            f"ethtool -K {name} {off}",
        )
    return ok("offloads", f"{name} joins no frames (gro, lro)")


def _ethtool(name: str, question: int) -> int | None:
    """What the driver says; None if it has no answer."""
    value = ctypes.create_string_buffer(struct.pack("II", question, 0), 8)
    request = struct.pack("16sP16x", name.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            fcntl.ioctl(asker, _SIOCETHTOOL, request)
        except OSError:
            return None
    answer: int = struct.unpack("II", value.raw)[1]
    return answer
