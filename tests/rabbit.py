"""A private RabbitMQ on loopback: its own folder, ports and name; it ends with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Path("/usr/lib/rabbitmq/lib")
START_SECONDS = 120.0


class Broker(NamedTuple):
    """A broker that can be stopped, killed and started again on its data."""

    folder: Path
    port: int
    environment: dict[str, str]
    script: Path
    processes: list[subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    # In a process namespace, for the port mapper puts itself into the background.
                    ["unshare", *([] if os.getuid() == 0 else ["-Ur"]), "-p", "--fork",
                     "--kill-child", str(self.script)],
                    env=self.environment, stdout=log, stderr=log,
                )
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.processes[-1].poll() is not None or time.monotonic() > deadline:
                pytest.fail((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.2)

    def kill(self) -> None:
        process = self.processes.pop()
        process.kill()
        process.wait()

    def answers(self) -> bool:
        """RabbitMQ speaks first only after the greeting: an open port is not yet a broker."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as link:
                link.sendall(b"AMQP\0\0\x09\x01")
                return link.recv(1) == b"\x01"
        except OSError:
            return False


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    versions = sorted(PLACE.glob("rabbitmq_server-*"))
    if not versions or shutil.which("erl") is None:
        pytest.skip("rabbitmq-server is not installed")
    home = versions[-1]
    port, epmd, distribution = free_ports(3)
    (folder / "plugins").mkdir(parents=True)
    for app in (home / "plugins").iterdir():  # with all of them it takes three times as long
        if app.name.startswith(("rabbit-", "rabbit_common-")):
            (folder / "plugins" / app.name).symlink_to(app)
    (folder / "enabled_plugins").write_text("[].\n")
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{port}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_MNESIA_DIR": str(folder / "mnesia" / "node"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": str(folder / "node.log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PLUGINS_DIR": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "gen"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
        " -kernel inet_dist_use_interface {127,0,0,1}",
    }
    one = Broker(folder, port, environment, home / "sbin" / "rabbitmq-server", [])
    try:
        one.start()
        yield one
    finally:
        while one.processes:
            one.kill()
