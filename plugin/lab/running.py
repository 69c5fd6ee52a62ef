"""Programs in a lab, as whoever started them from outside sees them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

_GONE_SECONDS = 20.0
_ENTER_SECONDS = 10.0


class Running:
    """A program that runs in a lab.

    Args:
        popen: the program that enters the lab's namespaces, starts it there and waits for it.
    """

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self.popen = popen
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """The program's own pid as this process sees it; nsenter's if it has ended before.

        It is waited for: nsenter takes some milliseconds to start it.
        """
        end = time.monotonic() + _ENTER_SECONDS
        while self._pid is None and self.popen.poll() is None and time.monotonic() < end:
            self._pid = only_child(self.popen.pid)
            time.sleep(0 if self._pid else 0.005)
        return self._pid or self.popen.pid

    def poll(self) -> int | None:
        """Give its exit code, or None while it runs."""
        return self.popen.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; give its exit code."""
        return self.popen.wait(timeout)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(self.pid, number)

    def stop(self, timeout: float = 5.0) -> int:
        """End it: SIGTERM, then SIGKILL for its whole process group. Gives its exit code."""
        if self.popen.poll() is None:
            self.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.popen.pid, signal.SIGKILL)
        code = self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()
        return code

    def __enter__(self) -> Self:
        """Leave it running inside the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()


def only_child(pid: int) -> int | None:
    """Give the one child of a process, if the kernel tells and there is one."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(children[0]) if children else None


def kill_and_wait(pid: int) -> None:
    """Kill the first process of a pid namespace; it is gone once all others in it are."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], _GONE_SECONDS)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
