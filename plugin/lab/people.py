"""What hosts do, as processes: each host's services and clients, and what turns it bad."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from plugin.errors import LabError
from plugin.lab import bad, device

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.lab.topology import Topology

_CLONE_NEWNET = 0x40000000


class People:
    """The processes of hosts.

    They are forks of the lab's first process, which has all modules loaded: a host is busy some
    milliseconds after it is told to be, and shares its memory with the others.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self._active: dict[str, int] = {}
        self._bad: dict[tuple[str, str], int] = {}

    def begin(self, host: str) -> None:
        """Start a host's services and clients, if it has any and they do not run."""
        if host not in self._active and device.has_work(self.topology, host):
            self._active[host] = _fork(host, lambda: device.run(self.topology, host))

    def end(self, host: str) -> None:
        """Stop a host's services and clients."""
        pid = self._active.pop(host, None)
        if pid is not None:
            _kill(pid)

    def active(self, host: str) -> bool:
        """Whether a host's services and clients run."""
        return host in self._active

    def turn_bad(
        self,
        host: str,
        kind: str,
        *,
        target: str | None = None,
        seconds: float | None = None,
        rate: float | None = None,
    ) -> dict[str, Any]:
        """Let a host do something bad, until it is calmed or ``seconds`` have passed.

        Raises:
            InputError: no such host, kind or target.
            LabError: it does that already.
        """
        plan = bad.plan(self.topology, host, kind, target=target, seconds=seconds, rate=rate)
        if (host, kind) in self._bad:
            raise LabError(f"does '{kind}' already", where=host)
        self._bad[host, kind] = _fork(host, lambda: bad.run(plan))
        return plan._asdict()

    def calm(self, host: str) -> dict[str, Any]:
        """Stop everything bad that a host does."""
        ended = [key for key in self._bad if key[0] == host]
        for key in ended:
            _kill(self._bad.pop(key))
        return {"host": host, "ended": [kind for _, kind in ended]}

    def bad(self, host: str) -> list[str]:
        """Name the bad things that a host does now."""
        return sorted(kind for name, kind in self._bad if name == host)

    def collect(self, pid: int) -> bool:
        """Collect a child that has ended, if it is one of these."""
        active = {known: key for key, known in self._active.items()}
        bad_ones = {known: key for key, known in self._bad.items()}
        if pid in active:
            del self._active[active[pid]]
        elif pid in bad_ones:
            del self._bad[bad_ones[pid]]
        else:
            return False
        os.waitpid(pid, 0)
        return True


def _fork(host: str, work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        _child(host, work)
    return pid


def _child(host: str, work: Callable[[], None]) -> NoReturn:
    """Be a host: enter its network, work, end. Nothing of the parent's is cleaned up here."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)  # the lifeline and the reports are the parent's
        os.dup2(nowhere, 1)
        _enter(f"/run/netns/{host}")
        work()
        code = 0
    except Exception:  # noqa: BLE001 - a fork must not go on as its parent, whatever happens
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _enter(namespace: str) -> None:
    """Move this process to another network namespace (os.setns came with Python 3.12)."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = os.open(namespace, os.O_RDONLY)
    if libc.setns(place, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), namespace)
    os.close(place)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
