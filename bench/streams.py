"""Numbered datagrams between hosts of a lab: who sends, who counts, and what the counts say.

Nothing here asks Halia. Each datagram carries its number and is sent at its own time, whatever
came before: so many numbers that are missing are so much time without a network.
"""

from __future__ import annotations

import json
import sys
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

    from plugin.lab import Lab
    from plugin.lab.running import Running

PORT = 7007
INTERVAL = 0.001
"""Seconds between two datagrams of a stream."""

_SENDER = """
import socket, struct, sys, time
to, port, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
begun, number = time.monotonic(), 0
while True:
    due = begun + number * interval - time.monotonic()
    if due > 0:
        time.sleep(due)
    try:
        sock.sendto(struct.pack("!Q", number) + bytes(24), (to, port))
    except OSError:
        pass  # its own kernel knows no way: that counts as lost
    number += 1
"""
_RECEIVER = """
import json, select, socket, struct, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
sock.bind(("", int(sys.argv[1])))
seen = {}
print("ready", flush=True)
while True:
    for one in select.select([sock, sys.stdin], [], [])[0]:
        if one is sock:
            data, (source, _) = sock.recvfrom(64)
            seen.setdefault(source, []).append((struct.unpack("!Q", data[:8])[0], time.time()))
        elif not sys.stdin.readline():
            sys.exit()
        else:
            print(json.dumps(seen), flush=True)
            seen = {}
"""


class Arrived(NamedTuple):
    """A datagram that arrived."""

    number: int
    time: float
    """Seconds since 1970-01-01 UTC."""


def missing(arrived: Sequence[Arrived]) -> int:
    """How many numbers between the first and the last never came."""
    numbers = {one.number for one in arrived}
    return max(numbers) - min(numbers) + 1 - len(numbers) if numbers else 0


class Counter:
    """Counts what arrives at one host."""

    def __init__(self, lab: Lab, host: str, stack: ExitStack) -> None:
        words = [sys.executable, "-c", _RECEIVER, str(PORT)]
        self._running = stack.enter_context(lab.start(host, words, stdin=PIPE, stdout=PIPE))
        assert self._line() == "ready"

    def take(self) -> dict[str, list[Arrived]]:
        """What arrived since the last time, by the sender's address."""
        stream = self._running.popen.stdin
        assert stream is not None
        stream.write("\n")
        stream.flush()
        found: Mapping[str, list[list[float]]] = json.loads(self._line())
        return {
            source: [Arrived(int(number), time) for number, time in some]
            for source, some in found.items()
        }

    def _line(self) -> str:
        stream = self._running.popen.stdout
        assert stream is not None
        return str(stream.readline()).strip()


def send(lab: Lab, host: str, to: str, stack: ExitStack, interval: float = INTERVAL) -> Running:
    """Start a stream from a host to an address; it ends with the stack, or when it is stopped."""
    words = [sys.executable, "-c", _SENDER, to, str(PORT), str(interval)]
    return stack.enter_context(lab.start(host, words, stdout=DEVNULL, stderr=DEVNULL))
