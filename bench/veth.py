"""Two ends of a virtual wire in a network of their own, and a generator of frames for it.

Everything happens inside one private namespace that ends with the process that holds it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

SOURCE = Path(__file__).with_name("generator.c")
SENDER, RECEIVER = "halia0", "halia1"
_DEADLINE = 10.0


class NoNetworkError(Exception):
    """This machine gives us no private network, or lacks a tool; the text says which."""


def build_generator(folder: Path) -> Path:
    """Compile the generator.

    Raises:
        NoNetworkError: there is no compiler.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NoNetworkError("no C compiler for the generator of frames")
    program = folder / "generator"
    command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", str(program), str(SOURCE)]
    subprocess.run(command, check=True)
    return program


class Wire:
    """A veth pair in a private namespace: frames sent into one end come out of the other."""

    def __init__(self) -> None:
        """Make nothing yet; use it as a context manager."""
        self._holder: subprocess.Popen[bytes] | None = None
        self._enter: list[str] = []
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        """Bring it up; see :meth:`open`."""
        self.open()
        return self

    def open(self) -> None:
        """Bring it up.

        Raises:
            NoNetworkError: no namespace, no veth.
        """
        for tool in ("unshare", "nsenter", "ip"):
            if shutil.which(tool) is None:
                raise NoNetworkError(f"{tool} is not installed")
        root = os.geteuid() == 0
        unshare = ["unshare", "-n"] if root else ["unshare", "-rn"]
        self._holder = subprocess.Popen(
            [*unshare, "sh", "-c", "echo up; exec sleep 3600"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"up\n":
            self.close()
            raise NoNetworkError("a private network namespace is not permitted here")
        user = [] if root else ["-U", "--preserve-credentials"]
        self._enter = ["nsenter", "-t", str(self._holder.pid), "-n", *user]
        commands = [
            ["ip", "link", "set", "lo", "up"],
            ["ip", "link", "add", SENDER, "type", "veth", "peer", "name", RECEIVER],
            *(
                ["sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1"]
                for end in (SENDER, RECEIVER)
            ),
            *(["ip", "link", "set", end, "up"] for end in (SENDER, RECEIVER)),
        ]
        for command in commands:
            done = self.run(command)
            if done.returncode and command[0] == "ip":
                self.close()
                raise NoNetworkError(f"no veth pair: {done.stderr.strip()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it down."""
        self.close()

    def close(self) -> None:
        """End what was started in it, then the namespace."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate()
            self._holder = None

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        return subprocess.run([*self._enter, *command], capture_output=True, text=True, check=False)

    def start(self, command: Sequence[str], **more: Any) -> subprocess.Popen[str]:
        """Start a command inside; nsenter becomes the command, so its pid is the command's."""
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([*self._enter, *command], text=True, **more)
        self._started.append(process)
        return process

    def packet_sockets(self) -> int:
        """How many packet sockets are open inside."""
        return max(0, len(self.run(["cat", "/proc/net/packet"]).stdout.splitlines()) - 1)

    def wait_for_sockets(self, count: int) -> None:
        """Wait until so many packet sockets are bound to an interface.

        Raises:
            NoNetworkError: they are not after ten seconds and more.
        """
        end = time.monotonic() + _DEADLINE * 3
        while time.monotonic() < end:
            rows = self.run(["cat", "/proc/net/packet"]).stdout.splitlines()[1:]
            if sum(1 for row in rows if int(row.split()[4]) > 0) >= count:
                return
            time.sleep(0.05)
        raise NoNetworkError(f"{count} packet sockets did not come up")


def sent(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a generator said when it was done."""
    out, err = process.communicate()
    if process.returncode:
        raise NoNetworkError(f"the generator failed: {err.strip()}")
    told: dict[str, Any] = json.loads(out)
    return told
