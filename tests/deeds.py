"""Plans of bad hosts for tests, and what raw sockets would have sent."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

from plugin.lab.plan import Plan

if TYPE_CHECKING:
    import pytest

HERE = "127.0.0.1"
MAC, VICTIM = "02:00:00:00:00:01", "02:00:00:00:00:02"


def plan_here(kind: str) -> Plan:
    """Of a host that is bad to its own machine."""
    return Plan(
        host="h1", kind=kind, target=HERE, rate=100.0, seconds=None, seed=1, mac=MAC,
        about="10.0.0.9", target_mac=VICTIM, targets=(HERE,),
    )  # fmt: skip


class RawSocket:
    """Keeps what is sent; some addresses are nobody's, which is an error as the kernel has it."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, str]] = []
        self.bound: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def bind(self, place: tuple[str, int]) -> None:
        self.bound = place

    def setblocking(self, _: bool) -> None:
        return

    def connect(self, _: object) -> None:
        return

    def getsockname(self) -> tuple[str, int]:
        return "10.0.0.1", 50_000

    def send(self, frame: bytes) -> None:
        self.sent.append((frame, ""))

    def sendto(self, packet: bytes, place: tuple[str, int]) -> None:
        self.sent.append((packet, place[0]))
        if place[0].endswith(".7"):
            raise OSError(113, "no route to host")

    def recv(self, _: int) -> bytes:
        raise BlockingIOError


def raw(monkeypatch: pytest.MonkeyPatch) -> RawSocket:
    """One for whoever opens a socket from here on."""
    sock = RawSocket()
    monkeypatch.setattr(socket, "socket", lambda *_: sock)
    return sock
