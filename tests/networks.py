"""A network of the test's own: a veth pair in a namespace that ends with the test."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.labs import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

SENDER, MIRROR = "sender0", "mirror0"
_NEW_NETWORK = 0x40000000
_EVERYTHING = 0x0003  # ETH_P_ALL
_LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def plug_in() -> None:
    """Make the pair, both ends up."""
    ip("link", "add", SENDER, "type", "veth", "peer", "name", MIRROR)
    for end in (SENDER, MIRROR):
        silence = Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6")
        silence.write_text("1", encoding="ascii")  # else the kernel itself speaks
        ip("link", "set", end, "up")
    # Until the kernel has noticed that the link is there, it drops what is sent.
    wait_for(lambda: ip("-o", "link", "show").count(" state UP ") == 2, "a link")


def unplug() -> None:
    ip("link", "del", SENDER)


def send(*frames: bytes) -> None:
    """Let frames come out of the mirror's end."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((SENDER, 0))
        for frame in frames:
            sender.send(frame)


@contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and those that it starts, into a namespace with a pair in it."""
    with Path("/proc/thread-self/ns/net").open("rb") as before:
        if _LIBC.unshare(_NEW_NETWORK):
            pytest.skip(f"only root makes namespaces: {os.strerror(ctypes.get_errno())}")
        try:
            ip("link", "set", "lo", "up")
            try:
                plug_in()
            except subprocess.CalledProcessError as error:
                pytest.skip(f"the kernel makes no pair: {error.stderr.strip()}")
            yield
        finally:
            assert _LIBC.setns(before.fileno(), _NEW_NETWORK) == 0
