"""A private RabbitMQ on loopback: its own folder, ports and name; it ends with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from plugin.lab import daemons
from plugin.lab.fabric import amqp_answers
from plugin.lab.needs import rabbitmq_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.lab.daemons import Daemon

START_SECONDS = 120.0


class Broker(NamedTuple):
    """A broker that can be stopped, killed and started again on its data."""

    folder: Path
    home: Path
    port: int
    daemon: Daemon
    processes: list[subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        log = self.folder / "log" / "rabbitmq.out"
        with log.open("ab") as out:
            self.processes.append(
                subprocess.Popen(
                    # In a process namespace, for the port mapper puts itself into the background.
                    ["unshare", *([] if os.getuid() == 0 else ["-Ur"]), "-p", "--fork",
                     "--kill-child", *self.daemon.argv],
                    env=self.daemon.environment, stdout=out, stderr=out,
                )
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not amqp_answers(self.port):
            if self.processes[-1].poll() is not None or time.monotonic() > deadline:
                pytest.fail(log.read_text(errors="replace")[-2000:])
            time.sleep(0.2)

    def kill(self) -> None:
        process = self.processes.pop()
        process.kill()
        process.wait()

    def ctl(self, *words: str) -> str:
        """Ask it something as its administrator."""
        command = [str(self.home / "sbin" / "rabbitmqctl"), "--quiet", *words]
        return subprocess.run(
            command, env=self.daemon.environment, capture_output=True, text=True, check=True
        ).stdout


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def broker(folder: Path, settings: str = "") -> Iterator[Broker]:
    """Run a broker; ``settings`` are further lines of its rabbitmq.conf."""
    home = rabbitmq_home()
    if home is None or shutil.which("erl") is None:
        pytest.skip("rabbitmq-server is not installed")
    port, epmd, distribution = free_ports(3)
    (folder / "log").mkdir(parents=True)
    listener = f"listeners.tcp.default = 127.0.0.1:{port}\n"
    daemons.prepare_rabbitmq(folder, home, listener + settings)
    daemon = daemons.rabbitmq(folder, home, (epmd, distribution))
    one = Broker(folder, home, port, daemon, [])
    try:
        one.start()
        yield one
    finally:
        while one.processes:
            one.kill()
