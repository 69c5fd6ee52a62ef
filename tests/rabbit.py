"""A private RabbitMQ on loopback: its own folder, ports and name; it ends with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pika
import pytest
from pika.exchange_type import ExchangeType

from plugin.broker.message import VERDICT_EXCHANGE
from plugin.broker.parameters import connection_parameters
from plugin.lab import daemons
from plugin.lab.fabric import amqp_answers
from plugin.lab.needs import rabbitmq_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.broker.rabbitmq import Publisher
    from plugin.lab.daemons import Daemon

START_SECONDS = 120.0
PATIENCE = 90.0


class Broker(NamedTuple):
    """A broker that can be stopped, killed and started again on its data."""

    folder: Path
    home: Path
    port: int
    daemon: Daemon
    processes: list[subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"amqp://127.0.0.1:{self.port}/"

    def parameters(self, vhost: str = "", **settings: Any) -> pika.ConnectionParameters:
        return connection_parameters(self.url + vhost, **settings)

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


class Reader:
    """An independent consumer with a queue of its own."""

    def __init__(self, broker: Broker, queue: str, exchange: str = VERDICT_EXCHANGE) -> None:
        self.connection = pika.BlockingConnection(broker.parameters())
        self.channel = self.connection.channel()
        durable = exchange == VERDICT_EXCHANGE
        self.channel.exchange_declare(exchange, ExchangeType.topic, durable=durable)
        self.channel.queue_declare(queue, durable=True)
        self.channel.queue_bind(queue, exchange, "#")
        self.queue = queue

    def take(self) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        while True:
            method, properties, body = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                return found
            assert properties is not None
            assert body is not None
            assert properties.content_type == "application/json"
            found.append((str(properties.message_id), body))

    def close(self) -> None:
        self.connection.close()


def record_pauses(owner: Publisher) -> list[float]:
    """Give the list of pauses between tries; they pass at once, or nearly."""
    pauses: list[float] = []

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            return super().wait(0.1)

    owner._link._stopping = Stopping()
    return pauses


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
