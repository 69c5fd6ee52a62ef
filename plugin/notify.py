"""What a service tells systemd about itself (sd_notify(3)): ready, reloading, stopping, alive.

Without systemd every call does nothing. None of them fails or waits: whether somebody listens
changes nothing in the work.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Self

from plugin.errors import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_MICRO = 1_000_000
_NANO_IN_MICRO = 1_000


class Notifier:
    """One service's line to systemd."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Find systemd's socket.

        Args:
            environ: Where ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` are looked for;
                by default this process's environment.
        """
        environ = os.environ if environ is None else environ
        name = environ.get("NOTIFY_SOCKET", "")
        self._address: str | None = None
        if name.startswith("/"):
            self._address = name
        elif name.startswith("@"):
            self._address = f"\0{name[1:]}"  # an abstract socket (unix(7))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self.watchdog_seconds = _watchdog(environ) if self._address else None
        """systemd ends the service that is silent for so long: tell it twice in that time. None:
        it does not wait for that."""

    def ready(self, status: str) -> bool:
        """The start, or a reload, is done.

        Args:
            status: What ``systemctl status`` shows, one line.

        Returns:
            Whether systemd was told.
        """
        return self._send("READY=1", f"STATUS={printable(status)}")

    def reloading(self, monotonic_ns: int) -> bool:
        """A reload begins; :meth:`ready` ends it.

        Args:
            monotonic_ns: ``time.monotonic_ns()``, so that systemd knows whose reload this is.
        """
        return self._send("RELOADING=1", f"MONOTONIC_USEC={monotonic_ns // _NANO_IN_MICRO}")

    def stopping(self) -> bool:
        """The end begins."""
        return self._send("STOPPING=1")

    def status(self, text: str) -> bool:
        """What it does now, one line."""
        return self._send(f"STATUS={printable(text)}")

    def alive(self) -> bool:
        """The service works: for systemd's watchdog."""
        return self._send("WATCHDOG=1")

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _send(self, *lines: str) -> bool:
        if self._address is None:
            return False
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:  # it went, or its queue is full
            return False
        return True


def _watchdog(environ: Mapping[str, str]) -> float | None:
    microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (microseconds.isascii() and microseconds.isdigit()) or not int(microseconds):
        return None
    if pid and pid != str(os.getpid()):
        return None  # another process of the service is meant
    return int(microseconds) / _MICRO
